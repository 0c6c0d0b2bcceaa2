// Requests and limits: instance_shape over what the configuration says.
import type { V1ResourceRequirements } from '@kubernetes/client-node'
import type { Assignment } from '../model/assignment.ts'
import type { Resources } from '../model/pod-settings.ts'

/** cpu and memory of instance_shape as both request and limit; everything else (GPUs, ephemeral storage) stays as configured. */
export function taskResources(shape: Assignment['instance_shape'], configured: Resources | undefined): V1ResourceRequirements | undefined {
  const asked: Record<string, string> = {}
  if (shape?.vcpus !== undefined) asked.cpu = cores(shape.vcpus)
  if (shape?.memory_gb !== undefined) asked.memory = gibibytes(shape.memory_gb)
  const { requests: _, limits: __, ...rest } = configured ?? {}
  const requests = { ...texts(configured?.requests), ...asked }
  const limits = { ...texts(configured?.limits), ...asked }
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return undefined
  return {
    ...rest,
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  }
}

const COPY_RESOURCES = ['cpu', 'memory', 'ephemeral-storage']

/**
 * The same for a copying init container, without devices. It costs nothing to schedule (a Pod asks for the larger of its init and its
 * main containers) and keeps namespaces content whose quota wants every container to say what it needs.
 */
export function copyResources(task: V1ResourceRequirements | undefined): V1ResourceRequirements | undefined {
  if (!task) return undefined
  const basic = (from: Record<string, string> | undefined) =>
    Object.fromEntries(Object.entries(from ?? {}).filter(([name]) => COPY_RESOURCES.includes(name)))
  const requests = basic(task.requests)
  const limits = basic(task.limits)
  return { ...(Object.keys(requests).length > 0 ? { requests } : {}), ...(Object.keys(limits).length > 0 ? { limits } : {}) }
}

/** 2 → "2", 0.5 → "500m"; Kubernetes counts in thousandths, so anything finer is rounded up. */
function cores(vcpus: number): string {
  const milli = Math.max(1, Math.ceil(round(vcpus * 1000)))
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`
}

/** 4 → "4Gi", 0.5 → "512Mi", rounded up to whole mebibytes. */
function gibibytes(size: number): string {
  const mebi = Math.max(1, Math.ceil(round(size * 1024)))
  return mebi % 1024 === 0 ? `${mebi / 1024}Gi` : `${mebi}Mi`
}

/** Takes the noise of binary fractions away, so that 1.1 cores are 1100m and not 1101m. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}

function texts(from: Readonly<Record<string, string | number>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(from ?? {}).map(([name, value]) => [name, String(value)]))
}
