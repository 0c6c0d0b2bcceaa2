// The checks `quota` and `limit-range`: whether the namespace's bounds let a task's Pod in at all. Pure.
import type { V1PodSpec } from '@kubernetes/client-node'
import type { KubeError, KubeResult } from '../model/kube-api.ts'
import type { Sample, Samples } from './api.ts'
import { type CheckResult, failed, ok, oneLine, warning } from './check.ts'
import { limitRangeConflicts } from './limit-range.ts'
import type { LimitRange, ResourceQuota } from './limits.ts'
import { quotaConflicts } from './quota.ts'

type Read<T> = KubeResult<readonly T[]>

/** What may not be read is not judged: the check `permissions` says so. */
export function checkRoom(
  namespace: string,
  samples: Samples,
  bounds: { quotas: Read<ResourceQuota>; limitRanges: Read<LimitRange> },
): CheckResult[] {
  const { quotas, limitRanges } = bounds
  const ranges = limitRanges.ok ? limitRanges.value : []
  return [
    ...(quotas.ok ? [checkQuota(namespace, samples, quotas.value, ranges)] : unread('quota', 'resourcequotas', namespace, quotas.error)),
    ...(limitRanges.ok
      ? [checkLimitRange(namespace, samples, ranges)]
      : unread('limit-range', 'limitranges', namespace, limitRanges.error)),
  ]
}

function unread(name: string, resource: string, namespace: string, error: KubeError): CheckResult[] {
  // A cluster that does not serve the resource (the embedded one) has none.
  if (error.status === 404) return [ok(name, `there are no ${resource} in this cluster`)]
  if (error.status === 403) return []
  const what = `the ${resource} of namespace ${namespace} could not be read`
  return [warning(name, what, oneLine(error.message), `try again; or look yourself: kubectl -n ${namespace} describe ${resource}`)]
}

const RESOURCES = 'set backend.kubernetes.pod_template.containers[task].resources (or backend.kubernetes.resources)'

function checkQuota(namespace: string, samples: Samples, quotas: readonly ResourceQuota[], ranges: readonly LimitRange[]): CheckResult {
  const name = 'quota'
  if (quotas.length === 0) return ok(name, `namespace ${namespace} has no quota`)
  const of = (sample: Sample) => quotaConflicts({ spec: podOf(sample), secret: sample.secret !== null }, quotas, ranges)
  const never = (sample: Sample) => of(sample).filter(({ kind }) => kind !== 'used-up')
  const see = `kubectl -n ${namespace} describe resourcequota`
  const say = (conflicts: readonly { quota: string; detail: string }[]): string =>
    conflicts.map(({ quota, detail }) => `${quota}: ${detail}`).join('; ')
  // The smallest shape fits any quota that anything fits.
  const verdict = across(samples, never, () => never(samples.small).length > 0)
  if (verdict) {
    const missing = verdict.conflicts.some(({ kind }) => kind === 'missing')
    const fix = missing ? `${RESOURCES}, or give the namespace defaults by a LimitRange` : `ask for less, or raise the quota: ${see}`
    return failed(
      name,
      `a quota of namespace ${namespace} lets no Pod of ${verdict.which} in`,
      say(verdict.conflicts),
      fix,
      verdict.blocking,
    )
  }
  const full = of(samples.plain)
  if (full.length > 0) return warning(name, `no room for another task in namespace ${namespace} now`, say(full), see)
  return ok(name, `a task fits into ${quotas.length === 1 ? 'the quota' : `the ${quotas.length} quotas`} of namespace ${namespace}`)
}

function checkLimitRange(namespace: string, samples: Samples, ranges: readonly LimitRange[]): CheckResult {
  const name = 'limit-range'
  if (ranges.length === 0) return ok(name, `namespace ${namespace} has no limit range`)
  const of = (sample: Sample) => limitRangeConflicts(podOf(sample), ranges)
  // No shape helps against what is too little even with the largest, and anything else even with the smallest.
  const always = (): boolean =>
    of(samples.large).some(({ tooLittle }) => tooLittle) || of(samples.small).some(({ tooLittle }) => !tooLittle)
  const verdict = across(samples, of, always)
  if (!verdict) return ok(name, `a task’s Pod is within the limit ranges of namespace ${namespace}`)
  const why = verdict.conflicts.map(({ range, detail }) => `${range}: ${detail}`).join('; ')
  const fix = `${RESOURCES} to something within: kubectl -n ${namespace} describe limitrange`
  return failed(name, `a limit range of namespace ${namespace} refuses the Pods of ${verdict.which}`, why, fix, verdict.blocking)
}

/**
 * Which tasks have a conflict: every one (also with another instance_shape), those without instance_shape, or those with sidecar images.
 * Only the first is a reason not to take tasks at all.
 */
function across<T>(
  samples: Samples,
  conflictsOf: (sample: Sample) => T[],
  whateverTheShape: () => boolean,
): { which: string; conflicts: T[]; blocking: boolean } | null {
  const plain = conflictsOf(samples.plain)
  if (plain.length > 0) {
    const blocking = whateverTheShape()
    return { which: blocking ? 'any task' : 'a task without instance_shape', conflicts: plain, blocking }
  }
  const full = conflictsOf(samples.full)
  return full.length > 0 ? { which: 'a task with sidecar images', conflicts: full, blocking: false } : null
}

function podOf({ job }: Sample): V1PodSpec {
  return job.spec?.template.spec ?? { containers: [] }
}
