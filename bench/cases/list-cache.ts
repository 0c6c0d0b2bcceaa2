// The first list: 10,000 and 100,000 Jobs and 100,000 Pods from the API server into the cache, each reading in a fresh process.
import { join } from 'node:path'
import { workerLabel } from '../../src/jobspec/index.ts'
import { LABELS, MANAGED_BY } from '../../src/model/keys.ts'
import { startChild } from '../lib/child.ts'
import { fillPods, fillTasks } from '../lib/fill.ts'
import { WORKER_ID } from '../lib/jobhook.ts'
import type { Plane } from '../lib/plane.ts'
import { spread } from '../lib/statistics.ts'
import type { Listing, ListResult } from '../load/lister.ts'
import type { Case, Context, Figure } from '../model.ts'

export const listCache: Case = {
  name: 'list-cache',
  title: 'List to cache: 10,000 and 100,000 Jobs, 100,000 Pods',
  comparedWith: 'a paged and trimmed undici loop (pages of 500; keeps metadata without managedFields, and the status)',
  quick: false,
  async run(context) {
    const plane = await context.plane('bare')
    const figures: Figure[] = []
    await fill(context, '100,000 Jobs', () => fillTasks(plane, 'live', 0, 100_000))
    figures.push(...(await compare(context, plane, 'jobs', 100_000)))
    await plane.wipe()
    await fill(context, '10,000 Jobs', () => fillTasks(plane, 'live', 0, 10_000))
    figures.unshift(...(await compare(context, plane, 'jobs', 10_000)))
    await plane.wipe()
    await fill(context, '100,000 Pods', () => fillPods(plane, 100_000))
    figures.push(...(await compare(context, plane, 'pods', 100_000)))
    return figures
  },
}

/** 10,000 Jobs only: within minutes. */
export const listCacheSmall: Case = {
  name: 'list-cache-10000',
  title: 'List to cache: 10,000 Jobs alone (part of list-cache, for quick)',
  comparedWith: listCache.comparedWith,
  quick: 'only',
  async run(context) {
    const plane = await context.plane('bare')
    await fill(context, '10,000 Jobs', () => fillTasks(plane, 'live', 0, 10_000))
    return compare(context, plane, 'jobs', 10_000)
  },
}

async function fill(context: Context, what: string, work: () => Promise<void>): Promise<void> {
  const started = performance.now()
  await work()
  context.say(`filled in ${what} in ${Math.round((performance.now() - started) / 1000)} s`)
}

async function compare(context: Context, plane: Plane, resource: 'jobs' | 'pods', count: number): Promise<Figure[]> {
  const seen = { jobhook: [] as ListResult[], raw: [] as ListResult[] }
  const labelSelector = `${LABELS.managedBy}=${MANAGED_BY},${LABELS.worker}=${workerLabel(WORKER_ID)}`
  for (let run = 0; run < context.runs; run++) {
    for (const side of ['raw', 'jobhook'] as const) {
      const child = startChild(join(import.meta.dirname, '../load/lister.ts'))
      const listing: Listing = { side, kubeconfig: plane.kubeconfig, resource, labelSelector, namespace: plane.namespace }
      const result = await child.call<ListResult>('run', listing).finally(child.stop)
      if (result.objects !== count) throw new Error(`${side} read ${result.objects} of ${count} ${resource}`)
      seen[side].push(result)
    }
  }
  const both = (pick: (result: ListResult) => number) => ({
    jobhook: spread(seen.jobhook.map(pick)),
    reference: { name: 'raw loop', spread: spread(seen.raw.map(pick)) },
  })
  const name = `${count.toLocaleString('en')} ${resource === 'jobs' ? 'Jobs' : 'Pods'}`
  return [
    { name: `${name}: time`, unit: 's', ...both((result) => result.seconds), goal: { of: 'ratio', bound: 'at most', limit: 1.2 } },
    { name: `${name}: peak memory`, unit: 'MB', ...both((result) => result.peakMb), goal: { of: 'ratio', bound: 'at most', limit: 1.3 } },
    {
      name: `${name}: longest block of the loop`,
      unit: 'ms',
      ...both((result) => result.blockedMs),
      goal: { of: 'value', bound: 'at most', limit: 50 },
    },
  ]
}
