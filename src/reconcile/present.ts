// A task as REST shows it, from the cache and what this replica has just done. Pure.
import { ANNOTATIONS, TASK_LABEL_PREFIX } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import type { TaskRecord, TaskState } from '../model/task.ts'
import type { Outcome } from '../model/verdict.ts'
import { factsOf } from './facts.ts'
import { readDelivery, readVerdict } from './record.ts'

export interface PresentDeps {
  classify: (task: TaskView, nowMs: number) => Outcome
  overlay: (job: JobView) => JobView
  taskState: (task: TaskView, outcome: Outcome) => { state: TaskState; times: TaskRecord['times'] }
  /** 1: the next to be released; null: it does not wait in our queue. */
  queuePosition: (jobName: string) => number | null
  workerId: string
}

export function presentTask(deps: PresentDeps, seen: TaskView, nowMs: number): TaskRecord {
  const job = deps.overlay(seen.job)
  const task: TaskView = { job, pods: seen.pods }
  const facts = factsOf(task, deps.workerId)
  const stored = readVerdict(job)
  const outcome: Outcome = stored
    ? { kind: 'ended', verdict: stored, evidenceCanVanish: false, startedMs: null }
    : deps.classify(task, nowMs)
  const verdict = outcome.kind === 'ended' ? outcome.verdict : null
  const delivery = readDelivery(job)
  const { state, times } = deps.taskState(task, outcome)
  const position = state === 'queued' ? deps.queuePosition(job.name) : null
  return {
    id: job.name,
    task_id: facts.taskId,
    execution_id: facts.executionId,
    worker_id: facts.workerId,
    title: job.annotations[ANNOTATIONS.title] ?? null,
    labels: labelsOf(job),
    priority: Number(job.annotations[ANNOTATIONS.priority] ?? 0) || 0,
    state,
    reason: verdict ? verdict.reason : outcome.kind === 'stop' ? outcome.reason : stopReason(job),
    retryable: verdict?.retryable ?? null,
    exit_code: verdict?.exitCode ?? null,
    message: verdict
      ? verdict.message
      : position !== null
        ? `its turn: number ${position} in the queue`
        : outcome.kind === 'stop'
          ? outcome.message
          : outcome.kind === 'live'
            ? outcome.waitingFor
            : null,
    queue_position: position,
    times,
    job: job.name,
    pod: facts.pod,
    node: facts.node,
    delivery: {
      state: delivery?.state ?? (verdict && job.held ? 'owed' : 'none'),
      attempts: delivery?.attempts ?? 0,
      next_at: delivery?.next_at ?? null,
      last_error: delivery?.last_error ?? null,
    },
  }
}

/** The assignment's own labels, by the names it gave them. */
export function labelsOf(job: JobView): Record<string, string> {
  return Object.fromEntries(
    Object.entries(job.labels)
      .filter(([name]) => name.startsWith(TASK_LABEL_PREFIX))
      .map(([name, value]) => [name.slice(TASK_LABEL_PREFIX.length), value]),
  )
}

function stopReason(job: JobView): string | null {
  try {
    const mark: unknown = JSON.parse(job.annotations[ANNOTATIONS.stop] ?? 'null')
    return typeof mark === 'object' && mark !== null && 'reason' in mark && typeof mark.reason === 'string' ? mark.reason : null
  } catch {
    return null
  }
}

export type Listed<Page> = { ok: true; page: Page } | { ok: false; refusal: Refusal }

export function notSynced(): Refusal {
  return refusal('cluster_unavailable', 'the tasks have not been read from the cluster yet', { retryAfterSeconds: 1 })
}

export function unreadableCursor(): Refusal {
  return refusal('invalid_request', 'the cursor is not one of ours: use next_cursor as it came', {
    errors: [{ pointer: '/cursor', detail: 'is unreadable: use next_cursor as it came' }],
  })
}

/** A page of tasks, newest first. The cursor is the last task of the page before; null when it is unreadable. */
export function pageOfTasks(
  tasks: Iterable<TaskView>,
  query: { limit: number; cursor: string | null; matches: (task: TaskView) => boolean },
): { items: TaskView[]; nextCursor: string | null } | null {
  const after = query.cursor === null ? null : readCursor(query.cursor)
  if (query.cursor !== null && after === null) return null
  const sorted = [...tasks].sort((a, b) => compare(positionOf(a), positionOf(b)))
  const items: TaskView[] = []
  for (const task of sorted) {
    if (after && compare(positionOf(task), after) <= 0) continue
    if (!query.matches(task)) continue
    if (items.length === query.limit) return { items, nextCursor: writeCursor(items.at(-1)) }
    items.push(task)
  }
  return { items, nextCursor: null }
}

interface Position {
  createdMs: number
  name: string
}

const positionOf = (task: TaskView): Position => ({ createdMs: task.job.createdMs, name: task.job.name })

function compare(a: Position, b: Position): number {
  return b.createdMs - a.createdMs || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}

function writeCursor(task: TaskView | undefined): string | null {
  return task ? Buffer.from(JSON.stringify([task.job.createdMs, task.job.name])).toString('base64url') : null
}

function readCursor(text: string): Position | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (!Array.isArray(value) || typeof value[0] !== 'number' || typeof value[1] !== 'string') return null
    return { createdMs: value[0], name: value[1] }
  } catch {
    return null
  }
}
