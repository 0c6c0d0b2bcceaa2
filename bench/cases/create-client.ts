// Creating Jobs: jobhook's own HTTP client against the official one, each in a process of its own.
import { join } from 'node:path'
import { startChild } from '../lib/child.ts'
import { spread } from '../lib/statistics.ts'
import type { Creation, CreationResult } from '../load/creator.ts'
import type { Case, Figure } from '../model.ts'
import { baselineManifests } from './entrances.ts'

const CLIENTS = ['client-node', 'jobhook'] as const
const GOALS = { 16: 2.5, 64: 3 } as const

export const createClient: Case = {
  name: 'create-client',
  title: 'Creating Jobs, throughput and CPU of the client',
  comparedWith: '@kubernetes/client-node’s createNamespacedJob',
  quick: true,
  async run(context) {
    const plane = await context.plane('bare')
    const { job } = baselineManifests(plane, { kubeconfig: plane.kubeconfig, callbackUrl: 'http://127.0.0.1:9/' })
    const script = join(import.meta.dirname, '../load/creator.ts')
    const children = { jobhook: startChild(script), 'client-node': startChild(script) }
    const create = (client: (typeof CLIENTS)[number], prefix: string, count: number, concurrency: number) => {
      const creation: Creation = { client, kubeconfig: plane.kubeconfig, namespace: plane.namespace, job, prefix, count, concurrency }
      return children[client].call<CreationResult>('run', creation)
    }
    try {
      const figures: Figure[] = []
      for (const client of CLIENTS) await create(client, `warm-${client}`, 200, 16)
      for (const concurrency of [16, 64] as const) {
        const seen = { jobhook: [] as CreationResult[], 'client-node': [] as CreationResult[] }
        for (let run = 0; run < context.runs; run++) {
          for (const client of CLIENTS) {
            const count = context.quick ? 400 : 1_000
            seen[client].push(await create(client, `c${concurrency}-${run}-${client}`, count, concurrency))
          }
          await plane.wipe()
        }
        const both = (pick: (result: CreationResult) => number) => ({
          jobhook: spread(seen.jobhook.map(pick)),
          reference: { name: 'client-node', spread: spread(seen['client-node'].map(pick)) },
        })
        figures.push(
          {
            name: `${concurrency} at a time`,
            unit: 'Jobs/s',
            ...both((result) => result.perSecond),
            goal: { of: 'ratio', bound: 'at least', limit: GOALS[concurrency] },
          },
          {
            name: `${concurrency} at a time, CPU for 1,000 Jobs`,
            unit: 's',
            ...both((result) => result.cpuPerThousand),
            goal: { of: 'ratio', bound: 'at most', limit: 1 / 6 },
          },
        )
      }
      return figures
    } finally {
      await Promise.all(Object.values(children).map((child) => child.stop()))
    }
  },
}
