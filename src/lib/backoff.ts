// One backoff for everything that is tried again: exponential, capped, with full-range jitter in the upper half.

export interface BackoffOptions {
  baseMs: number
  capMs: number
  /** 0 ≤ random() < 1; handed in so that tests are repeatable. */
  random?: () => number
}

/** Delay before the n-th try in a row (failures = 1, 2, …): base·2^(failures-1), capped, multiplied by 0.5 to 1. */
export function backoffMs(failures: number, { baseMs, capMs, random = Math.random }: BackoffOptions): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 30))
  return Math.round(ceiling * (0.5 + random() / 2))
}
