// Time that does not jump when somebody sets this machine's clock: it runs on the machine's monotonic time and is set by the API server's Date.
// Deadlines are counted from times that the API server and the kubelet wrote, and several replicas must agree on when an attempt is due.
import type { Clock } from './clock.ts'

export interface SteadyClock extends Clock {
  /** The Date of an answer (whole seconds, cut off) to a request that took so long by monotonic time. */
  heard(serverMs: number, tookMs: number): void
  /** An answer has been heard: before that this machine's clock is all there is, right or wrong. */
  isKnown(): boolean
}

/** Up to here this machine's own clock counts as right: it is finer than a Date header, and NTP keeps clocks closer than this. */
const TOLERANCE_MS = 5_000

/** `elapsedMs`: monotonic. Before the first answer it is the system's time as it was at the start. */
export function createSteadyClock(system: Clock, elapsedMs: () => number): SteadyClock {
  let offsetMs = system.now() - elapsedMs()
  let known = false

  function set(nowMs: number): void {
    offsetMs = nowMs - elapsedMs()
  }
  const now = (): number => offsetMs + elapsedMs()

  return {
    now,
    after: system.after,
    isKnown: () => known,
    heard(serverMs, tookMs) {
      known = true
      // It may have been made at any moment of the trip.
      const isRight = (ms: number): boolean => ms > serverMs - TOLERANCE_MS && ms < serverMs + 1_000 + tookMs + TOLERANCE_MS
      if (isRight(system.now())) set(system.now())
      else if (!isRight(now())) set(serverMs + (1_000 + tookMs) / 2)
    },
  }
}
