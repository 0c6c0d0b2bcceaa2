// What is known of a task, read off its Job and Pods once: facts, no judgement.
import type { Condition, ContainerState, ContainerView, JobView, PodView, StopMark, TaskView } from '../model/kube.ts'
import { isTerminal, podThatCounts } from '../model/task-pod.ts'
import { readStopMark } from './stop-mark.ts'

export type Terminated = Extract<ContainerState, { kind: 'terminated' }>

export interface Evidence {
  job: JobView
  mark: StopMark | null
  /** Those of this run: what Kueue took back before says nothing of it. */
  pods: readonly PodView[]
  /** The Pod that counts. */
  pod: PodView | null
  /** The container `task` of that Pod. */
  main: ContainerView | null
  /** How it ended, when that is really known: ContainerStatusUnknown (the kubelet found no trace of it) is no knowledge. */
  end: Terminated | null
  /** When it started; null when it never did. */
  startedMs: number | null
  /** Complete or Failed: the Job controller's last word, said once every Pod has ended. */
  finished: Condition | null
  /** SuccessCriteriaMet or FailureTarget: the same, said while Pods may still be ending. */
  decided: Condition | null
}

export function readEvidence({ job, pods: all }: TaskView): Evidence {
  const pods = all.some((candidate) => candidate.gone) ? all.filter((candidate) => !isOfEarlierRun(job, candidate)) : all
  const pod = podThatCounts(pods)
  const main = pod?.containers.find((container) => container.role === 'task') ?? null
  const state = main?.state ?? null
  return {
    job,
    mark: readStopMark(job),
    pods,
    pod,
    main,
    end: state?.kind === 'terminated' && state.reason !== 'ContainerStatusUnknown' ? state : null,
    startedMs: startOf(main),
    finished: trueCondition(job.conditions, 'Complete') ?? trueCondition(job.conditions, 'Failed'),
    decided: trueCondition(job.conditions, 'SuccessCriteriaMet') ?? trueCondition(job.conditions, 'FailureTarget'),
  }
}

/**
 * A requeued Job starts anew: with a new startTime once the controller has noticed, and with the condition Suspended still there until then. The
 * Pod of its earlier run is gone by then (podReplacementPolicy Failed). Times are cut to seconds.
 */
function isOfEarlierRun(job: JobView, pod: PodView): boolean {
  if (!pod.gone) return false
  if (job.startMs !== null && pod.createdMs + 1000 < job.startMs) return true
  return !job.suspended && trueCondition(job.conditions, 'Suspended') !== null
}

export function trueCondition(conditions: readonly Condition[], type: string): Condition | null {
  return conditions.find((condition) => condition.type === type && condition.status === 'True') ?? null
}

/** Nothing of it runs any more. A Pod may be marked Failed (by the Pod garbage collector) while its containers run on an unreachable node. */
export function isOver(pod: PodView): boolean {
  return pod.gone || (isTerminal(pod) && !pod.containers.some((container) => container.state?.kind === 'running'))
}

/** Ended and not because somebody deleted it. Where the Job replaces disrupted Pods, such an end is not the last word. */
export function endedByItself({ job, pod, pods }: Evidence): boolean {
  if (!pod || pod.deletedMs !== null || !isTerminal(pod) || !pods.every(isOver)) return false
  return !(job.retriesDisruption === true && trueCondition(pod.conditions, 'DisruptionTarget'))
}

/**
 * Whether the workload came to its end before `limitMs`, for sure. Kubernetes cuts times to whole seconds: a finishedAt of 12:00:05 is any
 * instant up to 12:00:06, so only a limit from 12:00:06 on is certainly later. A tie decides against completion.
 */
export function endedBefore(seen: Evidence, limitMs: number): boolean {
  const finishedMs = endMs(seen)
  return finishedMs !== null && finishedMs + 1000 <= limitMs
}

/**
 * Whether it had come to its end before somebody deleted its Pod. The grace period cannot break a tie: Kubernetes gives 0 to a Pod that has ended
 * already, but the kubelet's own last deletion has 0 too, after a task that exits 0 when told to stop (seen on a real node).
 */
export function endedBeforeDeletion(seen: Evidence): boolean {
  const deletedMs = seen.pod?.deletedMs ?? null
  return deletedMs === null || endedBefore(seen, deletedMs)
}

/** When the container that decided the Pod's fate ended: the task's, else the last init container's. */
function endMs({ pod, end }: Evidence): number | null {
  if (end) return end.finishedMs
  let latestMs: number | null = null
  for (const { role, state } of pod?.containers ?? []) {
    if (role === 'init' && state?.kind === 'terminated' && state.exitCode !== 0 && state.finishedMs !== null) latestMs = state.finishedMs
  }
  return latestMs
}

function startOf(main: ContainerView | null): number | null {
  const state = main?.state
  if (state?.kind === 'running' || state?.kind === 'terminated') return state.startedMs
  // Restarted in place, which only a hand-made Pod template allows: it has started all the same.
  const before = main?.lastState
  return before?.kind === 'terminated' || before?.kind === 'running' ? before.startedMs : null
}
