// Webhook to durable Job and Secret: how long the answer takes at half of what the slower of the two can carry, requests coming at a steady rate.

import { inTurns, median, spread } from '../lib/statistics.ts'
import type { Case } from '../model.ts'
import { runsOf, startEntrances } from './entrances.ts'

export const webhookLatency: Case = {
  name: 'webhook-latency',
  title: 'Webhook → durable Job and Secret, latency at half the maximum rate',
  comparedWith: 'the bare relay at the same rate',
  quick: true,
  async run(context) {
    const plane = await context.plane('bare')
    const entrances = await startEntrances(plane)
    try {
      for (const side of ['relay', 'jobhook'] as const) await entrances.load(side, { prefix: `warm-${side}`, count: 600, concurrency: 16 })
      const maximum = { relay: [] as number[], jobhook: [] as number[] }
      for (let run = 0; run < 3; run++) {
        for (const side of inTurns(['relay', 'jobhook'] as const, run)) {
          const load = { prefix: `max-${run}-${side}`, count: context.quick ? 300 : 600, concurrency: 16 }
          maximum[side].push((await entrances.load(side, load)).perSecond)
        }
      }
      await plane.wipe()
      const ratePerSecond = Math.round(Math.min(median(maximum.relay), median(maximum.jobhook)) / 2)
      const count = ratePerSecond * (context.quick ? 3 : 6)
      const seen = { jobhook: { p50: [] as number[], p99: [] as number[] }, relay: { p50: [] as number[], p99: [] as number[] } }
      for (let run = 0; run < runsOf(context); run++) {
        for (const side of inTurns(['relay', 'jobhook'] as const, run)) {
          const result = await entrances.load(side, { prefix: `l${run}-${side}`, count, concurrency: 64, ratePerSecond })
          seen[side].p50.push(result.p50Ms)
          seen[side].p99.push(result.p99Ms)
        }
        await plane.wipe()
      }
      return (['p50', 'p99'] as const).map((which) => ({
        name: `${which} at ${ratePerSecond} tasks/s`,
        unit: 'ms',
        jobhook: spread(seen.jobhook[which]),
        reference: { name: 'relay', spread: spread(seen.relay[which]) },
        goal: { of: 'ratio', bound: 'at most', limit: which === 'p50' ? 1.2 : 1.3 },
      }))
    } finally {
      await entrances.stop()
    }
  },
}
