// Bursts of assignments with every controller at work: how fast Jobs come to be, and how long after their Pods' end the control plane is told.
import { join } from 'node:path'
import { type Child, startChild } from '../lib/child.ts'
import { measure, times } from '../lib/judge.ts'
import { inTurns, percentile, quoted, spread } from '../lib/statistics.ts'
import type { Seen } from '../load/observer.ts'
import type { Case, Context, Figure } from '../model.ts'
import { baselineManifests } from './entrances.ts'
import { callbacksByJob, lags, type Rig, startRig } from './rig.ts'

const CONCURRENCY = 64
const WARM_UP = 600

/** The field's own worker on the same control plane (fast controller manager, kwok Pods of 1 s, 2 cores), measured in November 2026; seconds. */
const WORKER = {
  50: { jobsPerSecond: 6.2, created: { p50: 2.9, p99: 7.9 }, told: { p50: 9, p99: 10 } },
  200: { jobsPerSecond: 5.3, created: { p50: 18, p99: 38 }, told: { p50: 40, p99: 54 } },
  500: { jobsPerSecond: 5.1, created: { p50: 48, p99: 97 }, told: { p50: 150, p99: 184 } },
} as const

type Size = keyof typeof WORKER

interface Burst {
  jobsPerSecond: number
  /** Milliseconds from the burst's first instant to the Job on a watch. */
  created: { p50: number; p99: number }
  /** Milliseconds from the Pod's end on a watch to the callback. */
  told: { p50: number; p99: number }
  /** Milliseconds of jobhook's CPU a task; of the raw client's bursts NaN. */
  cpuMs: number
}

export const burstAssignments: Case = {
  name: 'burst-assignments',
  title: 'Bursts of 50, 200 and 500 assignments: Jobs/s, assignment → Job, Pod finished → callback',
  comparedWith: 'a raw client with the same controllers running; the field’s own worker on the same control plane (quoted)',
  quick: false,
  async run(context) {
    const plane = await context.plane('full')
    const rig = await startRig(plane)
    const raw = startChild(join(import.meta.dirname, '../baselines/raw-client.ts'))
    try {
      const manifests = baselineManifests(plane, { kubeconfig: plane.kubeconfig, callbackUrl: rig.callbackUrl })
      await raw.call('prepare', { credentials: plane.account, manifests, callbackUrl: rig.callbackUrl, connections: CONCURRENCY })
      const figures: Figure[] = []
      // A service that runs for days: after fifty tasks what is compiled on the way still costs a task twice as much as after a thousand.
      await burstOf('jobhook', rig, raw, 'warm', WARM_UP)
      await burstOf('raw', rig, raw, 'warm-raw', WARM_UP)
      for (const size of [50, 200, 500] as const) figures.push(...(await compare(size, context, rig, raw)))
      return figures
    } finally {
      await raw.stop()
      await rig.stop()
    }
  },
}

async function compare(size: Size, context: Context, rig: Rig, raw: Child): Promise<Figure[]> {
  const seen = { jobhook: [] as Burst[], raw: [] as Burst[] }
  for (let run = 0; run < context.runs; run++) {
    for (const side of inTurns(['raw', 'jobhook'] as const, run))
      seen[side].push(await burstOf(side, rig, raw, `b${size}-${run}-${side}`, size))
  }
  const worker = WORKER[size]
  const cpuMs = spread(seen.jobhook.map((burst) => burst.cpuMs))
  const both = (pick: (burst: Burst) => number) => ({
    jobhook: spread(seen.jobhook.map(pick)),
    reference: { name: 'raw client', spread: spread(seen.raw.map(pick)) },
    ifMissed: `From webhook to closed a task costs jobhook ${measure(cpuMs.median, 'ms')} of CPU, on two cores that the control plane needs for the same burst.`,
  })
  const against = (pick: (burst: Burst) => number, quote: number) => ({
    jobhook: spread(seen.jobhook.map(pick)),
    reference: { name: 'the worker (quoted)', spread: quoted(quote) },
    ifMissed: `The raw client, which checks, signs and remembers nothing, is at ${times(spread(seen.raw.map(pick)).median / quote)} in the same run.`,
  })
  const rate = (burst: Burst): number => burst.jobsPerSecond
  const figures: Figure[] = [
    { name: `${size}: rate`, unit: 'Jobs/s', ...both(rate), goal: { of: 'ratio', bound: 'at least', limit: 0.75 } },
    {
      name: `${size}: rate, against the worker`,
      unit: 'Jobs/s',
      ...against(rate, worker.jobsPerSecond),
      goal: { of: 'ratio', bound: 'at least', limit: 40 },
    },
  ]
  for (const [lag, label] of [
    ['created', 'assignment → Job'],
    ['told', 'Pod finished → callback'],
  ] as const) {
    for (const which of ['p50', 'p99'] as const) {
      const pick = (burst: Burst): number => burst[lag][which]
      figures.push(
        { name: `${size}: ${label} ${which}`, unit: 'ms', ...both(pick), goal: { of: 'ratio', bound: 'at most', limit: 1.5 } },
        {
          name: `${size}: ${label} ${which}, against the worker`,
          unit: 'ms',
          ...against(pick, worker[lag][which] * 1_000),
          goal: { of: 'ratio', bound: 'at most', limit: 1 / 50 },
        },
      )
    }
  }
  return figures
}

async function burstOf(side: 'jobhook' | 'raw', rig: Rig, raw: Child, prefix: string, count: number): Promise<Burst> {
  const load = { prefix, count, concurrency: CONCURRENCY }
  const cpuBefore = rig.jobhook.cpuSeconds()
  const startedMs = side === 'raw' ? await raw.call<number>('burst', load) : (await rig.load({ ...load, warmUp: false })).startedMs
  await rig.until(`every callback of ${prefix}`, ({ callbacks, complete }) => callbacks >= count && complete >= count)
  const seen: Seen = await rig.seen()
  const cpuMs = side === 'raw' ? Number.NaN : ((rig.jobhook.cpuSeconds() - cpuBefore) / count) * 1_000
  await rig.reset()
  const created = Object.values(seen.jobCreated).map((atMs) => atMs - startedMs)
  const told = lags(seen.podEnded, callbacksByJob(seen))
  const percentiles = (values: number[]) => ({ p50: percentile(values, 50), p99: percentile(values, 99) })
  return { jobsPerSecond: (count / Math.max(...created)) * 1_000, created: percentiles(created), told: percentiles(told), cpuMs }
}
