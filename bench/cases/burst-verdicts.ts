// A burst of 1,000 tasks with every controller at work: is the verdict told before the Job's own condition says it?
import { percentile, spread } from '../lib/statistics.ts'
import type { Case } from '../model.ts'
import { callbacksByJob, lags, startRig } from './rig.ts'

export const burstVerdicts: Case = {
  name: 'burst-verdicts',
  title: 'Burst of 1,000 tasks: Pod finished → callback',
  comparedWith: 'the Job’s condition seen on a raw watch (Job controller with 50 workers and 1,000 requests a second)',
  quick: false,
  async run(context) {
    const plane = await context.plane('full')
    const rig = await startRig(plane)
    const count = 1_000
    const seenBy = { callback: { p50: [] as number[], p99: [] as number[] }, condition: { p50: [] as number[], p99: [] as number[] } }
    try {
      for (let run = 0; run < context.runs; run++) {
        await rig.load({ prefix: `v${run}`, count, concurrency: 64, warmUp: false })
        await rig.until('every verdict and condition', ({ callbacks, complete }) => callbacks >= count && complete >= count)
        const seen = await rig.seen()
        const waits = { callback: lags(seen.podEnded, callbacksByJob(seen)), condition: lags(seen.podEnded, seen.jobComplete) }
        for (const which of ['callback', 'condition'] as const) {
          seenBy[which].p50.push(percentile(waits[which], 50))
          seenBy[which].p99.push(percentile(waits[which], 99))
        }
        await rig.reset()
      }
    } finally {
      await rig.stop()
    }
    return (['p50', 'p99'] as const).map((which) => ({
      name: `${which} after the Pod’s end`,
      unit: 'ms',
      jobhook: spread(seenBy.callback[which]),
      reference: { name: 'the Job’s condition', spread: spread(seenBy.condition[which]) },
      goal: { of: 'ratio', bound: 'at most', limit: 1 },
    }))
  },
}
