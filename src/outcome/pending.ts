// A task whose container has not started: which step it is at, how long that step may take, and what it failed of when the time is up. Time
// counts from the step's own beginning, so a slow image does not use up the time for a node.
import type { ContainerView, JobView, PodView } from '../model/kube.ts'
import type { FailureReason } from '../model/reasons.ts'
import { quote } from './compose.ts'
import { trueCondition } from './evidence.ts'
import type { OutcomeOptions } from './options.ts'
import { initReason } from './pod-verdict.ts'
import { CONFIRM_SECONDS, isUsualWait, SETTLE_SECONDS, troubleOf } from './waiting.ts'

/** What a task waits for, and when that has lasted too long. */
export interface Wait {
  for: string
  /** Epoch ms; null when there is no limit but the Job's own deadline. */
  dueMs: number | null
  reason: FailureReason
  /** Said when it is due. */
  message: string
  /** The reason of a state that is not known here. */
  unknownState?: string
}

const DEFAULT_AUTOSCALER_CAP_SECONDS = 900

export function waitForPod(job: JobView, options: OutcomeOptions): Wait {
  const event = options.hint?.jobEventMessage
  const why = event === undefined ? '' : `: ${quote(event)}`
  const limitSeconds = createLimitSeconds(job, options)
  const sinceMs = createdSinceMs(job, event !== undefined)
  return {
    for: `its Pod to be created${why}`,
    dueMs: sinceMs === null ? null : dueMs(sinceMs, limitSeconds),
    reason: 'job_create',
    message: `Kubernetes created no Pod within ${limitSeconds} s${why}`,
  }
}

/**
 * A Job without startTime has never been served: its controller is behind (a stock one serves some five Jobs a second), which is no fault of the
 * task, and nothing runs meanwhile. A refused Pod (quota, admission) shows as a startTime without a Pod; should a release write none, as an Event.
 */
const UNSERVED_FACTOR = 60

function createLimitSeconds(job: JobView, { deadlines, hint }: OutcomeOptions): number {
  const served = job.startMs !== null || hint?.jobEventMessage !== undefined
  return served ? deadlines.createSeconds : deadlines.createSeconds * UNSERVED_FACTOR
}

/** From when on a Pod is due; null while nobody can say. */
function createdSinceMs(job: JobView, refused: boolean): number | null {
  // Another controller (MultiKueue) runs it elsewhere: no Pod comes here.
  if (job.managedByOther) return null
  const suspended = job.conditions.find(({ type }) => type === 'Suspended')
  // Let go a moment ago, and the controller has not noticed yet; when that was is not on the Job. A refused Pod shows that it has noticed.
  if (suspended?.status === 'True' && !refused) return null
  const resumedMs = suspended?.status === 'False' ? (suspended.atMs ?? 0) : 0
  return Math.max(job.startMs ?? job.createdMs, resumedMs)
}

export function waitOfPod(pod: PodView, options: OutcomeOptions): Wait {
  const scheduled = trueCondition(pod.conditions, 'PodScheduled')
  if (!scheduled && pod.node === null) return waitForNode(pod, options)
  const scheduledMs = scheduled?.atMs ?? pod.createdMs
  const step = currentStep(pod, scheduledMs)
  const wait = step ? waitOfStep(step, options) : sandboxWait(pod, scheduledMs, options)
  const { pullSeconds, prepareSeconds } = options.deadlines
  // Several images and init containers together get no more than one pull and one preparation: the Job's own deadline counts on it.
  const allMs = dueMs(scheduledMs, pullSeconds + prepareSeconds)
  return wait.dueMs !== null && wait.dueMs > allMs
    ? {
        ...wait,
        dueMs: allMs,
        message: `the task’s container had not started ${pullSeconds + prepareSeconds} s after its Pod had a node; waiting for ${wait.for}`,
      }
    : wait
}

function waitForNode(pod: PodView, { deadlines, hint }: OutcomeOptions): Wait {
  const condition = pod.conditions.find(({ type }) => type === 'PodScheduled')
  const why = condition?.message ? `: ${quote(condition.message)}` : ''
  // Whoever set the gate decides when it opens (a queue of the operator's).
  if (condition?.reason === 'SchedulingGated')
    return { for: `its scheduling gate to be opened${why}`, dueMs: null, reason: 'unschedulable', message: '' }
  const { scheduleSeconds } = deadlines
  const cap = dueMs(pod.createdMs, Math.max(scheduleSeconds, capSeconds(deadlines)))
  let due = dueMs(pod.createdMs, scheduleSeconds)
  // A node is being made, or cleared, for it: the clock starts over, up to the cap. A nomination bears no time of its own.
  if (hint?.scaleUpAtMs !== undefined) due = Math.min(cap, Math.max(due, dueMs(hint.scaleUpAtMs, scheduleSeconds)))
  if (pod.nominatedNode !== null) due = cap
  return {
    for: `a node${why}`,
    dueMs: due,
    reason: 'unschedulable',
    message: `no node was found for the task’s Pod within ${Math.round((due - pod.createdMs) / 1000)} s${why}`,
  }
}

interface Step {
  container: ContainerView
  /** When its turn came. */
  sinceMs: number
}

/** The container whose turn it is: the first that is not done. Null while the Pod's sandbox (volumes, network) is being made. */
function currentStep(pod: PodView, scheduledMs: number): Step | null {
  const sandbox = pod.conditions.find(({ type }) => type === 'PodReadyToStartContainers')
  const ready = sandbox?.status === 'True'
  let sinceMs = ready ? Math.max(scheduledMs, sandbox.atMs ?? 0) : scheduledMs
  for (const container of pod.containers) {
    const { role, state } = container
    if (role === 'other') continue
    if (role === 'init' && state?.kind === 'terminated' && state.exitCode === 0) {
      sinceMs = Math.max(sinceMs, state.finishedMs ?? 0)
      continue
    }
    if (role === 'sidecar' && state?.kind === 'running') {
      sinceMs = Math.max(sinceMs, state.startedMs ?? 0)
      continue
    }
    const started = state?.kind === 'running' || (state?.kind === 'waiting' && !isUsualWait(state.reason))
    return sandbox && !ready && !started ? null : { container, sinceMs }
  }
  return null
}

function waitOfStep({ container, sinceMs }: Step, { deadlines, hint }: OutcomeOptions): Wait {
  const { name, image, state } = container
  const { pullSeconds, prepareSeconds } = deadlines
  if (state?.kind === 'waiting') {
    const trouble = troubleOf(state.reason, state.message)
    if (trouble) {
      const seconds = {
        settle: SETTLE_SECONDS,
        confirm: Math.min(CONFIRM_SECONDS, trouble.reason === 'image_pull' ? pullSeconds : prepareSeconds),
        pull: pullSeconds,
        prepare: prepareSeconds,
      }[trouble.patience]
      const isImage = trouble.reason === 'image_pull' || trouble.reason === 'invalid_image'
      const subject = isImage ? `image ${image} (container ${name})` : `container ${name}`
      const text = `${subject} ${trouble.what}: ${state.reason}${state.message === '' ? '' : `: ${quote(state.message)}`}`
      return { for: text, dueMs: dueMs(sinceMs, seconds), reason: trouble.reason, message: `${text} (given up after ${seconds} s)` }
    }
    if (!isUsualWait(state.reason)) {
      const text = `container ${name}, in the unknown state ${state.reason}${state.message === '' ? '' : `: ${quote(state.message)}`}`
      return {
        for: text,
        dueMs: dueMs(sinceMs, prepareSeconds),
        reason: 'container_create',
        message: `${text} (given up after ${prepareSeconds} s)`,
        unknownState: state.reason,
      }
    }
  }
  if (state?.kind === 'running') {
    return {
      for: `${name} to finish`,
      dueMs: dueMs(state.startedMs ?? sinceMs, prepareSeconds),
      reason: initReason(name),
      message: `container ${name} had not finished its preparation after ${prepareSeconds} s`,
    }
  }
  const event = hint?.podEventMessage === undefined ? '' : `: ${quote(hint.podEventMessage)}`
  return {
    for: `image ${image} (container ${name})${event}`,
    dueMs: dueMs(sinceMs, pullSeconds),
    reason: 'image_pull',
    message: `container ${name} had not been created after ${pullSeconds} s; its image ${image} is most likely still being pulled${event}`,
  }
}

function sandboxWait(pod: PodView, scheduledMs: number, { deadlines, hint }: OutcomeOptions): Wait {
  const event = hint?.podEventMessage === undefined ? '' : `: ${quote(hint.podEventMessage)}`
  const where = pod.node === null ? '' : ` on node ${pod.node}`
  return {
    for: `its volumes and network${where}${event}`,
    dueMs: dueMs(scheduledMs, deadlines.prepareSeconds),
    reason: 'volume_mount',
    message: `the Pod’s volumes and network were not ready${where} after ${deadlines.prepareSeconds} s${event}`,
  }
}

function capSeconds(deadlines: OutcomeOptions['deadlines']): number {
  return deadlines.autoscalerCapSeconds ?? DEFAULT_AUTOSCALER_CAP_SECONDS
}

function dueMs(fromMs: number, seconds: number): number {
  return fromMs + seconds * 1000
}
