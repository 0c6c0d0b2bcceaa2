// ResourceQuotas against one task: what can never fit, and what does not fit now. Pure. Source: Kubernetes' quota evaluators.
import type { V1PodSpec } from '@kubernetes/client-node'
import type { LimitRange, ResourceQuota } from './limits.ts'
import { type ContainerResources, containerResources, podLevel, podTotal } from './pod-resources.ts'
import { formatQuantity, parseQuantity } from './quantity.ts'

export interface QuotaConflict {
  /** Name of the ResourceQuota. */
  quota: string
  detail: string
  /** `missing`: a container does not say what it needs. `too-large`: more than the whole quota. `used-up`: no room now, later perhaps. */
  kind: 'missing' | 'too-large' | 'used-up'
}

export interface TaskObjects {
  spec: V1PodSpec
  /** Whether the task has a Secret. */
  secret: boolean
}

/** A quota on these wants every container to say what it needs; on others a missing value counts as nothing. */
const MUST_BE_SAID = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

export function quotaConflicts(task: TaskObjects, quotas: readonly ResourceQuota[], limitRanges: readonly LimitRange[]): QuotaConflict[] {
  const containers = containerResources(task.spec, limitRanges)
  const pod = podUsage(containers, task.spec)
  // Quotas that count objects have no scope.
  const objects = new Map([
    ['count/jobs.batch', 1],
    ...(task.secret
      ? ([
          ['secrets', 1],
          ['count/secrets', 1],
        ] as const)
      : []),
  ])
  return quotas.flatMap((quota) => {
    const usage = applies(quota, task.spec, containers) ? new Map([...pod, ...objects]) : objects
    return conflictsOf(quota, usage, usage.has('pods') && !podLevel(task.spec) ? containers : [])
  })
}

function conflictsOf(quota: ResourceQuota, usage: ReadonlyMap<string, number>, containers: readonly ContainerResources[]): QuotaConflict[] {
  const name = quota.metadata?.name ?? '?'
  const found: QuotaConflict[] = []
  for (const [resource, text] of Object.entries(quota.status?.hard ?? quota.spec?.hard ?? {})) {
    if (MUST_BE_SAID.has(resource)) {
      const silent = containers.filter((container) => !says(container, resource)).map((container) => container.name)
      if (silent.length > 0) {
        found.push({
          quota: name,
          kind: 'missing',
          detail: `${resource} must be set for every container; it is not for ${silent.join(', ')}`,
        })
        continue
      }
    }
    const hard = parseQuantity(text)
    const needed = usage.get(resource) ?? 0
    if (hard === null || needed === 0) continue
    const used = parseQuantity(quota.status?.used?.[resource]) ?? 0
    const amounts = `a task needs ${formatQuantity(needed, resource)} ${resource}`
    if (needed > hard) found.push({ quota: name, kind: 'too-large', detail: `${amounts}, the whole quota is ${text}` })
    else if (used + needed > hard)
      found.push({ quota: name, kind: 'used-up', detail: `${amounts}, ${formatQuantity(used, resource)} of ${text} are in use` })
  }
  return found
}

/** requests.cpu and cpu are the same. */
function says(container: ContainerResources, resource: string): boolean {
  return resource.startsWith('limits.')
    ? container.limits.has(resource.slice(7))
    : container.requests.has(resource.replace(/^requests\./, ''))
}

function podUsage(containers: readonly ContainerResources[], spec: V1PodSpec): Map<string, number> {
  const usage = new Map([
    ['pods', 1],
    ['count/pods', 1],
  ])
  for (const [name, amount] of podTotal(containers, 'requests', spec)) {
    usage.set(`requests.${name}`, amount)
    if (!name.includes('/')) usage.set(name, amount)
  }
  for (const [name, amount] of podTotal(containers, 'limits', spec)) usage.set(`limits.${name}`, amount)
  return usage
}

/** Whether the quota counts this Pod: all of its scopes must match. */
function applies(quota: ResourceQuota, spec: V1PodSpec, containers: readonly ContainerResources[]): boolean {
  const asks = containers.some((container) => container.requests.size > 0 || container.limits.size > 0)
  const scopes = (quota.spec?.scopes ?? []).map((scopeName) => ({
    scopeName,
    operator: 'Exists',
    values: undefined as string[] | undefined,
  }))
  return [...scopes, ...(quota.spec?.scopeSelector?.matchExpressions ?? [])].every(({ scopeName, operator, values }) => {
    switch (scopeName) {
      case 'Terminating':
        return spec.activeDeadlineSeconds !== undefined
      case 'NotTerminating':
        return spec.activeDeadlineSeconds === undefined
      case 'BestEffort':
        return !asks
      case 'NotBestEffort':
        return asks
      case 'PriorityClass':
        return matchesPriority(spec.priorityClassName, operator, values ?? [])
      default:
        // CrossNamespacePodAffinity and what comes later: not judged, so nothing wrong is said.
        return false
    }
  })
}

function matchesPriority(className: string | undefined, operator: string, values: readonly string[]): boolean {
  if (operator === 'Exists') return className !== undefined && className !== ''
  if (operator === 'DoesNotExist') return className === undefined || className === ''
  const listed = className !== undefined && values.includes(className)
  return operator === 'NotIn' ? !listed : listed
}
