// Ten times the tasks: what one task costs jobhook in CPU must stay what it was.
import { spread } from '../lib/statistics.ts'
import type { Case } from '../model.ts'
import { startRig } from './rig.ts'

export const tenfold: Case = {
  name: 'tenfold',
  title: 'Ten times the tasks: CPU of jobhook a task',
  comparedWith: 'itself with a tenth',
  quick: false,
  async run(context) {
    const plane = await context.plane('full')
    const few = 100
    const seen = { few: [] as number[], many: [] as number[] }
    for (let run = 0; run < context.runs; run++) {
      const rig = await startRig(plane)
      try {
        await rig.load({ prefix: 'warm', count: 200, concurrency: 16, warmUp: false })
        await rig.until('the warm-up', ({ callbacks, complete }) => callbacks >= 200 && complete >= 200)
        await rig.reset()
        for (const [which, count] of [
          ['few', few],
          ['many', few * 10],
        ] as const) {
          const before = rig.jobhook.cpuSeconds()
          await rig.load({ prefix: `x${run}-${which}`, count, concurrency: 16, warmUp: false })
          await rig.until('every task', ({ callbacks, complete }) => callbacks >= count && complete >= count)
          seen[which].push(((rig.jobhook.cpuSeconds() - before) / count) * 1_000)
          await rig.reset()
        }
      } finally {
        await rig.stop()
      }
    }
    return [
      {
        name: `${few * 10} tasks: CPU a task`,
        unit: 'ms',
        jobhook: spread(seen.many),
        reference: { name: `${few} tasks`, spread: spread(seen.few) },
        goal: { of: 'ratio', bound: 'at most', limit: 1.2 },
      },
    ]
  },
}
