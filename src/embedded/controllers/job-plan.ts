/**
 * What the Job controller should do next for one Job and its Pods: a pure decision, level-triggered, as the real controller decides it
 * (https://kubernetes.io/docs/concepts/workloads/controllers/job/). Carrying it out is job-controller.ts.
 */
import { parseTime, timestamp } from '../time.ts'
import type { Condition, Job, JobStatus, Pod, PodFailurePolicyRule } from '../types.ts'

export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking'
const BACKOFF_MS = 10_000
const LONGEST_BACKOFF_MS = 600_000

export interface JobPlan {
  status: JobStatus
  create: number
  /** Pods to delete; those of a suspended or shrunk Job lose their tracking finalizer first, so that they do not count as failures. */
  remove: Pod[]
  release: Pod[]
  events: { type: 'Normal' | 'Warning'; reason: string; message: string }[]
  /** Milliseconds until time alone changes the answer, or null. */
  againMs: number | null
  /** The status has to be written before the rest can be decided: come again at once. */
  again: boolean
}

interface Failure {
  reason: string
  message: string
}

export function planJob(job: Job, pods: readonly Pod[], nowMs: number): JobPlan {
  const plan: JobPlan = { status: job.status, create: 0, remove: [], release: [], events: [], againMs: null, again: false }
  const tracked = pods.filter(isTracked)
  if (isFinished(job)) return { ...plan, release: tracked }

  const active = pods.filter((pod) => !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined)
  const terminating = pods.filter((pod) => !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined)
  const replaceFailedOnly = job.spec.podReplacementPolicy === 'Failed'
  const newlySucceeded = tracked.filter((pod) => pod.status.phase === 'Succeeded')
  const newlyFailed = tracked.filter(
    (pod) => pod.status.phase === 'Failed' || (!replaceFailedOnly && !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined),
  )
  const ignored = newlyFailed.filter((pod) => matchingRule(job, pod)?.action === 'Ignore')
  let failed = (job.status.failed ?? 0) + newlyFailed.length - ignored.length
  const succeeded = (job.status.succeeded ?? 0) + newlySucceeded.length
  const conditions = [...(job.status.conditions ?? [])]
  const now = timestamp(nowMs)
  const finishing = Boolean(job.metadata.deletionTimestamp)
  plan.release = finishing ? tracked : [...newlySucceeded, ...newlyFailed]

  const suspended = job.spec.suspend === true
  const failure = failureOf(job, newlyFailed, failed, suspended, nowMs)
  let startTime = job.status.startTime
  let activeCount = active.length
  let terminatingCount = terminating.length

  if (failure !== null) {
    plan.remove = active
    if (condition(conditions, 'FailureTarget') === null) {
      conditions.push(newCondition('FailureTarget', failure, now))
      plan.again = true
    } else {
      // Whatever still runs counts as failed now, and its Pod is let go of before it has ended: so does the real controller.
      failed += [...active, ...terminating].filter((pod) => isTracked(pod) && !newlyFailed.includes(pod)).length
      plan.release = tracked
    }
    if (!plan.again && active.length + terminating.length === 0) {
      conditions.push(newCondition('Failed', failure, now))
      plan.events.push({ type: 'Warning', ...failure })
    }
    terminatingCount += activeCount
    activeCount = 0
  } else if (isSuccess(job, succeeded, active.length)) {
    plan.remove = active
    plan.release = tracked
    const reached = { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    if (condition(conditions, 'SuccessCriteriaMet') === null) {
      conditions.push(newCondition('SuccessCriteriaMet', reached, now))
      plan.again = true
    } else if (active.length + terminating.length === 0) {
      conditions.push(newCondition('Complete', reached, now))
      plan.events.push({ type: 'Normal', reason: 'Completed', message: 'Job completed' })
    }
    terminatingCount += activeCount
    activeCount = 0
  } else if (!finishing && suspended) {
    plan.remove = active
    plan.release = [...plan.release, ...active.filter(isTracked)]
    terminatingCount += activeCount
    activeCount = 0
    if (setCondition(conditions, 'Suspended', 'True', { reason: 'JobSuspended', message: 'Job suspended' }, now)) {
      plan.events.push({ type: 'Normal', reason: 'Suspended', message: 'Job suspended' })
    }
  } else if (!finishing) {
    if (condition(conditions, 'Suspended')?.status === 'True') {
      setCondition(conditions, 'Suspended', 'False', { reason: 'JobResumed', message: 'Job resumed' }, now)
      plan.events.push({ type: 'Normal', reason: 'Resumed', message: 'Job resumed' })
      startTime = now
    }
    startTime ??= now
    const parallelism = job.spec.parallelism ?? 1
    const wanted =
      job.spec.completions === undefined
        ? succeeded > 0
          ? active.length
          : parallelism
        : Math.min(parallelism, job.spec.completions - succeeded)
    const occupied = active.length + (replaceFailedOnly ? terminating.length : 0)
    if (active.length > wanted) {
      plan.remove = active.slice(wanted)
      plan.release = [...plan.release, ...plan.remove.filter(isTracked)]
      terminatingCount += plan.remove.length
    } else if (occupied < wanted) {
      const waitMs = backoffMs(pods, failed, nowMs)
      if (waitMs > 0) plan.againMs = waitMs
      else plan.create = wanted - occupied
    }
    activeCount += plan.create - plan.remove.length
  }
  if (failure === null && !suspended) {
    const started = startTime === undefined ? job.status : { ...job.status, startTime }
    plan.againMs = earliest(plan.againMs, deadlineLeftMs({ ...job, status: started }, nowMs))
  }

  const complete = condition(conditions, 'Complete') !== null
  const ready = active.filter(
    (pod) => pod.status.conditions?.some((item) => item.type === 'Ready' && item.status === 'True') === true && !plan.remove.includes(pod),
  )
  plan.status = {
    ...job.status,
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(complete ? { completionTime: now } : {}),
    ...(succeeded === 0 ? {} : { succeeded }),
    ...(failed === 0 ? {} : { failed }),
    ...{ ready: ready.length, terminating: terminatingCount, uncountedTerminatedPods: {} },
  }
  if (activeCount === 0) delete plan.status.active
  else plan.status.active = activeCount
  return plan
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING_FINALIZER) === true
}

function isTerminal(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed'
}

export function isFinished(job: Job): boolean {
  return job.status.conditions?.some((item) => (item.type === 'Complete' || item.type === 'Failed') && item.status === 'True') === true
}

function failureOf(job: Job, newlyFailed: readonly Pod[], failed: number, suspended: boolean, nowMs: number): Failure | null {
  const target = condition(job.status.conditions ?? [], 'FailureTarget')
  if (target !== null) return { reason: target.reason ?? '', message: target.message ?? '' }
  const byPolicy = newlyFailed.find((pod) => matchingRule(job, pod)?.action === 'FailJob')
  if (byPolicy !== undefined) {
    return { reason: 'PodFailurePolicy', message: `Pod ${byPolicy.metadata.namespace}/${byPolicy.metadata.name} matching FailJob rule` }
  }
  if (newlyFailed.length > 0 && failed > (job.spec.backoffLimit ?? 6)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  }
  const left = suspended ? null : deadlineLeftMs(job, nowMs)
  return left !== null && left <= 0 ? { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' } : null
}

function deadlineLeftMs(job: Job, nowMs: number): number | null {
  const { activeDeadlineSeconds } = job.spec
  if (activeDeadlineSeconds === undefined || job.status.startTime === undefined) return null
  return parseTime(job.status.startTime) + activeDeadlineSeconds * 1000 - nowMs
}

function isSuccess(job: Job, succeeded: number, active: number): boolean {
  if (condition(job.status.conditions ?? [], 'SuccessCriteriaMet') !== null) return true
  if (job.spec.completions === undefined) return succeeded > 0 && active === 0
  return succeeded >= job.spec.completions
}

/** A Pod that failed is replaced 10 s later, 20 s after the second failure, and so on up to ten minutes. */
function backoffMs(pods: readonly Pod[], failed: number, nowMs: number): number {
  if (failed === 0) return 0
  const ends = pods.flatMap((pod) =>
    (pod.status.containerStatuses ?? []).map((container) => parseTime(container.state.terminated?.finishedAt)),
  )
  const latest = Math.max(...ends.filter((end) => !Number.isNaN(end)), 0)
  return latest + Math.min(BACKOFF_MS * 2 ** (failed - 1), LONGEST_BACKOFF_MS) - nowMs
}

function matchingRule(job: Job, pod: Pod): PodFailurePolicyRule | null {
  for (const rule of job.spec.podFailurePolicy?.rules ?? []) {
    const exits = rule.onExitCodes
    const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
    const byExit = statuses.some(({ name, state }) => {
      const code = state.terminated?.exitCode ?? 0
      if (exits === undefined || code === 0 || (exits.containerName !== undefined && exits.containerName !== name)) return false
      return exits.values.includes(code) === (exits.operator === 'In')
    })
    const byCondition = rule.onPodConditions?.some((wanted) =>
      pod.status.conditions?.some((item) => item.type === wanted.type && item.status === (wanted.status ?? 'True')),
    )
    if (byExit || byCondition === true) return rule
  }
  return null
}

function condition(conditions: readonly Condition[], type: string): Condition | null {
  return conditions.find((item) => item.type === type && (item.status === 'True' || type === 'Suspended')) ?? null
}

function newCondition(type: string, { reason, message }: Failure, now: string, status: 'True' | 'False' = 'True'): Condition {
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message }
}

/** Gives whether it changed. */
function setCondition(conditions: Condition[], type: string, status: 'True' | 'False', why: Failure, now: string): boolean {
  const index = conditions.findIndex((item) => item.type === type)
  if (conditions[index]?.status === status) return false
  const next = newCondition(type, why, now, status)
  if (index < 0) conditions.push(next)
  else conditions[index] = next
  return true
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}
