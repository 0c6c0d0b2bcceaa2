// Which tasks hold a place and which wait for one, kept up to date by each change of the cache instead of counted at each request. A recount
// over the cache now and then is the safety net: a task may also end by the passing of time. Not for: whether one more may come (admission.ts).
import type { Clock } from '../lib/clock.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'

/**
 * placed: it runs, or may at any moment. pending: the same, and its container has not started yet. queued: created suspended, to be released.
 * none: it has ended, or can no longer start.
 */
export type Standing = 'placed' | 'pending' | 'queued' | 'none'

export interface Census {
  placed(): number
  /** Of those placed, the ones that have not started. */
  pending(): number
  queued(): number
  /** In the order they are to be released: higher priority first, then older first. */
  waiting(): readonly JobView[]
  /** 1 is next; null when it does not wait. */
  positionOf(name: string): number | null
  /** The mean time between ends of tasks lately; null when too few have ended to tell. */
  meanEndGapMs(): number | null
  /** Calls `listener` after any change of the figures; the returned function ends that. */
  onChange(listener: () => void): () => void
  recount(): void
  stop(): void
}

/** What is remembered of ends: enough for a rate, and recent enough to be true. */
const ENDS_KEPT = 32
const ENDS_WINDOW_MS = 600_000

export function createCensus(
  deps: {
    tasks: { get(name: string): TaskView | null; all(): Iterable<TaskView>; onChange(listener: (name: string) => void): () => void }
    standingOf: (task: TaskView) => Standing
    clock: Clock
  },
  options: { recountMs: number },
): Census {
  const { tasks, clock } = deps
  const placed = new Set<string>()
  const pending = new Set<string>()
  const queued = new Map<string, JobView>()
  const listeners = new Set<() => void>()
  const ends: number[] = []
  let order: { jobs: JobView[]; positions: Map<string, number> } | null = null
  let cancelRecount = (): void => {}

  /** Whether anything changed. */
  function look(name: string, task: TaskView | null): boolean {
    const standing = task ? deps.standingOf(task) : 'none'
    const wasPlaced = placed.has(name)
    const wasPending = pending.has(name)
    const was = queued.get(name)
    if (standing === 'pending') pending.add(name)
    else pending.delete(name)
    if (standing === 'placed' || standing === 'pending') placed.add(name)
    else if (placed.delete(name) && standing === 'none') noteEnd()
    if (standing === 'queued' && task) queued.set(name, task.job)
    else queued.delete(name)
    if (was?.resourceVersion !== queued.get(name)?.resourceVersion) order = null
    return wasPlaced !== placed.has(name) || wasPending !== pending.has(name) || was !== queued.get(name)
  }

  function noteEnd(): void {
    ends.push(clock.now())
    if (ends.length > ENDS_KEPT) ends.shift()
  }

  function tell(): void {
    for (const listener of listeners) listener()
  }

  function recount(): void {
    let changed = false
    for (const task of tasks.all()) if (look(task.job.name, task)) changed = true
    for (const name of [...placed, ...queued.keys()]) if (tasks.get(name) === null && look(name, null)) changed = true
    if (changed) tell()
  }

  function recountLater(): void {
    cancelRecount = clock.after(options.recountMs, () => {
      recount()
      recountLater()
    })
  }

  function ordered(): { jobs: JobView[]; positions: Map<string, number> } {
    if (order) return order
    const jobs = [...queued.values()].sort(byTurn)
    order = { jobs, positions: new Map(jobs.map((job, index) => [job.name, index + 1])) }
    return order
  }

  const unsubscribe = tasks.onChange((name) => {
    if (look(name, tasks.get(name))) tell()
  })
  recountLater()

  return {
    placed: () => placed.size,
    pending: () => pending.size,
    queued: () => queued.size,
    waiting: () => ordered().jobs,
    positionOf: (name) => (queued.has(name) ? (ordered().positions.get(name) ?? null) : null),
    meanEndGapMs() {
      const nowMs = clock.now()
      while (ends[0] !== undefined && nowMs - ends[0] > ENDS_WINDOW_MS) ends.shift()
      const first = ends[0]
      return first === undefined || ends.length < 2 ? null : (nowMs - first) / ends.length
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    recount,
    stop() {
      unsubscribe()
      cancelRecount()
    },
  }
}

function byTurn(a: JobView, b: JobView): number {
  return priorityOf(b) - priorityOf(a) || a.createdMs - b.createdMs || (a.name < b.name ? -1 : 1)
}

function priorityOf(job: JobView): number {
  return Number(job.annotations[ANNOTATIONS.priority] ?? 0) || 0
}
