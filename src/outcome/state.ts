// A task as REST, the command line and the page name it: one word, and the times of its life.
import type { TaskView } from '../model/kube.ts'
import type { TaskState } from '../model/task.ts'
import type { Outcome } from '../model/verdict.ts'
import { isoOf } from './compose.ts'
import { readEvidence, trueCondition } from './evidence.ts'
import { reportedAt } from './stop-mark.ts'

export interface TaskTimes {
  accepted: string
  created: string
  scheduled: string | null
  /** When the first container started: the first image had arrived by then. Kubernetes tells no more than that outside Events. */
  pulled: string | null
  started: string | null
  finished: string | null
  reported: string | null
}

/** `outcome` is what classify said of the same task, or the stored verdict as an ended one: what it knows goes before what is left of the Pod. */
export function taskState(task: TaskView, outcome: Outcome): { state: TaskState; times: TaskTimes } {
  const { job, pod, end, startedMs } = readEvidence(task)
  const verdict = outcome.kind === 'ended' ? outcome.verdict : null
  const created = new Date(job.createdMs).toISOString()
  let pulledMs: number | null = null
  for (const { state } of pod?.containers ?? []) {
    const atMs = state?.kind === 'running' || state?.kind === 'terminated' ? state.startedMs : null
    if (atMs !== null && (pulledMs === null || atMs < pulledMs)) pulledMs = atMs
  }
  const started = verdict?.startedAt ?? isoOf(startedMs)
  return {
    state: verdict ? verdict.kind : outcome.kind === 'live' ? outcome.state : 'stopping',
    times: {
      // The Job is the acceptance: there is no earlier moment that outlives this process.
      accepted: created,
      created,
      scheduled: isoOf(pod ? (trueCondition(pod.conditions, 'PodScheduled')?.atMs ?? null) : null),
      pulled: isoOf(pulledMs) ?? started,
      started,
      finished: verdict?.finishedAt ?? isoOf(end?.finishedMs ?? null),
      reported: reportedAt(job),
    },
  }
}
