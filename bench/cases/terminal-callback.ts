// From the event that a Pod has ended to the callback's request on the wire, 50 a second. The Pods' states are written by the benchmark itself, so that
// nothing but the event's way through jobhook is measured; the bursts show the same with every controller at work.
import { setTimeout as delay } from 'node:timers/promises'
import { createRawClient, inParallel, jobsPath } from '../lib/kube.ts'
import { createPod, setPodState } from '../lib/pods.ts'
import { percentile, quoted, spread } from '../lib/statistics.ts'
import type { Case } from '../model.ts'
import { callbacksByJob, lags, startRig } from './rig.ts'

const RATE_PER_SECOND = 50

export const terminalCallback: Case = {
  name: 'terminal-callback',
  title: 'Pod’s terminal event → callback request on the wire, 50/s',
  comparedWith: 'a raw undici watch seeing the event',
  quick: true,
  async run(context) {
    const plane = await context.plane('bare')
    const client = createRawClient(plane.admin, 32)
    const rig = await startRig(plane, { config: { deadlines: { drain_delay: '0s', create: '2h', schedule: '2h' } } })
    const count = context.quick ? 150 : 500
    const p50: number[] = []
    const p99: number[] = []
    try {
      for (let run = 0; run <= context.runs; run++) {
        await rig.load({ prefix: `e${run}`, count, concurrency: 16, warmUp: false })
        await rig.until('every Job', ({ jobs }) => jobs >= count)
        const listed = await client.send('GET', jobsPath(plane.namespace))
        const { items } = JSON.parse(listed.text) as {
          items: { metadata: { name: string; uid: string; labels: Record<string, string> } }[]
        }
        await inParallel(count, 16, async (index) => {
          const job = items[index]?.metadata
          if (!job) throw new Error('a Job is missing')
          await createPod(client, plane.namespace, job)
          await setPodState(client, plane.namespace, job.name, 'running')
        })
        await rig.until('every task_started', ({ started }) => started >= count)
        await delay(500)
        await atRate(items.length, (index) => setPodState(client, plane.namespace, items[index]?.metadata.name ?? '', 'succeeded'))
        await rig.until('every callback', ({ callbacks }) => callbacks >= count)
        const seen = await rig.seen()
        const waits = lags(seen.podEnded, callbacksByJob(seen))
        if (waits.length !== count) throw new Error(`${waits.length} of ${count} tasks could be followed`)
        // The first run warms everything up.
        if (run > 0) {
          p50.push(percentile(waits, 50))
          p99.push(percentile(waits, 99))
        }
        await rig.reset()
      }
    } finally {
      await rig.stop()
      await client.close()
    }
    const reference = { name: 'raw watch', spread: quoted(0) }
    return [
      {
        name: 'p50 after the raw watch',
        unit: 'ms',
        jobhook: spread(p50),
        reference,
        goal: { of: 'difference', bound: 'at most', limit: 2 },
      },
      {
        name: 'p99 after the raw watch',
        unit: 'ms',
        jobhook: spread(p99),
        reference,
        goal: { of: 'difference', bound: 'at most', limit: 10 },
      },
    ]
  },
}

async function atRate(count: number, work: (index: number) => Promise<void>): Promise<void> {
  const origin = performance.now()
  const pending: Promise<void>[] = []
  for (let index = 0; index < count; index++) {
    await delay(Math.max(0, origin + (index * 1_000) / RATE_PER_SECOND - performance.now()))
    pending.push(work(index))
  }
  await Promise.all(pending)
}
