// One level-triggered step for one task: read the cache, classify, compute what is owed, deliver, record. Running it twice changes nothing;
// a crash between any two lines is repaired by the next run, here or on another replica, under the same message id.
import { traceField } from '../lib/trace.ts'
import type { CallbackType, DeliveryRecord, DeliveryResult, MessageBuilder, OwedMessage, TaskFacts } from '../model/callback.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import type { Outcome, Verdict } from '../model/verdict.ts'
import { factsOf, isBeingStopped, parseTime, startedFacts, type Target, targetOf } from './facts.ts'
import { createJobWriter, type JobWriterDeps, ReconcileError, type Retention } from './job-writer.ts'
import type { EndLeftPods } from './left-pods.ts'
import { isClosed, isToldOnce, readDelivery, readVerdict } from './record.ts'
import type { SecondLook } from './second-look.ts'
import { createStartedSender, type StartedSender } from './started.ts'
import type { Stopper } from './stop.ts'

export interface ReconcileDeps extends JobWriterDeps {
  getTask: (name: string) => TaskView | null
  classify: (task: TaskView, nowMs: number) => Outcome
  stopper: Stopper
  secondLook: Pick<SecondLook, 'confirm' | 'findPods'>
  endLeftPods: EndLeftPods
  messages: MessageBuilder
  /** `name` is woken when a message that had to wait may go. */
  deliver: (message: OwedMessage, name: string) => Promise<DeliveryResult>
  /** Whether a message to this URL may go now; when not, `name` is woken once it may. Asked before the log is read for it. */
  mayDeliver?: (url: string, name: string) => boolean
  nextAttemptAtMs: (failures: number, messageId: string, nowMs: number, retryAfterMs: number | null) => number | null
  /** When a reported task is closed: it may wait, so that new assignments and reports need not. */
  closing?: <T>(work: () => Promise<T>) => Promise<T>
  /** The verdict as it may leave: with the end of a failure's log, without secret values. Rejects when that cannot be had just now. */
  complete: (task: TaskView, verdict: Verdict) => Promise<Verdict>
  /** A stopped Pod vanishes with its log: it is followed from before the stop. Resolves within seconds, whatever happens. */
  followLog?: (task: TaskView) => Promise<void>
  /** Nothing more of this Job's log is needed. */
  forgetLog?: (jobUid: string) => void
  /** A verdict was reached that nobody has written down or sent yet: for its trace. After a crash it may be told again. */
  onVerdict?: (task: TaskView, outcome: Extract<Outcome, { kind: 'ended' }>) => void
  /** After a task was closed, but not after a replay: for its steps' durations. */
  onClosed?: (task: TaskView, outcome: Extract<Outcome, { kind: 'ended' }>, delivery: DeliveryRecord) => void
  wake: (name: string, atMs: number) => void
}

export interface ReconcileOptions extends Retention {
  workerId: string
  /** Where callbacks go when the task names no URL of its own; null: nothing to call. */
  callbackUrl: string | null
  callbackTypes: readonly CallbackType[]
}

/** These follow from the task's own clock or from somebody's deed, not from waiting: nothing live could change them. */
const CERTAIN_STOPS: ReadonlySet<string> = new Set(['task_timeout', 'deleted', 'sidecar_grace'])

/** After an API that did not answer. */
const AGAIN_MS = 1_000

/** Returns the step for one key: it resolves with when to look again (epoch ms), or undefined when only an event can change anything. */
export function createReconcile(deps: ReconcileDeps, options: ReconcileOptions): (name: string) => Promise<number | undefined> {
  const { clock, memory, metrics } = deps
  const started: StartedSender = createStartedSender(deps, options)
  const writer = createJobWriter(deps, options)

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
      const nowMs = clock.now()
      if (nowMs < outcome.lookAtMs) return outcome.lookAtMs
      if (outcome.leftPods === undefined) ({ task, outcome } = await deps.secondLook.findPods(task, outcome))
      else if (!own.leftPodsEnded) {
        if ((await deps.endLeftPods(task, outcome.leftPods)) === 'again') return nowMs + AGAIN_MS
        own.leftPodsEnded = true
      }
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
    if (!stored && storeFirst) await writer.storeVerdict(job, verdict)
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
    await (deps.closing ? deps.closing(() => writer.close(job, verdict, answer)) : writer.close(job, verdict, answer))
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
    await writer.recordAttempt(job, delivery, verdictStored ? null : verdict)
    return nextAtMs
  }

  function isoNow(): string {
    return new Date(clock.now()).toISOString()
  }
}
