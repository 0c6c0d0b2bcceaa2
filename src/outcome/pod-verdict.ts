// The verdict on a Pod that came to its end: by itself, or because Kubernetes ended it. The task's container decides; what else ran in the Pod does not.
import type { ContainerView, PodView } from '../model/kube.ts'
import { SETUP_CONTAINER, SIDECAR_CONTAINER_PREFIX } from '../model/pod-settings.ts'
import type { FailureReason } from '../model/reasons.ts'
import type { Verdict } from '../model/verdict.ts'
import { compose, describeEnd, quote } from './compose.ts'
import { type Disruption, kubeletDisruption } from './disruption.ts'
import { type Evidence, endedBefore, type Terminated } from './evidence.ts'
import { describeExit, exitCodeOf } from './signals.ts'

/** Why a container that has ended counts as failed, or null when it succeeded. Source: Pod v1 containerStatuses[].state.terminated. */
export function terminationReason(end: { exitCode: number; signal: number | null; reason: string }): FailureReason | null {
  if (end.exitCode === 0 && end.signal === null) return null // even with reason OOMKilled: a child was killed, the task itself succeeded
  if (end.reason === 'OOMKilled') return 'container_oom'
  if (end.reason === 'StartError' || end.reason === 'ContainerCannotRun' || end.reason === 'RunContainerError') return 'container_start'
  return 'container_exit'
}

/** The Pod ended by itself (or by the kubelet's hand, without a deletion). */
export function podVerdict(seen: Evidence): Verdict {
  const { pod, end } = seen
  const disruption = pod ? kubeletDisruption(pod) : null
  // What had ended before the disruption is not its victim; where that is not sure, it is.
  if (disruption && !(disruption.atMs !== null && endedBefore(seen, disruption.atMs))) return disruptedVerdict(seen, disruption)
  if (pod?.reason === 'DeadlineExceeded') return podDeadlineVerdict(seen, pod)
  if (end) return taskVerdict(seen, end)
  const failedInit = pod?.containers.find(isFailedInit)
  if (failedInit) return initVerdict(seen, failedInit)
  if (pod?.phase === 'Succeeded') return compose(seen, 'completed', { reason: null, what: 'The task completed.', exitCode: 0 })
  return pod ? refusedVerdict(seen, pod) : compose(seen, 'failed', { reason: 'unknown', what: 'The task failed.' })
}

/** What the end of the task's container means. */
export function taskVerdict(seen: Evidence, end: Terminated): Verdict {
  const reason = terminationReason(end)
  const exit = describeExit(exitCodeOf(end))
  if (reason === null) {
    const note =
      end.reason === 'OOMKilled' ? ' A process it had started was killed for using too much memory; the task itself ended well.' : ''
    return compose(seen, 'completed', {
      reason,
      what: `The task completed.${note}`,
      ...(end.reason === 'OOMKilled' ? { cause: end.reason } : {}),
    })
  }
  const cause = end.reason === '' || end.reason === 'Error' ? {} : { cause: end.reason }
  if (reason === 'container_oom')
    return compose(seen, 'failed', { reason, ...cause, what: `The task used more memory than its limit and was killed: ${exit}.` })
  if (reason === 'container_start') {
    const why = end.message === '' ? '' : `: ${quote(end.message)}`
    return compose(seen, 'failed', { reason, ...cause, text: end.message, what: `The task’s container could not start (${exit})${why}.` })
  }
  return compose(seen, 'failed', { reason, ...cause, what: `The task ended with ${exit}.` })
}

/** Kubernetes ended the Pod, or somebody deleted it: the exit code is only a detail, for a polite task exits 0 on SIGTERM. */
export function disruptedVerdict(seen: Evidence, disruption: Disruption): Verdict {
  const { reason, cause, text } = disruption
  const where = seen.pod?.node ? ` on node ${seen.pod.node}` : ''
  const why = text === '' ? '' : `: ${quote(text)}`
  const what = {
    evicted: `The task’s Pod was evicted${where} (${cause})${why}.`,
    preempted: `The task’s Pod was preempted${where} (${cause})${why}.`,
    node_shutdown: `The task’s Pod was ended by the shutdown of its node${where} (${cause})${why}.`,
    node_lost: `The task’s Pod was lost with its node${where} (${cause})${why}.`,
  }[reason as string]
  return compose(seen, 'failed', {
    reason,
    cause,
    text,
    what: `${what ?? `The task’s Pod was deleted${where}${why}.`} ${describeEnd(seen)}`,
  })
}

function isFailedInit({ role, state }: ContainerView): boolean {
  return (role === 'init' || role === 'sidecar') && state?.kind === 'terminated' && terminationReason(state) !== null
}

/** Which part of the preparation an init container does, by the names that the manifest gives. */
export function initReason(name: string): FailureReason {
  if (name === SETUP_CONTAINER) return 'setup_command'
  return name.startsWith(SIDECAR_CONTAINER_PREFIX) ? 'sidecar_prep' : 'init_container'
}

function initVerdict(seen: Evidence, { name, state, image }: ContainerView): Verdict {
  const reason = initReason(name)
  if (state?.kind !== 'terminated') return compose(seen, 'failed', { reason, what: `The init container ${name} failed.`, container: name })
  const what = {
    setup_command: 'The setup command failed before the task could start',
    sidecar_prep: `The files of sidecar image ${image} could not be copied (container ${name})`,
    init_container: `The init container ${name} failed before the task could start`,
  }[reason as string]
  const startError = terminationReason(state) === 'container_start' && state.message !== '' ? `: ${quote(state.message)}` : ''
  return compose(seen, 'failed', {
    reason,
    what: `${what}: ${describeExit(exitCodeOf(state))}${startError}.`,
    container: name,
    exitCode: exitCodeOf(state),
    finishedMs: state.finishedMs,
    ...(state.reason === '' || state.reason === 'Error' ? {} : { cause: state.reason }),
  })
}

/** A deadline in the Pod's own spec, from the operator's template. */
function podDeadlineVerdict(seen: Evidence, { reason, message }: PodView): Verdict {
  const why = message === '' ? '' : `: ${quote(message)}`
  return compose(seen, 'failed', {
    reason: 'active_deadline',
    cause: reason,
    text: message,
    what: `The Pod ran longer than its activeDeadlineSeconds${why}. ${describeEnd(seen)}`,
  })
}

/** Pod status.reason when the kubelet refuses a Pod that the scheduler gave it (OutOfcpu, OutOfpods, … beside these); no container ever ran. */
const REFUSED_BY_NODE: ReadonlySet<string> = new Set([
  'NodeAffinity',
  'NodePorts',
  'NodeUnschedulable',
  'MatchNodeSelector',
  'TopologyAffinityError',
  'UnexpectedAdmissionError',
])

function refusedVerdict(seen: Evidence, pod: PodView): Verdict {
  const text = pod.message
  const why = text === '' ? '' : `: ${quote(text)}`
  if (pod.reason.startsWith('OutOf') || REFUSED_BY_NODE.has(pod.reason)) {
    const where = pod.node ? ` ${pod.node}` : ''
    return compose(seen, 'failed', {
      reason: 'unschedulable',
      cause: pod.reason,
      text,
      what: `The node${where} refused the Pod (${pod.reason})${why}.`,
    })
  }
  const reason = pod.reason === '' ? '' : ` (${pod.reason})`
  return compose(seen, 'failed', {
    reason: 'unknown',
    text,
    what: `The Pod failed${reason}${why}. ${describeEnd(seen)}`,
    ...(pod.reason === '' ? {} : { cause: pod.reason }),
  })
}
