// How soon a new process is ready, and what it holds in memory: idle, in a burst of 500, and with 10,000 tasks in its cache.
import { setTimeout as delay } from 'node:timers/promises'
import { fillTasks } from '../lib/fill.ts'
import { type Jobhook, startJobhook } from '../lib/jobhook.ts'
import { quoted, spread } from '../lib/statistics.ts'
import type { Case, Figure } from '../model.ts'
import { startRig } from './rig.ts'

/** The field's own worker on a machine of this kind; it holds no cache. */
const WORKER = { name: 'the worker (quoted)', readySeconds: 0.55, idleMb: 41, burstMb: 134 }

export const startMemory: Case = {
  name: 'start-memory',
  title: 'Start → ready; memory idle, in a burst of 500, with 10,000 tasks in the cache',
  comparedWith: 'the field’s own worker (quoted; it holds no cache)',
  quick: false,
  async run(context) {
    const plane = await context.plane('full')
    const ready: number[] = []
    const idle: number[] = []
    for (let run = 0; run < context.runs; run++) {
      const jobhook = await startJobhook({ folder: plane.folder, kubeconfig: plane.kubeconfig, callbackUrl: 'http://127.0.0.1:9/' })
      ready.push(jobhook.readyMs / 1000)
      await delay(3_000)
      idle.push(jobhook.memory().residentMb)
      await jobhook.stop()
    }
    const burst: number[] = []
    for (let run = 0; run < context.runs; run++) {
      const rig = await startRig(plane)
      const peak = watchMemory(rig.jobhook)
      await rig.load({ prefix: `m${run}`, count: 500, concurrency: 64, warmUp: false })
      await rig.until('every callback', ({ callbacks }) => callbacks >= 500)
      burst.push(peak())
      await rig.reset()
      await rig.stop()
    }
    const bare = await context.plane('bare')
    await fillTasks(bare, 'finished', 0, 10_000)
    const full: number[] = []
    for (let run = 0; run < context.runs; run++) {
      const jobhook = await startJobhook({ folder: bare.folder, kubeconfig: bare.kubeconfig, callbackUrl: 'http://127.0.0.1:9/' })
      await delay(3_000)
      full.push(jobhook.memory().residentMb)
      await jobhook.stop()
    }
    const memory = (name: string, values: number[], worker: number | null, limit: number): Figure => ({
      name,
      unit: 'MB',
      jobhook: spread(values),
      reference: worker === null ? null : { name: WORKER.name, spread: quoted(worker) },
      goal: { of: 'value', bound: 'at most', limit },
    })
    return [
      {
        name: 'start → ready',
        unit: 's',
        jobhook: spread(ready),
        reference: { name: WORKER.name, spread: quoted(WORKER.readySeconds) },
        goal: { of: 'value', bound: 'at most', limit: 1 },
      },
      memory('memory, idle', idle, WORKER.idleMb, 110),
      memory('memory, peak in a burst of 500', burst, WORKER.burstMb, 160),
      memory('memory, 10,000 tasks in the cache', full, null, 250),
    ]
  },
}

/** The most that was resident, looked at each 50 ms. */
function watchMemory(jobhook: Jobhook): () => number {
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, jobhook.memory().residentMb)
  }, 50)
  return () => {
    clearInterval(timer)
    return peak
  }
}
