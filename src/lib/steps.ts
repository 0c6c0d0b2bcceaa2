// How long each step of a task's life took, for the histogram. A step that did not happen, or whose time is unknown, is left out.
import type { Metrics } from './metrics.ts'

const STEPS = ['created', 'scheduled', 'pulled', 'started', 'finished', 'reported'] as const

export function observeSteps(metrics: Metrics, times: Record<(typeof STEPS)[number], string | null>, reportedAt: string | null): void {
  let beforeMs: number | null = null
  for (const step of STEPS) {
    const text = step === 'reported' ? (reportedAt ?? times.reported) : times[step]
    const atMs = text === null ? Number.NaN : Date.parse(text)
    if (Number.isNaN(atMs)) continue
    if (beforeMs !== null) metrics.stepSeconds.observe({ step }, Math.max(0, atMs - beforeMs) / 1000)
    beforeMs = atMs
  }
}
