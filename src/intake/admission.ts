// Whether one more task may be taken now: not while draining, and not beyond the limit. What counts is the cache, plus this replica's own creates
// that are under way or that the cache has not shown yet: a place is reserved before anything is written, so a burst cannot overshoot.
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
  /** What the cluster asked to wait for, while it does. */
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
    census: { placed(): number; queued(): number; meanEndGapMs(): number | null }
    isCached: (name: string) => boolean
    clock: Clock
  },
  options: {
    /** 0: no limit. */
    maxConcurrentTasks: number
    /** queue: beyond the limit tasks wait, up to this many; null: they are refused. */
    maxQueuedTasks: number | null
  },
): Admission {
  const { census, clock } = deps
  const { maxConcurrentTasks, maxQueuedTasks } = options
  const limited = maxConcurrentTasks > 0
  const underWay = new Set<string>()
  const unseen = new Map<string, number>()
  let draining = false
  let pressed: { untilMs: number; cause: string } | null = null

  function inFlight(): number {
    for (const [name, sinceMs] of unseen) if (deps.isCached(name) || clock.now() - sinceMs > UNSEEN_MS) unseen.delete(name)
    return census.placed() + census.queued() + underWay.size + unseen.size
  }

  function refusedForCapacity(): Refusal | null {
    if (!limited || inFlight() < maxConcurrentTasks + (maxQueuedTasks ?? 0)) return null
    const gapMs = census.meanEndGapMs()
    const seconds = gapMs === null ? USUAL_RETRY_SECONDS : Math.ceil(gapMs / 1000)
    const full = maxQueuedTasks === null ? '' : `, and ${maxQueuedTasks} wait already`
    return refusal('at_capacity', `the limit of ${maxConcurrentTasks} tasks at once is reached${full}`, {
      retryAfterSeconds: Math.min(RETRY_SECONDS.most, Math.max(RETRY_SECONDS.least, seconds)),
    })
  }

  const pressure = (): string | null => (pressed && clock.now() < pressed.untilMs ? pressed.cause : null)

  return {
    reserve(name) {
      if (draining) {
        const detail = 'this replica is shutting down; another one, or a retry, will take the task'
        return { ok: false, refusal: refusal('draining', detail, { retryAfterSeconds: 2 }) }
      }
      // A place that this very task still holds (an earlier try whose outcome is not known) is its own.
      const refused = unseen.has(name) ? null : refusedForCapacity()
      if (refused) return { ok: false, refusal: refused }
      if (limited) underWay.add(name)
      let settled = false
      const settle = (mayExist: boolean): void => {
        if (settled || !limited) return
        settled = true
        underWay.delete(name)
        if (mayExist) unseen.set(name, clock.now())
        else unseen.delete(name)
      }
      return { ok: true, place: { settle } }
    },
    free() {
      if (draining || pressure() !== null) return 0
      return limited ? Math.max(0, maxConcurrentTasks - inFlight()) : Number.POSITIVE_INFINITY
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
