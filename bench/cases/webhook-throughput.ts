// Webhook to durable Job and Secret, as many as go through at 1, 16 and 64 at a time.

import { measure } from '../lib/judge.ts'
import { inTurns, spread } from '../lib/statistics.ts'
import type { Case, Figure } from '../model.ts'
import { type Entrances, runsOf, startEntrances } from './entrances.ts'

const REQUESTS = { 1: 200, 16: 1_000, 64: 1_200 } as const
const QUICK_REQUESTS = { 1: 150, 16: 600, 64: 800 } as const

export const webhookThroughput: Case = {
  name: 'webhook-throughput',
  title: 'Webhook → durable Job and Secret, throughput',
  comparedWith:
    'a bare relay in the same place (node:http that posts a canned Secret and Job, no checks); the raw posts without any server',
  quick: true,
  async run(context) {
    const plane = await context.plane('bare')
    const entrances = await startEntrances(plane)
    const figures: Figure[] = []
    try {
      await warmUp(entrances)
      for (const concurrency of [1, 16, 64] as const) {
        const count = (context.quick ? QUICK_REQUESTS : REQUESTS)[concurrency]
        const seen = { jobhook: [] as number[], relay: [] as number[], raw: [] as number[] }
        const cpu = { jobhook: [] as number[], relay: [] as number[] }
        for (let run = 0; run < runsOf(context); run++) {
          for (const side of inTurns(['relay', 'jobhook', 'raw'] as const, run)) {
            const cpuBefore = side === 'raw' ? 0 : entrances.cpuSeconds(side)
            const result = await entrances.load(side, { prefix: `t${concurrency}-${run}-${side}`, count, concurrency })
            if (result.refused > 0) throw new Error(`${result.refused} of ${count} requests were refused by ${side}`)
            seen[side].push(result.perSecond)
            if (side !== 'raw') cpu[side].push(((entrances.cpuSeconds(side) - cpuBefore) / (count + concurrency)) * 1_000)
          }
          await plane.wipe()
        }
        const jobhook = spread(seen.jobhook)
        const cpuATask = { jobhook: spread(cpu.jobhook), relay: spread(cpu.relay) }
        const ifMissed = `A task costs jobhook ${measure(cpuATask.jobhook.median, 'ms')} of CPU and the relay ${measure(cpuATask.relay.median, 'ms')}; and the API server sends each Job to jobhook’s watch as well, some 0.3 ms for it (measured apart).`
        figures.push(
          {
            name: `${concurrency} at a time`,
            unit: 'tasks/s',
            jobhook,
            reference: { name: 'relay', spread: spread(seen.relay) },
            goal: { of: 'ratio', bound: 'at least', limit: 0.9 },
            ifMissed,
          },
          {
            name: `${concurrency} at a time, against raw posts`,
            unit: 'tasks/s',
            jobhook,
            reference: { name: 'raw posts', spread: spread(seen.raw) },
            goal: { of: 'ratio', bound: 'at least', limit: 0.75 },
            ifMissed,
          },
          {
            name: `${concurrency} at a time, CPU a task`,
            unit: 'ms',
            jobhook: cpuATask.jobhook,
            reference: { name: 'relay', spread: cpuATask.relay },
            goal: null,
          },
        )
      }
    } finally {
      await entrances.stop()
    }
    return figures
  },
}

/** Code is compiled and connections are open before anything counts. */
async function warmUp(entrances: Entrances): Promise<void> {
  for (const side of ['relay', 'jobhook', 'raw'] as const)
    await entrances.load(side, { prefix: `warm-${side}`, count: 600, concurrency: 16 })
}
