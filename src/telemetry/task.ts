// A task's life as one span, told when its verdict is reached: from the acceptance to the end, with Kubernetes' own times (whole seconds). Its id follows
// from the trace and the Job's name, so that its callbacks and the task itself (TRACEPARENT) could point at it before, on every replica.
import type { PastSpan } from '../lib/trace.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { TaskView } from '../model/kube.ts'
import type { TaskRecord } from '../model/task.ts'
import type { Verdict } from '../model/verdict.ts'

const EVENTS = ['scheduled', 'pulled', 'started', 'finished'] as const

/** null: the task belongs to no trace. Names and codes only: a message or a log may hold anything. */
export function taskSpan({ job, pods }: TaskView, verdict: Verdict, times: TaskRecord['times'], nowMs: number): PastSpan | null {
  const parent = job.annotations[ANNOTATIONS.traceparent]
  if (parent === undefined) return null
  const events = EVENTS.flatMap((name) => {
    const atMs = Date.parse(times[name] ?? '')
    return Number.isNaN(atMs) ? [] : [{ name, atMs }]
  })
  const finishedMs = events.find(({ name }) => name === 'finished')?.atMs ?? nowMs
  const pod = pods.at(-1)
  return {
    name: 'task',
    parent,
    identity: job.name,
    startMs: job.createdMs,
    endMs: Math.max(job.createdMs, finishedMs),
    events,
    attributes: {
      'jobhook.task_id': job.annotations[ANNOTATIONS.taskId],
      'jobhook.execution_id': job.annotations[ANNOTATIONS.executionId],
      'jobhook.verdict': verdict.kind,
      'jobhook.failure_reason': verdict.reason,
      'jobhook.phase': verdict.phase,
      'jobhook.retryable': verdict.retryable,
      'process.exit.code': verdict.exitCode,
      'k8s.job.name': job.name,
      'k8s.job.uid': job.uid,
      'k8s.pod.name': pod?.name ?? verdict.detail.pod,
      'k8s.node.name': pod?.node ?? verdict.detail.node,
    },
    failure: verdict.kind === 'failed' ? (verdict.reason ?? 'unknown') : null,
  }
}
