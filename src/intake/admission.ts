// Whether one more task may be taken now: not while draining, and not beyond the limit. What counts is the cache, plus this replica's own creates
// that are under way or that the cache has not shown yet: a place is reserved before anything is written, so a burst cannot overshoot. A cluster
// that cannot keep up (it refuses, or Pods wait to start) lowers what is asked for.
import type { Clock } from '../lib/clock.ts'
import { type Refusal, refusal } from '../model/problem.ts'

export interface Place {
  /** What came of it: a Job that exists, or may exist, counts until the cache shows it; otherwise the place is free again. */
  settle(mayExist: boolean): void
}

export interface Admission {
  reserve(name: string): { ok: true; place: Place } | { ok: false; refusal: Refusal }
  /** How many more tasks could start at once; Infinity without a limit, 0 while the cluster asks to wait. */
  free(): number
  /** The cluster itself refused for lack of room: until its Retry-After has passed no more work is asked for. */
  pressed(refused: Refusal): void
  /** Why the cluster cannot take more just now; null while it can. */
  pressure(): string | null
  drain(): void
  draining(): boolean
}

/** A create that the cache has not shown after this long is counted no more: it was deleted, or the cache is stale and says so itself. */
const UNSEEN_MS = 60_000
/** Retry-After, in seconds: without knowing how fast tasks end, and the least and most that is ever said. */
const USUAL_RETRY_SECONDS = 10
const RETRY_SECONDS = { least: 1, most: 300 }
/** The longest that one refusal of the cluster keeps this replica from asking for work. */
const LONGEST_PRESSURE_MS = 60_000

export function createAdmission(
  deps: {
    census: { placed(): number; pending(): number; queued(): number; meanEndGapMs(): number | null }
    isCached: (name: string) => boolean
    clock: Clock
  },
  options: {
    /** 0: no limit. */
    maxConcurrentTasks: number
    /** queue: beyond the limit tasks wait, up to this many; null: they are refused. */
    maxQueuedTasks: number | null
    /** Tasks that may be waiting for their Pods to start; 0: no limit. With a queue they are held there instead of refused. */
    maxPendingPods: number
  },
): Admission {
  const { census, clock } = deps
  const { maxConcurrentTasks, maxQueuedTasks, maxPendingPods } = options
  const limited = maxConcurrentTasks > 0
  const counting = limited || maxPendingPods > 0
  const underWay = new Set<string>()
  const unseen = new Map<string, number>()
  let draining = false
  let pressed: { untilMs: number; cause: string } | null = null

  /** Created, or about to be, by this replica, and not in the cache yet. */
  function ahead(): number {
    for (const [name, sinceMs] of unseen) if (deps.isCached(name) || clock.now() - sinceMs > UNSEEN_MS) unseen.delete(name)
    return underWay.size + unseen.size
  }
  const inFlight = (): number => census.placed() + census.queued() + ahead()
  /** How many more may be waiting to start. What is made for the queue starts later, when its turn comes. */
  const freeStarts = (): number =>
    maxPendingPods === 0 ? Number.POSITIVE_INFINITY : maxPendingPods - census.pending() - (maxQueuedTasks === null ? ahead() : 0)

  function refusedForCapacity(): Refusal | null {
    if (maxQueuedTasks === null && freeStarts() <= 0) {
      return refusal('at_capacity', pendingInWords(), { retryAfterSeconds: USUAL_RETRY_SECONDS })
    }
    if (!limited || inFlight() < maxConcurrentTasks + (maxQueuedTasks ?? 0)) return null
    const gapMs = census.meanEndGapMs()
    const seconds = gapMs === null ? USUAL_RETRY_SECONDS : Math.ceil(gapMs / 1000)
    const full = maxQueuedTasks === null ? '' : `, and ${maxQueuedTasks} wait already`
    return refusal('at_capacity', `the limit of ${maxConcurrentTasks} tasks at once is reached${full}`, {
      retryAfterSeconds: Math.min(RETRY_SECONDS.most, Math.max(RETRY_SECONDS.least, seconds)),
    })
  }

  function pendingInWords(): string {
    return `${census.pending()} tasks wait for their Pods to start; the limit is ${maxPendingPods} (limits.max_pending_pods)`
  }

  function pressure(): string | null {
    if (pressed && clock.now() < pressed.untilMs) return pressed.cause
    return maxPendingPods > 0 && census.pending() >= maxPendingPods ? pendingInWords() : null
  }

  return {
    reserve(name) {
      if (draining) {
        const detail = 'this replica is shutting down; another one, or a retry, will take the task'
        return { ok: false, refusal: refusal('draining', detail, { retryAfterSeconds: 2 }) }
      }
      // A place that this very task still holds (an earlier try whose outcome is not known) is its own.
      const refused = unseen.has(name) ? null : refusedForCapacity()
      if (refused) return { ok: false, refusal: refused }
      if (counting) underWay.add(name)
      let settled = false
      const settle = (mayExist: boolean): void => {
        if (settled || !counting) return
        settled = true
        underWay.delete(name)
        if (mayExist) unseen.set(name, clock.now())
        else unseen.delete(name)
      }
      return { ok: true, place: { settle } }
    },
    free() {
      if (draining || pressure() !== null) return 0
      const places = limited ? maxConcurrentTasks - inFlight() : Number.POSITIVE_INFINITY
      return Math.max(0, Math.min(places, freeStarts()))
    },
    pressed(refused) {
      const forMs = Math.min(LONGEST_PRESSURE_MS, (refused.retryAfterSeconds ?? USUAL_RETRY_SECONDS) * 1000)
      pressed = { untilMs: clock.now() + forMs, cause: refused.detail }
    },
    pressure,
    drain() {
      draining = true
    },
    draining: () => draining,
  }
}
