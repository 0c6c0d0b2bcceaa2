// What the loop writes on a Job: a verdict before its evidence vanishes, a failed attempt, and the last patch that closes it.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { traceField } from '../lib/trace.ts'
import type { DeliveryRecord } from '../model/callback.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { KubeError, KubeResult, PatchKind } from '../model/kube-api.ts'
import { REASONS } from '../model/reasons.ts'
import type { Verdict } from '../model/verdict.ts'
import { parseTime } from './facts.ts'
import type { Memory } from './memory.ts'
import { closePatch, isAnotherObject, isClosed, isFurther, readVerdict, recordPatch, withoutLog } from './record.ts'

export interface JobWriter {
  /** A failed attempt, with the verdict it was made for where that is not on the Job yet. */
  recordAttempt(job: JobView, delivery: DeliveryRecord, verdict: Verdict | null): Promise<void>
  /** Rejects when another leader has stored or closed meanwhile: the next look at the Job goes on from that. */
  storeVerdict(job: JobView, verdict: Verdict): Promise<void>
  close(job: JobView, verdict: Verdict, delivery: DeliveryRecord): Promise<void>
}

export interface JobWriterDeps {
  patchJob: (name: string, kind: PatchKind, patch: unknown) => Promise<KubeResult<unknown>>
  /** The Job as it is now; without it a write that met another is tried again later. */
  readJob?: (name: string) => Promise<KubeResult<JobView>>
  deleteSecret: (name: string) => Promise<KubeResult<null>>
  memory: Memory
  clock: Clock
  log: Logger
  metrics: Metrics
}

export interface Retention {
  /** Seconds a Job is kept after it was closed; null keeps it. */
  retentionSeconds: { success: number | null; failure: number | null; deadLetter: number | null }
}

const CONFLICT_TRIES = 5

/** An error of the API that the work queue answers with a retry. */
export class ReconcileError extends Error {
  constructor(step: string, error: KubeError) {
    super(`${step}: ${error.reason}: ${error.message}`, { cause: error.cause })
    this.name = 'ReconcileError'
  }
}

/** A stored verdict or stop mark may have been edited: a metric's labels take only the words of the table. */
function boundedReason(reason: string | null): string {
  return reason === null ? '' : reason in REASONS ? reason : 'other'
}

export function createJobWriter(deps: JobWriterDeps, options: Retention): JobWriter {
  const { clock, memory, metrics } = deps

  /**
   * A leader that was held up may have closed the task meanwhile, or counted more attempts: that stands. Opened again it would be reported once
   * more, and from a verdict whose log has been dropped: other bytes under the same id.
   */
  async function recordAttempt(job: JobView, delivery: DeliveryRecord, verdict: Verdict | null): Promise<void> {
    const what = (on: JobView) => (verdict && (on === job || readVerdict(on) === null) ? { verdict, delivery } : { delivery })
    await recordOnNow(job, what, (now) => isFurther(now.annotations[ANNOTATIONS.delivery], JSON.stringify(delivery)))
  }

  /** Another leader's verdict stands: the next look at the Job goes on from it. */
  async function storeVerdict(job: JobView, verdict: Verdict): Promise<void> {
    const stands = (now: JobView): boolean => readVerdict(now) !== null || isClosed(now)
    const conflict = await recordOnNow(job, () => ({ verdict }), stands)
    if (conflict) throw new ReconcileError('recording on the Job', conflict)
  }

  /** The Job controller writes its status in the same moment: then on what is there now. Resolves with the conflict where what is there `stands`. */
  async function recordOnNow(
    job: JobView,
    what: (on: JobView) => { verdict?: Verdict; delivery?: DeliveryRecord },
    stands: (now: JobView) => boolean,
  ): Promise<KubeError | null> {
    let current = job
    for (let tries = 1; ; tries++) {
      const conflict = await record(current, what(current), tries < CONFLICT_TRIES)
      if (!conflict) return null
      const live = await deps.readJob?.(job.name)
      if (!live?.ok || live.value.uid !== job.uid) throw new ReconcileError('recording on the Job', conflict)
      if (stands(live.value)) return conflict
      current = live.value
    }
  }

  /** Resolves with the error when somebody else wrote in between and the caller can deal with it. */
  async function record(
    job: JobView,
    what: { verdict?: Verdict; delivery?: DeliveryRecord },
    mayConflict: boolean,
  ): Promise<KubeError | undefined> {
    const patched = await deps.patchJob(job.name, 'merge', recordPatch(job, what))
    if (!patched.ok && patched.error.status === 409 && mayConflict && !isAnotherObject(patched.error)) return patched.error
    // 404: the Job is gone although it owed a report (our finalizer was taken off by hand). Memory still holds what is needed to go on.
    if (!patched.ok && patched.error.status !== 404 && !isAnotherObject(patched.error))
      throw new ReconcileError('recording on the Job', patched.error)
    const own = memory.of(job.uid)
    if (what.verdict) {
      own.annotations[ANNOTATIONS.verdict] = JSON.stringify(what.verdict)
      own.storedInTerm = memory.term()
    }
    if (what.delivery) own.annotations[ANNOTATIONS.delivery] = JSON.stringify(what.delivery)
    return undefined
  }

  /** The Secret first, then one patch: a crash in between repeats both harmlessly. */
  async function close(job: JobView, verdict: Verdict, delivery: DeliveryRecord): Promise<void> {
    const secret = job.annotations[ANNOTATIONS.secret]
    if (secret) {
      const deleted = await deps.deleteSecret(secret)
      if (!deleted.ok) throw new ReconcileError('deleting the Secret', deleted.error)
    }
    const retention = options.retentionSeconds
    const keepSeconds = delivery.state === 'dead' ? retention.deadLetter : verdict.kind === 'failed' ? retention.failure : retention.success
    const patched = await deps.patchJob(job.name, 'strategic', closePatch(job, delivery, keepSeconds, verdict))
    if (!patched.ok && patched.error.status !== 404 && !isAnotherObject(patched.error))
      throw new ReconcileError('closing the Job', patched.error)
    const own = memory.of(job.uid)
    own.annotations[ANNOTATIONS.delivery] = JSON.stringify(delivery)
    if (delivery.state !== 'dead' && own.annotations[ANNOTATIONS.verdict] !== undefined)
      own.annotations[ANNOTATIONS.verdict] = JSON.stringify(withoutLog(verdict))
    // A replay closes a task again that was counted the first time.
    if (delivery.round === undefined) countVerdict(verdict, own.endedSeenMs)
    deps.log.info(
      {
        task_id: job.annotations[ANNOTATIONS.taskId],
        job: job.name,
        verdict: verdict.kind,
        reason: verdict.reason,
        exit_code: verdict.exitCode,
        delivery: delivery.state,
        attempts: delivery.attempts,
        ...traceField(job.annotations[ANNOTATIONS.traceparent]),
      },
      'task closed',
    )
  }

  function countVerdict(verdict: Verdict, endedSeenMs: number | null): void {
    metrics.verdicts.inc({ kind: verdict.kind, reason: boundedReason(verdict.reason) })
    if (endedSeenMs !== null) metrics.verdictLagSeconds.observe((clock.now() - endedSeenMs) / 1000)
    const startedMs = parseTime(verdict.startedAt)
    const finishedMs = parseTime(verdict.finishedAt)
    if (startedMs !== null && finishedMs !== null) metrics.runSeconds.observe(Math.max(0, finishedMs - startedMs) / 1000)
  }

  return { recordAttempt, storeVerdict, close }
}
