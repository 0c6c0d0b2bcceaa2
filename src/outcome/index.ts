// FIRST VERSION: what a task's Job and Pods mean.
import { ANNOTATIONS } from '../model/keys.ts'
import type { ContainerState, JobView, PodView, StopMark, TaskView } from '../model/kube.ts'
import type { Outcome, Verdict } from '../model/verdict.ts'

export interface OutcomeOptions {
  deadlines: {
    scheduleSeconds: number
    pullSeconds: number
    prepareSeconds: number
    createSeconds: number
    runSeconds: number
    sidecarGraceSeconds: number
    stopConfirmSeconds: number
  }
}

export function stopMarkJson(reason: string, atMs: number, message: string | null): string {
  return JSON.stringify({ reason, at: new Date(atMs).toISOString(), ...(message === null ? {} : { message }) })
}

export function readStopMark(job: JobView): StopMark | null {
  const text = job.annotations[ANNOTATIONS.stop]
  if (!text) return null
  const mark = JSON.parse(text) as { reason: string; at: string; message?: string }
  return { reason: mark.reason, atMs: Date.parse(mark.at), message: mark.message ?? null }
}

export function classify(task: TaskView, options: OutcomeOptions, nowMs: number): Outcome {
  const { job, pods } = task
  const mark = readStopMark(job)
  const pod = pods.at(-1) ?? null
  const main = pod?.containers.find((c) => c.role === 'task')?.state ?? null
  const startedMs = main && main.kind !== 'waiting' ? main.startedMs : null
  const finished = job.conditions.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True')
  const podTerminal = pod && (pod.phase === 'Succeeded' || pod.phase === 'Failed')
  const live = (state: 'queued' | 'pending' | 'running' | 'stopping', wakeAtMs: number | null, waitingFor: string | null): Outcome => ({
    kind: 'live',
    state,
    startedMs,
    wakeAtMs,
    waitingFor,
  })
  if (podTerminal && !pod.deletedMs && !pod.gone && !mark && !job.deletedMs)
    return { kind: 'ended', verdict: verdict(pod, main, null), evidenceCanVanish: false, startedMs }
  const settled = pod ? podTerminal || pod.gone : false
  const graceMs = (finished?.atMs ?? nowMs) + 6_000
  if (finished && !settled && nowMs < graceMs) return live(mark ? 'stopping' : 'running', graceMs, 'the last word on its Pod')
  if (finished) return { kind: 'ended', verdict: verdict(pod, main, mark), evidenceCanVanish: true, startedMs }
  if (job.deletedMs && !mark) return { kind: 'stop', reason: 'deleted', message: 'the Job was deleted' }
  if (mark) return live('stopping', mark.atMs + options.deadlines.stopConfirmSeconds * 1000, 'the end of its Pod')
  if (job.suspended) return live('queued', null, 'its turn')
  if (main?.kind === 'running') {
    const dueMs = (main.startedMs ?? nowMs) + 1000 * Number(job.annotations[ANNOTATIONS.timeoutSeconds] ?? options.deadlines.runSeconds)
    return nowMs >= dueMs ? { kind: 'stop', reason: 'task_timeout', message: 'it ran longer than it may' } : live('running', dueMs, null)
  }
  if (main?.kind === 'waiting' && /ImagePull|ErrImage|InvalidImage/.test(main.reason))
    return { kind: 'stop', reason: 'image_pull', message: main.message }
  return live('pending', null, 'its Pod')
}

function verdict(pod: PodView | null, main: ContainerState | null, mark: StopMark | null): Verdict {
  const ended = main?.kind === 'terminated' ? main : null
  const iso = (ms: number | null | undefined) => (ms ? new Date(ms).toISOString() : null)
  const base = {
    exitCode: ended?.exitCode ?? null,
    startedAt: iso(ended?.startedMs),
    finishedAt: iso(ended?.finishedMs),
    output: null,
    detail: { container: 'task', ...(pod ? { pod: pod.name } : {}) },
  }
  if (mark && !(ended?.finishedMs && ended.finishedMs + 1000 <= mark.atMs)) {
    return mark.reason === 'task_cancelled'
      ? { kind: 'cancelled', message: 'cancelled', reason: mark.reason, retryable: false, phase: 'run', ...base }
      : { kind: 'failed', message: mark.message ?? mark.reason, reason: mark.reason, retryable: false, phase: 'run', ...base }
  }
  if (ended?.exitCode === 0) return { kind: 'completed', message: 'completed', reason: null, retryable: null, phase: null, ...base }
  const reason =
    ended?.reason === 'OOMKilled'
      ? 'container_oom'
      : ended?.reason === 'StartError'
        ? 'container_start'
        : ended
          ? 'container_exit'
          : 'job_failed'
  return { kind: 'failed', message: ended?.message || `exit ${ended?.exitCode}`, reason, retryable: false, phase: 'run', ...base }
}
