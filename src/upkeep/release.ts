// Lets go of Jobs: takes our finalizer off, so that they can be deleted with nobody there to report them. For leaving for good (helm uninstall,
// a namespace that is being deleted). Says which reports are thereby not sent; sends none itself.
import { FINALIZER } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { KubeResult, PatchKind } from '../model/kube-api.ts'
import type { Verdict } from '../model/verdict.ts'

export interface Released {
  job: JobView
  /** What is not reported because of this, in words; null when nothing was owed. */
  owed: string | null
  /** Why the finalizer is still there; null when it is off. */
  problem: string | null
}

/** Patches under way at once. */
const AT_ONCE = 16

/**
 * Takes the finalizer off every one of these Jobs that bears it. A Job that is gone, or another one under its name, counts as done.
 * `ttlSeconds` is set on Jobs that are not being deleted, so that they do not stay for ever; null leaves them.
 */
export async function releaseJobs(
  deps: {
    patchJob: (name: string, kind: PatchKind, patch: unknown) => Promise<KubeResult<unknown>>
    isClosed: (job: JobView) => boolean
    readVerdict: (job: JobView) => Verdict | null
    onReleased?: (released: Released) => void
  },
  jobs: Iterable<JobView>,
  options: { ttlSeconds: number | null },
): Promise<Released[]> {
  const held = [...jobs].filter((job) => job.held)
  const results: Released[] = []
  const waiting = held.values()
  const worker = async (): Promise<void> => {
    for (const job of waiting) {
      const patched = await deps.patchJob(job.name, 'strategic', releasePatch(job, options.ttlSeconds))
      const gone = !patched.ok && (patched.error.status === 404 || patched.error.status === 409 || patched.error.status === 422)
      const released = { job, owed: owedInWords(job, deps), problem: patched.ok || gone ? null : patched.error.message }
      results.push(released)
      deps.onReleased?.(released)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}

/** Others' finalizers stay; another Job under this name is refused (422). */
export function releasePatch(job: JobView, ttlSeconds: number | null): object {
  return {
    metadata: { uid: job.uid, '$deleteFromPrimitiveList/finalizers': [FINALIZER] },
    ...(ttlSeconds === null || job.deletedMs !== null ? {} : { spec: { ttlSecondsAfterFinished: ttlSeconds } }),
  }
}

export function owedInWords(
  job: JobView,
  deps: { isClosed: (job: JobView) => boolean; readVerdict: (job: JobView) => Verdict | null },
): string | null {
  if (deps.isClosed(job)) return null
  const verdict = deps.readVerdict(job)
  if (verdict) return `its verdict was not acknowledged: ${verdict.kind}${verdict.reason ? ` (${verdict.reason})` : ''}`
  const ended = job.conditions.find((condition) => condition.status === 'True' && ['Complete', 'Failed'].includes(condition.type))
  if (ended) return `it has ended (${ended.type}${ended.reason ? `, ${ended.reason}` : ''}), and its verdict was not reported`
  if (job.deletedMs !== null) return 'it is being deleted, and its end will not be reported'
  return 'it has not ended: it runs on, and its end will not be reported'
}
