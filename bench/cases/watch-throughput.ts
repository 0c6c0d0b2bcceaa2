// Watch events applied a second: the real traffic of a burst, recorded once and served again from memory.
import { join } from 'node:path'
import { startChild } from '../lib/child.ts'
import { spread } from '../lib/statistics.ts'
import type { Watching, WatchResult } from '../load/watcher.ts'
import type { Case } from '../model.ts'
import { startRig } from './rig.ts'

/** The recording is served this often in a row. */
const REPEATS = 40

export const watchThroughput: Case = {
  name: 'watch-throughput',
  title: 'Watch events applied to the cache, per second',
  comparedWith: 'split at newlines + JSON.parse into a Map',
  quick: true,
  async run(context) {
    const plane = await context.plane('full')
    const recorder = startChild(join(import.meta.dirname, '../load/recorder.ts'))
    const rig = await startRig(plane)
    const count = context.quick ? 100 : 300
    try {
      await recorder.call('record', plane.admin)
      await rig.load({ prefix: 'rec', count, concurrency: 32, warmUp: false })
      await rig.until('every task', ({ callbacks, complete }) => callbacks >= count && complete >= count)
    } finally {
      await rig.stop()
    }
    try {
      const recording = await recorder.call<{ url: string; events: number; bytes: number }>('serve', REPEATS)
      const seen = { jobhook: [] as WatchResult[], raw: [] as WatchResult[] }
      for (let run = 0; run < context.runs; run++) {
        for (const side of ['raw', 'jobhook'] as const) {
          const watching: Watching = { side, url: recording.url }
          const child = startChild(join(import.meta.dirname, '../load/watcher.ts'))
          seen[side].push(await child.call<WatchResult>('run', watching).finally(child.stop))
        }
      }
      const both = (pick: (result: WatchResult) => number) => ({
        jobhook: spread(seen.jobhook.map(pick)),
        reference: { name: 'split + JSON.parse', spread: spread(seen.raw.map(pick)) },
      })
      const note = `${recording.events} events of ${Math.round(recording.bytes / recording.events / 100) / 10} KB`
      return [
        {
          name: 'throughput',
          unit: 'events/s',
          ...both(({ seconds }) => recording.events / seconds),
          goal: { of: 'ratio', bound: 'at least', limit: 0.9 },
          note,
        },
        {
          name: 'watch traffic a task',
          unit: 'KB',
          jobhook: spread([recording.bytes / REPEATS / count / 1_000]),
          reference: null,
          goal: null,
        },
        { name: 'CPU an event', unit: 'µs', ...both(({ cpuUs }) => cpuUs / recording.events), goal: null },
      ]
    } finally {
      await recorder.stop()
    }
  },
}
