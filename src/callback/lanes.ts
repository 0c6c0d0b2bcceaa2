// One lane for each origin: how many deliveries at once, and a circuit that holds back while the origin is down. What does not get in is told
// to come back and woken when there is room, so a slow control plane holds up nobody else and costs its own tasks no attempt. Pure of I/O.
import type { Clock } from '../lib/clock.ts'

export type Admitted =
  | { ok: true; leave(outcome: Outcome): void }
  /** Not now: the key is woken when there is room. */
  | { ok: false; cause: string }

/** answered: the origin works. failed: no answer, or one that says it does not work. unknown: we gave up ourselves, which says nothing of it. */
export type Outcome = 'answered' | 'failed' | 'unknown'

export interface Lanes {
  enter(origin: string, key: string): Admitted
  /** Whether `enter` would let it in now; when not, the key is woken as from `enter`. For those who must prepare something first. */
  hasRoom(origin: string, key: string): boolean
  /** How many origins are held back now. */
  openCircuits(): number
}

/** So many failures in a row, with no answer in between, hold an origin back. */
const FAILURES_TO_OPEN = 5
/** The first pause, doubled by each one that follows, up to the longest. Attempts lie further apart on the schedule; this only bounds a herd. */
const PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5_000

interface Lane {
  inFlight: number
  /** Keys that found no room, in order of arrival. */
  waiting: Set<string>
  failures: number
  /** Raised when the circuit opens or closes: what began before says nothing about now. */
  generation: number
  pauses: number
  openUntilMs: number | null
  sweeping: boolean
}

/** A woken key may have no use for its place any more (its Job is gone): the next ones are woken after this long at the latest. */
const SWEEP_MS = 1_000

export function createLanes(
  deps: { clock: Clock; wake: (key: string) => void; onOpenCircuits?: (count: number) => void },
  options: { atOnce: number },
): Lanes {
  const { clock } = deps
  const lanes = new Map<string, Lane>()
  /** After a pause a few go first: all at once would be the herd again, one at a time too slow a way to a dead letter. */
  const probes = Math.max(1, Math.floor(options.atOnce / 4))

  const openCircuits = (): number => [...lanes.values()].filter((lane) => lane.openUntilMs !== null).length
  const room = (lane: Lane): number => (lane.openUntilMs === null ? options.atOnce : probes) - lane.inFlight

  function wakeWaiting(lane: Lane): void {
    let free = room(lane)
    for (const key of lane.waiting) {
      if (free-- <= 0) break
      lane.waiting.delete(key)
      deps.wake(key)
    }
  }

  function wait(lane: Lane, key: string, cause: string): Admitted {
    lane.waiting.add(key)
    sweepLater(lane)
    return { ok: false, cause }
  }

  function sweepLater(lane: Lane): void {
    if (lane.sweeping) return
    lane.sweeping = true
    clock.after(SWEEP_MS, () => {
      lane.sweeping = false
      if (lane.openUntilMs === null || clock.now() >= lane.openUntilMs) wakeWaiting(lane)
      if (lane.waiting.size > 0) sweepLater(lane)
    })
  }

  function open(lane: Lane): void {
    const pauseMs = Math.min(PAUSE_MS * 2 ** lane.pauses, LONGEST_PAUSE_MS)
    lane.pauses++
    lane.generation++
    lane.openUntilMs = clock.now() + pauseMs
    deps.onOpenCircuits?.(openCircuits())
    clock.after(pauseMs, () => wakeWaiting(lane))
  }

  function judge(lane: Lane, outcome: Outcome, generation: number): void {
    if (outcome === 'unknown') return
    if (outcome === 'answered') {
      lane.failures = 0
      lane.pauses = 0
      if (lane.openUntilMs === null) return
      lane.openUntilMs = null
      lane.generation++
      deps.onOpenCircuits?.(openCircuits())
      return
    }
    if (generation !== lane.generation) return
    lane.failures++
    if (lane.openUntilMs !== null || lane.failures >= FAILURES_TO_OPEN) open(lane)
  }

  function laneOf(origin: string): Lane {
    const known = lanes.get(origin)
    if (known) return known
    const lane = { inFlight: 0, waiting: new Set<string>(), failures: 0, generation: 0, pauses: 0, openUntilMs: null, sweeping: false }
    lanes.set(origin, lane)
    return lane
  }

  /** null: there is room. */
  function refusedBy(lane: Lane, origin: string): string | null {
    if (lane.openUntilMs !== null && clock.now() < lane.openUntilMs) return `${origin} does not answer; the next attempt follows a pause`
    return room(lane) > 0 ? null : `${options.atOnce} deliveries to ${origin} are under way`
  }

  return {
    openCircuits,
    hasRoom(origin, key) {
      const lane = laneOf(origin)
      const cause = refusedBy(lane, origin)
      if (cause !== null) wait(lane, key, cause)
      return cause === null
    },
    enter(origin, key) {
      const current = laneOf(origin)
      const cause = refusedBy(current, origin)
      if (cause !== null) return wait(current, key, cause)
      current.waiting.delete(key)
      current.inFlight++
      const { generation } = current
      let left = false
      return {
        ok: true,
        leave(outcome) {
          if (left) return
          left = true
          current.inFlight--
          judge(current, outcome, generation)
          if (current.openUntilMs === null || clock.now() >= current.openUntilMs) wakeWaiting(current)
          if (current.inFlight === 0 && current.waiting.size === 0 && current.failures === 0 && current.openUntilMs === null) {
            lanes.delete(origin)
          }
        },
      }
    },
  }
}
