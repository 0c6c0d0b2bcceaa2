// What a task's messages need, read off its Job and Pods. Pure.
import type { TaskFacts } from '../model/callback.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import { podThatCounts } from '../model/task-pod.ts'
import type { Verdict } from '../model/verdict.ts'

/** Somebody has asked its workload to end: we, a hand, or Kubernetes. */
export function isBeingStopped({ job, pods }: TaskView): boolean {
  return job.annotations[ANNOTATIONS.stop] !== undefined || pods.some((pod) => !pod.gone && pod.deletedMs !== null)
}

export interface Target {
  url: string
  perTask: boolean
}

/** Where this task's callbacks go: its own URL (checked when it was accepted), else the configured one, else nowhere. */
export function targetOf(job: JobView, callbackUrl: string | null): Target | null {
  const own = job.annotations[ANNOTATIONS.callbackUrl]
  if (own) return { url: own, perTask: true }
  return callbackUrl === null ? null : { url: callbackUrl, perTask: false }
}

/** What its messages say of a task besides the verdict. */
export function factsOf(task: TaskView, workerId: string): TaskFacts {
  const { job, pods } = task
  const pod = podThatCounts(pods)
  const taskId = job.annotations[ANNOTATIONS.taskId] ?? job.name
  return {
    jobUid: job.uid,
    taskId,
    executionId: job.annotations[ANNOTATIONS.executionId] ?? taskId,
    workerId,
    pod: pod?.gone === false ? pod.name : null,
    node: pod?.node ?? null,
    startedMs: null,
    traceparent: job.annotations[ANNOTATIONS.traceparent] ?? null,
  }
}

/** task_started has one id, so it says the same each time: also when its Pod is gone and, after a restart, only the stored verdict knows it. */
export function startedFacts({ pods }: TaskView, facts: TaskFacts, startedMs: number, verdict: Verdict | null): TaskFacts {
  return {
    ...facts,
    startedMs,
    pod: facts.pod ?? podThatCounts(pods)?.name ?? verdict?.detail.pod ?? null,
    node: facts.node ?? verdict?.detail.node ?? null,
  }
}

/** RFC 3339 to epoch milliseconds; null when absent or unreadable. */
export function parseTime(text: string | null | undefined): number | null {
  if (text === null || text === undefined) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}
