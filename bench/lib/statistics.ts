// Medians, percentiles and spreads. Pure.

/** One figure measured several times. */
export interface Spread {
  median: number
  min: number
  max: number
  runs: number
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('a figure needs at least one measurement')
  const sorted = ascending(values)
  return { median: middle(sorted), min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN, runs: sorted.length }
}

export function median(values: readonly number[]): number {
  return spread(values).median
}

/** The smallest value that at least `percent` of all do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) throw new Error('a percentile needs at least one measurement')
  const sorted = ascending(values)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

/** A figure quoted from elsewhere: measured once, as far as we know. */
export function quoted(value: number): Spread {
  return { median: value, min: value, max: value, runs: 1 }
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}

/** The sides of a comparison in their order for this run: each goes first as often as last, because what a run leaves behind is the next one's load. */
export function inTurns<T>(sides: readonly T[], run: number): T[] {
  return run % 2 === 0 ? [...sides] : [...sides].reverse()
}
