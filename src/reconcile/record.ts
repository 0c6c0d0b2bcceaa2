// What jobhook writes on a Job, as patches, and reads back from it. Pure. Every patch names the Job's uid, so that another object that took
// its name is refused (409) instead of changed.
import type { DeliveryRecord } from '../model/callback.ts'
import { ANNOTATIONS, annotation, FINALIZER } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { Verdict } from '../model/verdict.ts'

const CLOSED_STATES = new Set(['delivered', 'gone', 'dead', 'none'])

/** Where the verdict's delivery stands; null when nothing has been recorded. Unreadable text counts as nothing recorded. */
export function readDelivery(job: JobView): DeliveryRecord | null {
  const record = parseJson(job.annotations[ANNOTATIONS.delivery])
  return typeof record === 'object' && record !== null && 'state' in record && 'attempts' in record ? (record as DeliveryRecord) : null
}

/** Nothing is owed for this task any more. */
export function isClosed(job: JobView): boolean {
  const record = readDelivery(job)
  return record !== null && CLOSED_STATES.has(record.state)
}

/** The verdict that was written down, which is never recomputed. */
export function readVerdict(job: JobView): Verdict | null {
  const verdict = parseJson(job.annotations[ANNOTATIONS.verdict])
  return typeof verdict === 'object' && verdict !== null && 'kind' in verdict && 'detail' in verdict ? (verdict as Verdict) : null
}

/** Merge patch: the verdict and, after a failed attempt, where its delivery stands. */
export function recordPatch(job: JobView, annotations: { verdict?: Verdict; delivery?: DeliveryRecord }): object {
  return {
    metadata: {
      uid: job.uid,
      annotations: {
        ...(annotations.verdict ? { [annotation('verdict')]: JSON.stringify(annotations.verdict) } : {}),
        ...(annotations.delivery ? { [annotation('delivery')]: JSON.stringify(annotations.delivery) } : {}),
      },
    },
  }
}

/**
 * Merge patch that stops a Job: the mark and the deadline in one write, so that a restarted replica reports the true reason.
 * It carries the resourceVersion: the first stop mark stands. A Job we suspended itself is resumed with no room for a Pod:
 * a deadline alone does nothing on a suspended Job.
 */
export function stopPatch(job: JobView, mark: string): object {
  return {
    metadata: { uid: job.uid, resourceVersion: job.resourceVersion, annotations: { [annotation('stop')]: mark } },
    spec: { activeDeadlineSeconds: 1, ...(job.suspended ? { suspend: false, parallelism: 0 } : {}) },
  }
}

/** Strategic merge patch that closes a task: what was reported, retention, and our finalizer off (others' stay). */
export function closePatch(job: JobView, delivery: DeliveryRecord, retentionSeconds: number | null): object {
  return {
    metadata: {
      uid: job.uid,
      annotations: { [annotation('delivery')]: JSON.stringify(delivery) },
      ...(delivery.state === 'dead' ? { labels: { 'jobhook.dev/dead-letter': 'true' } } : {}),
      ...(job.held ? { '$deleteFromPrimitiveList/finalizers': [FINALIZER] } : {}),
    },
    ...(retentionSeconds === null || job.deletedMs !== null ? {} : { spec: { ttlSecondsAfterFinished: retentionSeconds } }),
  }
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return null
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
