// What a completed task costs the API server, counted by the server's own audit log.
import { setTimeout as delay } from 'node:timers/promises'
import { auditPosition, type Requests, requestsSince } from '../lib/audit.ts'
import { createRawClient, jobsPath, type RawClient } from '../lib/kube.ts'
import { spread } from '../lib/statistics.ts'
import type { Case } from '../model.ts'
import { startRig } from './rig.ts'

const RATE_PER_SECOND = 10

export const steadyState: Case = {
  name: 'steady-state',
  title: 'Requests to the API server for each completed task, without stop or retry',
  comparedWith: 'nothing: the API server’s audit log counts them',
  quick: true,
  async run(context) {
    const plane = await context.plane('full')
    const { auditLog } = plane
    if (auditLog === null) throw new Error('this plane has no audit log')
    const user = `system:serviceaccount:${plane.namespace}:jobhook`
    const rig = await startRig(plane)
    const count = context.quick ? 40 : 150
    const client = createRawClient(plane.admin, 1)
    const revisions: number[] = []
    const results: Requests[] = []
    try {
      // The informer's first lists, the preflight and the election are over.
      await rig.load({ prefix: 'warm', count: 20, concurrency: 4, warmUp: false })
      await rig.until('the warm-up', ({ callbacks }) => callbacks >= 20)
      await settled(auditLog)
      for (let run = 0; run < context.runs; run++) {
        const before = (await rig.counts()).callbacks
        const position = auditPosition(auditLog)
        const revision = await etcdRevision(client, plane.namespace)
        await rig.load({ prefix: `s${run}`, count, concurrency: 16, ratePerSecond: RATE_PER_SECOND, warmUp: false })
        await rig.until('every callback', ({ callbacks }) => callbacks >= before + count)
        await settled(auditLog)
        results.push(requestsSince(auditLog, position, user))
        revisions.push(((await etcdRevision(client, plane.namespace)) - revision) / count)
      }
    } finally {
      await rig.stop()
      await client.close()
    }
    context.say(`requests of the last run: ${JSON.stringify(results.at(-1)?.each)}`)
    const perTask = (pick: (requests: Requests) => number) => spread(results.map((requests) => pick(requests) / count))
    return [
      {
        name: 'writes a task',
        unit: '',
        jobhook: perTask(({ writes }) => writes),
        reference: null,
        goal: { of: 'value', bound: 'at most', limit: 4 },
      },
      {
        name: 'reads a task',
        unit: '',
        jobhook: perTask(({ reads }) => reads),
        reference: null,
        goal: { of: 'value', bound: 'at most', limit: 0 },
      },
      { name: 'writes of the ledger a task', unit: '', jobhook: perTask(({ ledger }) => ledger), reference: null, goal: null },
      {
        name: 'writes to etcd a task, by everybody',
        unit: '',
        jobhook: spread(revisions),
        reference: null,
        goal: null,
        note: 'jobhook, Job controller, scheduler, kwok in place of a kubelet; Events included',
      },
    ]
  },
}

/** etcd counts every write; a list's resourceVersion is that count. */
async function etcdRevision(client: RawClient, namespace: string): Promise<number> {
  const { text } = await client.send('GET', `${jobsPath(namespace)}?limit=1`)
  return Number((JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion)
}

/** The closing patches come after the callbacks; the ledger is written in batches after those. */
async function settled(auditLog: string): Promise<void> {
  await delay(2_500)
  for (let size = -1; size !== auditPosition(auditLog); ) {
    size = auditPosition(auditLog)
    await delay(1_000)
  }
}
