// The verdict on a task that we stopped, and on a Job that Kubernetes calls ended although no Pod tells why.
import type { Condition, StopMark } from '../model/kube.ts'
import { reasonOf } from '../model/reasons.ts'
import { isTerminal } from '../model/task-pod.ts'
import type { Verdict } from '../model/verdict.ts'
import { compose, describeEnd, quote } from './compose.ts'
import { deletionOf } from './disruption.ts'
import { type Evidence, endedBeforeDeletion, type Terminated } from './evidence.ts'
import { disruptedVerdict, podVerdict, taskVerdict } from './pod-verdict.ts'
import { exitCodeOf } from './signals.ts'
import { SIDECAR_GRACE } from './stop-mark.ts'
import { isUsualWait } from './waiting.ts'

/**
 * Whether the workload had come to its own end before anybody stopped it. A stop begins with the deletion of its Pod, not with our mark: who has not
 * seen the mark yet (its watch is behind, or it was written a moment later) must judge the same.
 */
export function cameFirst(seen: Evidence): boolean {
  return endedBeforeDeletion(seen) && (seen.mark === null || hasEnd(seen))
}

/**
 * The workload has ended after our stop: the verdict is what it was stopped for, the exit code a detail. `stopped: false` when its end could not
 * be seen.
 */
export function stoppedVerdict(seen: Evidence, mark: StopMark, stopped: boolean): Verdict {
  if (!stopped) return unconfirmedVerdict(seen, mark)
  if (mark.reason === SIDECAR_GRACE) return sidecarVerdict(seen, mark)
  const known = reasonOf(mark.reason)
  const cause = waitingReason(seen)
  const more = { ...(cause === null ? {} : { cause }), ...(mark.message === null ? {} : { text: mark.message }) }
  if (mark.reason === 'task_cancelled') {
    const why = mark.message === null ? '' : ` (${quote(mark.message)})`
    return compose(seen, 'cancelled', { reason: mark.reason, what: `The task was cancelled${why}. ${describeEnd(seen)}`, ...more })
  }
  const what = mark.message === null ? `The task was stopped (${mark.reason}).` : sentence(mark.message)
  const end = known?.phase === 'run' || seen.startedMs !== null ? ` ${describeEnd(seen)}` : ''
  return compose(seen, 'failed', { reason: mark.reason, what: `${what}${end}`, ...more })
}

/** Nobody can say that it has ended; but where the task's own container had before the stop, its verdict is known all the same. */
function unconfirmedVerdict(seen: Evidence, mark: StopMark): Verdict {
  if (mark.reason === SIDECAR_GRACE || (seen.end && cameFirst(seen))) {
    const verdict = seen.end ? taskVerdict(seen, seen.end) : sidecarVerdict(seen, mark)
    return { ...verdict, detail: { ...verdict.detail, stopped: false } }
  }
  const where = seen.pod?.node ? ` on node ${seen.pod.node}` : ''
  return compose(seen, 'failed', {
    reason: 'node_lost',
    what: `The task was to be stopped (${mark.reason}), but the end of its Pod has not been seen: it may still run${where}.`,
    stopped: false,
    detail: { stop_reason: mark.reason },
  })
}

/** What the stop for other containers' sake notes of the task's own end, so that nothing is lost with the Pod. */
export function sidecarMessage(seen: Evidence, others: readonly string[], graceSeconds: number): string {
  const { end } = seen
  const how = end ? `exit ${exitCodeOf(end)} ${end.reason || 'Unknown'}` : 'exit unknown'
  return `${how}: the task’s container had ended; ${others.join(', ')} still ran ${graceSeconds} s later`
}

function sidecarVerdict(seen: Evidence, mark: StopMark): Verdict {
  if (seen.end) return taskVerdict(seen, seen.end)
  const noted = /^exit (\d+) (\w+):/.exec(mark.message ?? '')
  if (!noted) return compose(seen, 'failed', { reason: 'job_failed', what: 'The task’s container ended, but how is not known any more.' })
  const [, code = '', reason = ''] = noted
  const end: Terminated = {
    kind: 'terminated',
    exitCode: Number(code),
    signal: null,
    reason,
    message: '',
    startedMs: null,
    finishedMs: null,
  }
  return taskVerdict({ ...seen, end }, end)
}

/** The Job controller has spoken (`word`), and nothing of the Job runs any more. */
export function jobVerdict(seen: Evidence, word: Condition): Verdict {
  const { mark, pod } = seen
  if (pod && hasEnd(seen) && cameFirst(seen)) return podVerdict(seen)
  if (mark) return stoppedVerdict(seen, mark, true)
  if (word.type === 'Complete' || word.type === 'SuccessCriteriaMet') {
    if (pod && pod.deletedMs !== null) return disruptedVerdict(seen, deletionOf(pod))
    // Complete means that the Pod succeeded, whoever took it away afterwards.
    return compose(seen, 'completed', {
      reason: null,
      what: 'The task completed; its Pod was gone before it could be read.',
      exitCode: 0,
      finishedMs: seen.job.completionMs,
    })
  }
  const text = word.message === '' ? '' : `: ${quote(word.message)}`
  if (word.reason === 'DeadlineExceeded') {
    return compose(seen, 'failed', {
      reason: 'active_deadline',
      cause: word.reason,
      text: word.message,
      what: `Kubernetes ended the Job at its activeDeadlineSeconds${text}. ${describeEnd(seen)}`,
    })
  }
  if (pod && (pod.deletedMs !== null || pod.gone)) return disruptedVerdict(seen, deletionOf(pod))
  return compose(seen, 'failed', {
    reason: 'job_failed',
    cause: word.reason,
    text: word.message,
    what: `Kubernetes calls the Job failed (${word.reason || 'no reason given'})${text}. ${pod ? describeEnd(seen) : 'No Pod of it was seen.'}`,
  })
}

/** The Pod shows an end that can be judged: its task container's, an init container's, or the kubelet's refusal. */
function hasEnd({ pod, end }: Evidence): boolean {
  if (end) return true
  return pod !== null && isTerminal(pod)
}

function waitingReason({ main }: Evidence): string | null {
  const state = main?.state
  return state?.kind === 'waiting' && state.reason !== '' && !isUsualWait(state.reason) ? state.reason : null
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?…]$/.test(first) ? first : `${first}.`
}
