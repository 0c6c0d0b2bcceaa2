// What a task's Job and Pods mean now: it lives, it has to be stopped, or it has ended and this is the verdict. Pure and level-triggered: only the
// present state counts, never the events that led to it. A verdict is given only once nothing of the task runs any more.
import type { Condition, PodView, StopMark, TaskView } from '../model/kube.ts'
import type { Outcome } from '../model/verdict.ts'
import { deletionOf } from './disruption.ts'
import { type Evidence, endedByItself, isOver, readEvidence } from './evidence.ts'
import type { OutcomeOptions } from './options.ts'
import { type Wait, waitForPod, waitOfPod } from './pending.ts'
import { podVerdict } from './pod-verdict.ts'
import { runLimit, timeoutMessage, waitForOthers } from './running.ts'
import { SIDECAR_GRACE } from './stop-mark.ts'
import { cameFirst, jobVerdict, stoppedVerdict } from './stopped.ts'

/** Jobs and Pods come by two watches. When the Job has ended, its Pod's last state gets this long to arrive; a broken watch is back by then. */
const BEHIND_POD_MS = 60_000
/** The same for a Pod that was never seen, where nobody can look; a watch that failed a few times is back by then. */
const UNSEEN_POD_MS = 30_000
/** The watch of Pods is usually behind that of Jobs by less; then one live list is worth its price. */
const LOOK_AFTER_MS = 3_000
/** A stopped Job without a Pod is ended by the Job controller within a second; a controller that cannot is given this long. */
const NO_POD_MS = 30_000
/** Beyond its grace period a deleted Pod ends only if its kubelet is there. */
const DELETION_SLACK_MS = 60_000

const KUEUE_LABEL = 'kueue.x-k8s.io/queue-name'

export function classify(task: TaskView, options: OutcomeOptions, nowMs: number): Outcome {
  const seen = readEvidence(task)
  const { job, pod, mark, finished, decided } = seen

  if (endedByItself(seen)) {
    // Also after a stop mark: until its Pod was deleted nothing had been done to it. Whoever reported this without having seen the mark said the same.
    return ended(seen, podVerdict(seen), !isUntouched(seen))
  }
  if (finished) return classifyFinished(seen, finished, options, nowMs)
  if (decided && seen.pods.length > 0 && seen.pods.every(isOver)) return ended(seen, jobVerdict(seen, decided), true)
  if (mark) return classifyStopped(seen, mark, options, nowMs)
  if (job.deletedMs !== null) {
    if (!isHeldByKueue(seen)) return { kind: 'stop', reason: 'deleted', message: 'the task’s Job was deleted' }
    // Ending it would need resuming it, which is Kueue's to do. A deleted Job gets no Pod any more, so nothing runs once the last has ended.
    if (!seen.pods.every(isOver)) return live(seen, 'stopping', null, 'its Pod to end; its Job was deleted')
    return ended(seen, stoppedVerdict(seen, { reason: 'deleted', atMs: job.deletedMs, message: null }, true), true)
  }
  if (job.suspended) return live(seen, 'queued', null, pod && !isOver(pod) ? 'its Pod to end, then its turn again' : 'its turn')
  if (decided && !isBeingDeleted(pod)) return live(seen, 'stopping', null, 'its Pod to end')
  if (!pod) return judge(seen, 'pending', waitForPod(job, options), nowMs)
  if (pod.gone || pod.deletedMs !== null || isOver(pod)) return classifyDeleted(seen, pod, options, nowMs)
  return classifyPod(seen, pod, options, nowMs)
}

/** The Job controller has said its last word; what is left is to know how. */
function classifyFinished(seen: Evidence, word: Condition, { hint }: OutcomeOptions, nowMs: number): Outcome {
  const { job, pod, mark } = seen
  const unseen = !pod && job.failed + job.succeeded > 0 && hint?.noPods !== true
  const behind = pod !== null && !isOver(pod) && !seen.end
  // Before 1.31 Kubernetes said Failed while the Pod was still ending: its grace period counts too.
  const pastGraceMs = behind && pod.deletedMs !== null ? pod.deletedMs + graceMs(pod) + DELETION_SLACK_MS : 0
  const untilMs = Math.max(pastGraceMs, (word.atMs ?? 0) + (behind ? BEHIND_POD_MS : UNSEEN_POD_MS))
  if ((unseen || behind) && nowMs < untilMs) {
    const state = mark || isBeingDeleted(pod) ? 'stopping' : pod ? 'running' : 'pending'
    const waits = live(seen, state, untilMs, 'the last state of its Pod')
    // A Pod that is being deleted will end, or its node does not answer: nothing more can be done to it.
    if (!unseen && isBeingDeleted(pod)) return waits
    const leftPods = seen.pods.filter((each) => !isOver(each) && !isBeingDeleted(each)).map(({ name, uid }) => ({ name, uid }))
    return { ...waits, lookAtMs: (word.atMs ?? 0) + LOOK_AFTER_MS, ...(unseen ? {} : { leftPods }) }
  }
  const verdict = jobVerdict(seen, word)
  // By all that can be seen it runs on. Complete, though, means that it had succeeded.
  const mayRun = behind && !isBeingDeleted(pod) && verdict.kind !== 'completed'
  return ended(seen, mayRun ? { ...verdict, detail: { ...verdict.detail, stopped: false } } : verdict, !lacksOnlyPhase(seen, word))
}

/**
 * The kubelet tells of the containers' ends before it calls the Pod Succeeded, and the Job may be heard of in between: what is still to come says
 * the same.
 */
function lacksOnlyPhase(seen: Evidence, word: Condition): boolean {
  if (word.type !== 'Complete' || !isUntouched(seen) || seen.end === null) return false
  return seen.pod?.containers.every(({ state }) => state?.kind === 'terminated') === true
}

/** Nobody stops or deletes it: what its Pod shows stays to be seen. */
function isUntouched({ job, pod, mark }: Evidence): boolean {
  return mark === null && job.deletedMs === null && pod !== null && !pod.gone && !isBeingDeleted(pod)
}

/** Stopped, and the Job controller has not spoken yet. */
function classifyStopped(seen: Evidence, mark: StopMark, { deadlines }: OutcomeOptions, nowMs: number): Outcome {
  const { pods, pod, job, decided } = seen
  const confirmMs = mark.atMs + deadlines.stopConfirmSeconds * 1000
  const isQuiet = pods.length > 0 ? pods.every(isOver) : job.active === 0 && !decided
  // Nothing can start any more: Kueue holds it back, a deleted Job gets no further Pod, or none came in the time the controller needs.
  const isFinal = isHeldByKueue(seen) || (job.deletedMs !== null && pods.length > 0)
  const quietAtMs = isFinal ? mark.atMs : pods.length === 0 ? mark.atMs + NO_POD_MS : confirmMs
  if (isQuiet && nowMs >= quietAtMs) return ended(seen, pod && cameFirst(seen) ? podVerdict(seen) : stoppedVerdict(seen, mark, true), true)
  if (nowMs >= confirmMs && !isQuiet) return ended(seen, stoppedVerdict(seen, mark, false), true)
  return live(seen, 'stopping', isQuiet ? quietAtMs : confirmMs, `its Pod to end; it is being stopped (${mark.reason})`)
}

/** Its Pod is being deleted, or is gone, by somebody else's hand. Never a verdict alone: Kueue may run it again, the Job controller says which. */
function classifyDeleted(seen: Evidence, pod: PodView, { deadlines }: OutcomeOptions, nowMs: number): Outcome {
  const sinceMs = pod.deletedMs ?? seen.end?.finishedMs ?? null
  const { reason, text } = deletionOf(pod)
  if (isOver(pod) || sinceMs === null) {
    // When a forced deletion took it nobody knows; then the Job's own deadline is the limit.
    const dueMs = sinceMs === null ? null : sinceMs + deadlines.stopConfirmSeconds * 1000
    const message = `its Pod was deleted and its Job has not ended for ${deadlines.stopConfirmSeconds} s${text === '' ? '' : `: ${text}`}`
    return judge(seen, 'stopping', { for: 'its Job to end after its Pod', dueMs, reason, message }, nowMs)
  }
  // A Pod without a node has no kubelet to wait for; the Pod garbage collector ends it.
  const where = pod.node === null ? 'it had no node' : `node ${pod.node} does not answer`
  const wait: Wait = {
    for: 'its Pod to end; somebody deleted it',
    dueMs: sinceMs + graceMs(pod) + DELETION_SLACK_MS,
    reason: pod.node === null ? reason : 'node_lost',
    message: `its Pod was deleted and has not ended since; ${where}${text === '' ? '' : `: ${text}`}`,
  }
  return judge(seen, 'stopping', wait, nowMs)
}

function classifyPod(seen: Evidence, pod: PodView, options: OutcomeOptions, nowMs: number): Outcome {
  const { end, startedMs, main } = seen
  if (end) {
    const others = waitForOthers(seen, end.finishedMs ?? pod.createdMs, options)
    if (nowMs >= others.dueMs) return { kind: 'stop', reason: SIDECAR_GRACE, message: others.message }
    return live(seen, 'stopping', others.dueMs, others.for)
  }
  if (main?.state?.kind === 'running' || startedMs !== null) {
    const limit = runLimit(seen.job, options)
    // startedAt is cut to whole seconds: without the extra one a task would lose up to a second of its time.
    const dueMs = (startedMs ?? pod.createdMs) + (limit.seconds + 1) * 1000
    if (nowMs >= dueMs) return { kind: 'stop', reason: 'task_timeout', message: timeoutMessage(limit) }
    return live(seen, 'running', dueMs, null)
  }
  return judge(seen, 'pending', waitOfPod(pod, options), nowMs)
}

function judge(seen: Evidence, state: 'pending' | 'stopping', wait: Wait, nowMs: number): Outcome {
  if (wait.dueMs !== null && nowMs >= wait.dueMs) return { kind: 'stop', reason: wait.reason, message: wait.message }
  const lives = live(seen, state, wait.dueMs, wait.for)
  return wait.unknownState === undefined ? lives : { ...lives, unknownState: wait.unknownState }
}

type Live = Extract<Outcome, { kind: 'live' }>

function live(seen: Evidence, state: Live['state'], wakeAtMs: number | null, waitingFor: string | null): Live {
  return {
    kind: 'live',
    state,
    startedMs: seen.startedMs,
    wakeAtMs: wakeAtMs !== null && Number.isFinite(wakeAtMs) ? wakeAtMs : null,
    waitingFor,
  }
}

function ended(seen: Evidence, verdict: Extract<Outcome, { kind: 'ended' }>['verdict'], evidenceCanVanish: boolean): Outcome {
  return { kind: 'ended', verdict, evidenceCanVanish, startedMs: seen.startedMs }
}

function isBeingDeleted(pod: PodView | null): boolean {
  return pod !== null && pod.deletedMs !== null
}

function graceMs(pod: PodView): number {
  return (pod.deletionGraceSeconds ?? 0) * 1000
}

function isHeldByKueue({ job }: Evidence): boolean {
  return job.suspended && job.labels[KUEUE_LABEL] !== undefined
}
