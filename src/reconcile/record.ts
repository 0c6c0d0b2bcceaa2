// What jobhook writes on a Job, as patches, and reads back from it. Pure. Every patch names the Job's uid, so that another object that took
// its name is refused (422) instead of changed.
import type { DeliveryRecord } from '../model/callback.ts'
import { ANNOTATIONS, annotation, FINALIZER } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { KubeError } from '../model/kube-api.ts'
import type { Verdict } from '../model/verdict.ts'

/** On Jobs whose report could not be delivered: for kubectl get jobs -l. */
export const DEAD_LETTER_LABEL = 'jobhook.dev/dead-letter'

const KUEUE_LABEL = 'kueue.x-k8s.io/queue-name'

const CLOSED_STATES = new Set(['delivered', 'gone', 'dead', 'none'])

/** Where the verdict's delivery stands; null when nothing has been recorded. Unreadable text counts as nothing recorded. */
export function readDelivery(job: JobView): DeliveryRecord | null {
  const record = parseJson(job.annotations[ANNOTATIONS.delivery])
  return typeof record === 'object' && record !== null && 'state' in record && 'attempts' in record ? (record as DeliveryRecord) : null
}

/** Whether one delivery annotation was written after another: a later round, then closed over owed, then more attempts. */
export function isFurther(text: string | undefined, than: string | undefined): boolean {
  const rank = (record: unknown): number[] => {
    if (typeof record !== 'object' || record === null) return [-1, 0, 0]
    const { round = 0, state, attempts = 0 } = record as Partial<DeliveryRecord>
    return [round, state !== undefined && CLOSED_STATES.has(state) ? 1 : 0, attempts]
  }
  const [a, b] = [rank(parseJson(text)), rank(parseJson(than))]
  const at = a.findIndex((value, index) => value !== b[index])
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0)
}

/** Nothing is owed for this task any more. Remembered for each view of a Job: finished ones are asked about at every resync. */
export function isClosed(job: JobView): boolean {
  if (closed.has(job)) return true
  const record = readDelivery(job)
  const isSo = record !== null && CLOSED_STATES.has(record.state)
  if (isSo) closed.add(job)
  return isSo
}

const closed = new WeakSet<JobView>()

/** The verdict that was written down, which is never recomputed. */
export function readVerdict(job: JobView): Verdict | null {
  const verdict = parseJson(job.annotations[ANNOTATIONS.verdict])
  return typeof verdict === 'object' && verdict !== null && 'kind' in verdict && 'detail' in verdict ? (verdict as Verdict) : null
}

/**
 * Merge patch: the verdict and, after a failed attempt, where its delivery stands. It carries the resourceVersion: a leader whose cache is behind
 * must neither write its own verdict over one that stands, nor open again what another has closed.
 */
export function recordPatch(job: JobView, annotations: { verdict?: Verdict; delivery?: DeliveryRecord }): object {
  return {
    metadata: {
      uid: job.uid,
      resourceVersion: job.resourceVersion,
      annotations: {
        ...(annotations.verdict ? { [annotation('verdict')]: JSON.stringify(annotations.verdict) } : {}),
        ...(annotations.delivery ? { [annotation('delivery')]: JSON.stringify(annotations.delivery) } : {}),
      },
    },
  }
}

/**
 * Merge patch that stops a Job: the mark and the deadline in one write, so that a restarted replica reports the true reason.
 * It carries the resourceVersion: the first stop mark stands. Where no Pod has been asked for yet there is to be none: a Job we suspended itself is
 * resumed with no room for one (a deadline alone does nothing on a suspended Job), and one that the Job controller has not begun, because it is just
 * made or the controller is away, would get one whenever that comes, long after the task was reported as stopped.
 */
export function stopPatch(job: JobView, mark: string): object {
  const byKueue = job.labels[KUEUE_LABEL] !== undefined
  const noPodYet = job.suspended || (job.startMs === null && !byKueue)
  return {
    metadata: { uid: job.uid, resourceVersion: job.resourceVersion, annotations: { [annotation('stop')]: mark } },
    spec: {
      activeDeadlineSeconds: 1,
      // Kueue decides about suspend on its Jobs: one it holds back has no Pod, and the mark alone ends it for us. Should Kueue admit it later, it
      // ends without having had one. How many Pods a Job that it has let go may have is its matter too.
      ...(noPodYet ? { parallelism: 0 } : {}),
      ...(job.suspended && !byKueue ? { suspend: false } : {}),
    },
  }
}

/** Who made it again might get other bytes: a log may be gone, and so may the Secret whose values were taken out of an output. */
export function isToldOnce(job: JobView, verdict: Verdict): boolean {
  return hasLog(verdict) || (verdict.output !== null && job.annotations[ANNOTATIONS.secret] !== undefined)
}

function hasLog({ detail }: Verdict): boolean {
  return detail.log_tail !== undefined || detail.log_note !== undefined
}

/** What is kept of a verdict once nobody needs its bytes any more: a log is up to 64 KiB, for a day, in etcd and in every replica's cache. */
export function withoutLog(verdict: Verdict): Verdict {
  const { log_tail: _tail, log_note: _note, ...detail } = verdict.detail
  return { ...verdict, detail }
}

/**
 * Strategic merge patch that closes a task: what was reported, retention, and our finalizer off (others' stay). A dead letter keeps its verdict,
 * so that a replay sends the same bytes when the Pod is long gone; any other loses the log in it.
 */
export function closePatch(job: JobView, delivery: DeliveryRecord, retentionSeconds: number | null, verdict: Verdict): object {
  const dead = delivery.state === 'dead'
  const stored = readVerdict(job)
  const keeps = dead ? stored === null && verdict : stored !== null && hasLog(stored) && withoutLog(stored)
  const keptVerdict = keeps ? { [annotation('verdict')]: JSON.stringify(keeps) } : {}
  return {
    metadata: {
      uid: job.uid,
      annotations: { [annotation('delivery')]: JSON.stringify(delivery), ...keptVerdict },
      ...(dead ? { labels: { [DEAD_LETTER_LABEL]: 'true' } } : {}),
      ...(job.held ? { '$deleteFromPrimitiveList/finalizers': [FINALIZER] } : {}),
    },
    ...(retentionSeconds === null || job.deletedMs !== null ? {} : { spec: { ttlSecondsAfterFinished: retentionSeconds } }),
  }
}

/**
 * Merge patch that opens a delivery again. It carries the resourceVersion, so that it changes nothing that was not looked at. The Job stays until
 * it is closed anew: its time to live may be over before the schedule is.
 */
export function replayPatch(job: JobView, delivery: DeliveryRecord): object {
  return {
    metadata: {
      uid: job.uid,
      resourceVersion: job.resourceVersion,
      labels: { [DEAD_LETTER_LABEL]: null },
      annotations: { [annotation('delivery')]: JSON.stringify(delivery) },
    },
    spec: { ttlSecondsAfterFinished: null },
  }
}

/**
 * The patch named another uid than the object of that name has: our Job is gone and something else took its name. Kubernetes says so with
 * 422 for merge and strategic patches (metadata.uid is immutable), with 409 for preconditions.
 */
export function isAnotherObject(error: KubeError): boolean {
  return (error.status === 422 || error.status === 409) && /metadata\.uid|uid in precondition/i.test(error.message)
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return null
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
