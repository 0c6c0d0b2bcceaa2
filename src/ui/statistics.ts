// Figures for the overview, from the tasks that are in the cluster now: no history of our own, so every replica shows the same and a restart loses
// nothing. Pure but for the turns it gives to the event loop.
import type { TaskRecord, TaskState } from '../model/task.ts'

export const MINUTES = 60

export interface Statistics {
  tasks: number
  byState: Record<string, number>
  owed: number
  dead: number
  /** Finished in each of the last 60 minutes, oldest first. */
  finished: { completed: number; failed: number; cancelled: number }[]
  /** Seconds from accepted to started, and from finished to reported: the median of each minute; null where there was none. */
  startSeconds: (number | null)[]
  reportSeconds: (number | null)[]
  /** Over the whole hour. */
  start: { median: number | null; p95: number | null }
  report: { median: number | null; p95: number | null }
  /** The task that has waited longest for its start. */
  oldestWaiting: { id: string; name: string; sinceMs: number } | null
  /** Failures of the last hour by reason, most frequent first. */
  reasons: { reason: string; count: number }[]
}

/** Tasks looked at before the event loop has its turn. */
const AT_ONCE = 250

export async function computeStatistics<T>(
  views: Iterable<T>,
  present: (view: T) => TaskRecord,
  nowMs: number,
  breathe: () => Promise<void>,
): Promise<Statistics> {
  const endMs = Math.ceil(nowMs / 60_000) * 60_000
  const fromMs = endMs - MINUTES * 60_000
  const minutes = <V>(make: () => V): V[] => Array.from({ length: MINUTES }, make)
  const minuteOf = (iso: string | null): number | null => {
    const ms = iso === null ? Number.NaN : Date.parse(iso)
    return ms >= fromMs && ms < endMs ? Math.floor((ms - fromMs) / 60_000) : null
  }
  const byState = new Map<TaskState, number>()
  const finished = minutes(() => ({ completed: 0, failed: 0, cancelled: 0 }))
  const starts = minutes((): number[] => [])
  const reports = minutes((): number[] => [])
  const reasons = new Map<string, number>()
  const delivery = { owed: 0, dead: 0 }
  let oldestWaiting: Statistics['oldestWaiting'] = null
  let tasks = 0
  for (const view of views) {
    if (++tasks % AT_ONCE === 0) await breathe()
    const task = present(view)
    const { times, state } = task
    byState.set(state, (byState.get(state) ?? 0) + 1)
    if (task.delivery.state === 'owed' || task.delivery.state === 'dead') delivery[task.delivery.state]++
    // What never started has no end of its own: an image that cannot be pulled, a node that is not found.
    const ended = minuteOf(times.finished ?? times.reported)
    if (ended !== null && (state === 'completed' || state === 'failed' || state === 'cancelled')) {
      const bucket = finished[ended]
      if (bucket) bucket[state]++
      if (state === 'failed' && task.reason !== null) reasons.set(task.reason, (reasons.get(task.reason) ?? 0) + 1)
    }
    pushBetween(starts, minuteOf(times.started), times.accepted, times.started)
    pushBetween(reports, minuteOf(times.reported), times.finished, times.reported)
    if ((state === 'pending' || state === 'queued') && times.accepted !== null) {
      const sinceMs = Date.parse(times.accepted)
      if (!oldestWaiting || sinceMs < oldestWaiting.sinceMs) oldestWaiting = { id: task.id, name: task.title ?? task.task_id, sinceMs }
    }
  }
  return {
    tasks,
    byState: Object.fromEntries(byState),
    ...delivery,
    finished,
    startSeconds: starts.map((values) => quantile(values, 0.5)),
    reportSeconds: reports.map((values) => quantile(values, 0.5)),
    start: { median: quantile(starts.flat(), 0.5), p95: quantile(starts.flat(), 0.95) },
    report: { median: quantile(reports.flat(), 0.5), p95: quantile(reports.flat(), 0.95) },
    oldestWaiting,
    reasons: [...reasons].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count),
  }
}

function pushBetween(buckets: number[][], minute: number | null, from: string | null, to: string | null): void {
  if (minute === null || from === null || to === null) return
  buckets[minute]?.push(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000))
}

/** The smallest value that at least this part of all does not exceed; null of nothing. */
export function quantile(values: readonly number[], part: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? null
}
