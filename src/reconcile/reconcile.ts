// One level-triggered step for one task: read the cache, classify, compute what is owed, deliver, record. Running it twice changes nothing;
// a crash between any two lines is repaired by the next run, here or on another replica, under the same message id.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { traceField } from '../lib/trace.ts'
import type { CallbackType, DeliveryRecord, DeliveryResult, MessageBuilder, OwedMessage, TaskFacts } from '../model/callback.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import type { KubeError, KubeObject, KubeResult, PatchKind } from '../model/kube-api.ts'
import { REASONS } from '../model/reasons.ts'
import type { Outcome, Verdict } from '../model/verdict.ts'
import { factsOf, isBeingStopped, parseTime, startedFacts, type Target, targetOf } from './facts.ts'
import type { Memory } from './memory.ts'
import {
  closePatch,
  isAnotherObject,
  isClosed,
  isFurther,
  isToldOnce,
  readDelivery,
  readVerdict,
  recordPatch,
  withoutLog,
} from './record.ts'
import type { SecondLook } from './second-look.ts'
import { createStartedSender, type StartedSender } from './started.ts'
import type { Stopper } from './stop.ts'

export interface ReconcileDeps {
  getTask: (name: string) => TaskView | null
  classify: (task: TaskView, nowMs: number) => Outcome
  stopper: Stopper
  secondLook: Pick<SecondLook, 'confirm' | 'findPods'>
  messages: MessageBuilder
  /** `name` is woken when a message that had to wait may go. */
  deliver: (message: OwedMessage, name: string) => Promise<DeliveryResult>
  /** Whether a message to this URL may go now; when not, `name` is woken once it may. Asked before the log is read for it. */
  mayDeliver?: (url: string, name: string) => boolean
  nextAttemptAtMs: (failures: number, messageId: string, nowMs: number, retryAfterMs: number | null) => number | null
  patchJob: (name: string, kind: PatchKind, patch: unknown) => Promise<KubeResult<KubeObject>>
  /** The Job as it is now; without it a write that met another is tried again later. */
  readJob?: (name: string) => Promise<KubeResult<JobView>>
  deleteSecret: (name: string) => Promise<KubeResult<null>>
  /** When a reported task is closed: it may wait, so that new assignments and reports need not. */
  closing?: <T>(work: () => Promise<T>) => Promise<T>
  /** The verdict as it may leave: with the end of a failure's log, without secret values. Rejects when that cannot be had just now. */
  complete: (task: TaskView, verdict: Verdict) => Promise<Verdict>
  /** A stopped Pod vanishes with its log: it is followed from before the stop. Resolves within seconds, whatever happens. */
  followLog?: (task: TaskView) => Promise<void>
  /** Nothing more of this Job's log is needed. */
  forgetLog?: (jobUid: string) => void
  memory: Memory
  clock: Clock
  log: Logger
  metrics: Metrics
  /** A verdict was reached that nobody has written down or sent yet: for its trace. After a crash it may be told again. */
  onVerdict?: (task: TaskView, outcome: Extract<Outcome, { kind: 'ended' }>) => void
  /** After a task was closed, but not after a replay: for its steps' durations. */
  onClosed?: (task: TaskView, outcome: Extract<Outcome, { kind: 'ended' }>, delivery: DeliveryRecord) => void
  wake: (name: string, atMs: number) => void
}

export interface ReconcileOptions {
  workerId: string
  /** Where callbacks go when the task names no URL of its own; null: nothing to call. */
  callbackUrl: string | null
  callbackTypes: readonly CallbackType[]
  /** Seconds a Job is kept after it was closed; null keeps it. */
  retentionSeconds: { success: number | null; failure: number | null; deadLetter: number | null }
}

/** These follow from the task's own clock or from somebody's deed, not from waiting: nothing live could change them. */
const CERTAIN_STOPS: ReadonlySet<string> = new Set(['task_timeout', 'deleted', 'sidecar_grace'])

const CONFLICT_TRIES = 5

/** A stored verdict or stop mark may have been edited: a metric's labels take only the words of the table. */
function boundedReason(reason: string | null): string {
  return reason === null ? '' : reason in REASONS ? reason : 'other'
}

/** An error of the API that the work queue answers with a retry. */
export class ReconcileError extends Error {
  constructor(step: string, error: KubeError) {
    super(`${step}: ${error.reason}: ${error.message}`, { cause: error.cause })
    this.name = 'ReconcileError'
  }
}

/** Returns the step for one key: it resolves with when to look again (epoch ms), or undefined when only an event can change anything. */
export function createReconcile(deps: ReconcileDeps, options: ReconcileOptions): (name: string) => Promise<number | undefined> {
  const { clock, memory, metrics } = deps
  const started: StartedSender = createStartedSender(deps, options)

  return async function reconcile(name) {
    const seen = deps.getTask(name)
    if (!seen) return
    const job = memory.overlay(seen.job)
    const own = memory.of(job.uid)
    const before = readDelivery(job)
    const round = before?.round ?? 0
    if (round > own.round) {
      own.round = round
      own.closed = false
      own.answered = null
    }
    if (own.closed || isClosed(job)) return
    if (job.annotations[ANNOTATIONS.taskId] === undefined) {
      // Our labels without our annotations: not made by us, or edited by hand. It is left alone, and said once.
      if (!own.foreign) deps.log.warn({ job: job.name }, 'a Job has jobhook’s labels but not its annotations: it is left alone')
      own.foreign = true
      return
    }
    let task: TaskView = job === seen.job ? seen : { job, pods: seen.pods }
    const facts = factsOf(task, options.workerId)
    const target = targetOf(job, options.callbackUrl)

    const stored = readVerdict(job)
    let outcome: Outcome = stored
      ? { kind: 'ended', verdict: stored, evidenceCanVanish: false, startedMs: parseTime(stored.startedAt) }
      : (own.ended ?? deps.classify(task, clock.now()))
    if (outcome.kind === 'stop' && !CERTAIN_STOPS.has(outcome.reason)) outcome = await deps.secondLook.confirm(task, outcome)
    if (outcome.kind === 'live' && outcome.lookAtMs !== undefined) {
      if (clock.now() < outcome.lookAtMs) return outcome.lookAtMs
      ;({ task, outcome } = await deps.secondLook.findPods(task, outcome))
    }
    if (outcome.kind === 'live') {
      if (outcome.unknownState !== undefined && outcome.unknownState !== own.unknownState) {
        own.unknownState = outcome.unknownState
        metrics.unknownStates.inc()
        deps.log.warn({ task_id: facts.taskId, job: job.name, state: outcome.unknownState }, 'a container state that is not known: waiting')
      }
      // Stopped by another replica, by a hand or by Kubernetes: then from now on at least.
      if (isBeingStopped(task)) void deps.followLog?.(task)
      if (target && outcome.startedMs !== null) started.send(name, own, startedFacts(task, facts, outcome.startedMs, null), target)
      return outcome.wakeAtMs ?? undefined
    }
    if (outcome.kind === 'stop') {
      await deps.followLog?.(task)
      const result = await deps.stopper.stop(job, outcome.reason, outcome.message)
      if (result.kind === 'failed') throw new ReconcileError('stopping the Job', result.error)
      return
    }

    own.endedSeenMs ??= clock.now()
    if (target && !own.answered && owes(outcome.verdict)) {
      const dueMs = parseTime(before?.next_at ?? null)
      if (dueMs !== null && dueMs > clock.now()) return dueMs
      const canWait = stored !== null || !outcome.evidenceCanVanish
      if (canWait && deps.mayDeliver?.(target.url, name) === false) return
    }
    const storedByAnother = stored !== null && own.storedInTerm !== memory.term()
    if (storedByAnother) own.started.done = true
    const verdict = stored ?? own.ended?.verdict ?? (await deps.complete(task, outcome.verdict))
    // Once reached it stands: a stop mark that comes in the same second, or a Pod that vanishes between two attempts, must not change it.
    if (!own.ended && !stored && round === 0 && (before?.attempts ?? 0) === 0) deps.onVerdict?.(task, { ...outcome, verdict })
    own.ended ??= { ...outcome, verdict }
    deps.forgetLog?.(job.uid)
    const storeFirst = outcome.evidenceCanVanish || (target !== null && owes(verdict) && isToldOnce(job, verdict))
    if (!stored && storeFirst) await storeVerdict(job, verdict)
    // Once an attempt at the verdict was made, task_started would come after it. Who stored the verdict may have made one, and died.
    const verdictTried = round > 0 || (before?.attempts ?? 0) > 0 || storedByAnother
    if (target && outcome.startedMs !== null && !verdictTried) {
      const went = await started.lastTry(name, own, startedFacts(task, facts, outcome.startedMs, verdict), target)
      if (!went) return
    }

    const answer = own.answered ?? (await report(job, facts, verdict, target, stored !== null || storeFirst))
    if (answer === 'later') return
    if (typeof answer === 'number') return answer
    own.answered = answer
    await (deps.closing ? deps.closing(() => close(job, verdict, answer)) : close(job, verdict, answer))
    own.closed = true
    if (answer.round === undefined) deps.onClosed?.(task, { ...outcome, verdict }, answer)
    return
  }

  function owes(verdict: Verdict): boolean {
    return options.callbackTypes.includes(verdict.kind === 'failed' ? 'task_failed' : 'task_completed')
  }

  /**
   * Delivers the verdict once. Resolves with the final record, with the time of the next attempt after recording the failed one, or with
   * `later` when no attempt was made.
   */
  async function report(
    job: JobView,
    facts: TaskFacts,
    verdict: Verdict,
    target: Target | null,
    verdictStored: boolean,
  ): Promise<DeliveryRecord | number | 'later'> {
    const before = readDelivery(job)
    const failures = before?.attempts ?? 0
    const round = before?.round === undefined ? {} : { round: before.round }
    const message = target ? deps.messages.verdict(facts, verdict, target) : null
    if (!message || !options.callbackTypes.includes(message.type)) return { state: 'none', attempts: 0, reported_at: isoNow() }

    const result = await deps.deliver(message, job.name)
    if (result.kind === 'later') return 'later'
    metrics.deliveries.inc({ slot: 'verdict', result: result.kind === 'acknowledged' ? 'delivered' : result.kind })
    if (result.kind === 'acknowledged') return { state: 'delivered', attempts: failures + 1, reported_at: isoNow(), ...round }
    if (result.kind === 'gone') return { state: 'gone', attempts: failures + 1, reported_at: isoNow(), ...round }

    const nextAtMs = deps.nextAttemptAtMs(failures + 1, message.id, clock.now(), result.afterMs)
    if (nextAtMs === null) {
      deps.log.error(
        { task_id: facts.taskId, webhook_id: message.id, attempts: failures + 1, cause: result.cause, ...traceField(facts.traceparent) },
        'verdict becomes a dead letter',
      )
      metrics.deliveries.inc({ slot: 'verdict', result: 'dead' })
      return { state: 'dead', attempts: failures + 1, reported_at: isoNow(), last_error: result.cause.slice(0, 500), ...round }
    }
    const delivery: DeliveryRecord = {
      state: 'owed',
      attempts: failures + 1,
      next_at: new Date(nextAtMs).toISOString(),
      last_error: result.cause.slice(0, 500),
      ...round,
    }
    await recordAttempt(job, delivery, verdictStored ? null : verdict)
    return nextAtMs
  }

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

  function isoNow(): string {
    return new Date(clock.now()).toISOString()
  }
}
