// Durations as people write them in a configuration: 30s, 2m, 8h, 75h, 500ms, 1h30m, or a bare number of seconds.

const UNIT_SECONDS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 }

export const DURATION_PATTERN = '^(\\d+(\\.\\d+)?(ms|s|m|h|d))+$'

/** Seconds, or null when the text is no duration. */
export function parseDuration(value: string | number): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : null
  if (!new RegExp(DURATION_PATTERN).test(value)) return null
  let seconds = 0
  for (const [, number, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) seconds += Number(number) * (UNIT_SECONDS[unit ?? ''] ?? 0)
  return seconds
}

/** 8h, 2m30s, 250ms: the shortest exact form. */
export function formatDuration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`
  const parts: string[] = []
  let left = Math.round(seconds)
  for (const [unit, size] of [
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join('')
}
