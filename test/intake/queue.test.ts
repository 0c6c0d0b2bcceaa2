// Releasing the queue: never more than the limit, whatever the API answers and whoever led before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCensus } from '../../src/intake/census.ts'
import { createReleaseQueue } from '../../src/intake/queue.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { JobView } from '../../src/model/kube.ts'
import type { KubeError, KubeObject, KubeResult } from '../../src/model/kube-api.ts'
import { job, manualClock, settled, taskCache } from './parts.ts'

const error = (status: number): { ok: false; error: KubeError } => ({
  ok: false,
  error: { status, reason: 'x', message: 'x', retryAfterMs: null, retryable: true, outcomeUnknown: status === 0 },
})

function setUp(limit: number, maxPendingPods = 0) {
  const clock = manualClock()
  const tasks = taskCache()
  const census = createCensus(
    { tasks, clock, standingOf: ({ job }) => (job.suspended ? 'queued' : job.active > 0 ? 'placed' : 'pending') },
    { recountMs: 1e9 },
  )
  /** What the API holds; the cache follows when told to. */
  const live = new Map<string, JobView>()
  const patched: string[] = []
  const world = {
    answer: (_name: string): KubeResult<KubeObject> | null => null,
    listed: () => ({ ok: true, value: [...live.values()] }) as KubeResult<JobView[]>,
    add(view: JobView) {
      live.set(view.name, view)
      tasks.put(view)
    },
    show(name: string) {
      const view = live.get(name)
      if (view) tasks.put(view)
    },
  }
  const queue = createReleaseQueue(
    {
      census,
      cached: (name) => tasks.get(name)?.job ?? null,
      synced: () => true,
      listJobs: async () => world.listed(),
      getJob: async (name) => {
        const view = live.get(name)
        return view ? { ok: true, value: view as unknown as KubeObject } : error(404)
      },
      patchJob: async (name, _kind, patch) => {
        patched.push(name)
        const special = world.answer(name)
        if (special) return special
        const view = live.get(name)
        const { metadata } = patch as { metadata: { uid: string; resourceVersion: string } }
        if (!view) return error(404)
        if (view.uid !== metadata.uid || view.resourceVersion !== metadata.resourceVersion) return error(409)
        const released = { ...view, suspended: false, resourceVersion: `${view.resourceVersion}+` }
        live.set(name, released)
        return { ok: true, value: released as unknown as KubeObject }
      },
      projectJob: (raw) => raw as JobView,
      clock,
      log: createLog({ level: 'silent', workerId: 'w' }),
      metrics: createMetrics(),
    },
    { maxConcurrentTasks: limit, maxPendingPods },
  )
  const waitingJob = (name: string, more: Partial<JobView> & { priority?: number } = {}) => job(name, { suspended: true, ...more })
  return { clock, tasks, census, live, patched, world, queue, waitingJob }
}

test('as many as fit, in order; what was released counts although the cache does not show it yet', async () => {
  const { queue, world, patched, waitingJob, clock, tasks, live } = setUp(2)
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) world.add(waitingJob(name, { createdMs: index }))
  queue.lead()
  await clock.advance(100)
  assert.deepEqual(patched, ['a', 'b'])
  world.show('a')
  world.show('b')
  await settled()
  assert.deepEqual(patched, ['a', 'b'])
  live.delete('a')
  tasks.remove('a')
  await settled()
  assert.deepEqual(patched, ['a', 'b', 'c'])
})

test('no more are released than may wait to start; each start lets the next go', async () => {
  const { queue, world, patched, waitingJob, clock, live, tasks } = setUp(10, 1)
  for (const [index, name] of ['a', 'b', 'c'].entries()) world.add(waitingJob(name, { createdMs: index }))
  queue.lead()
  await clock.advance(100)
  assert.deepEqual(patched, ['a'])
  world.show('a')
  await settled()
  assert.deepEqual(patched, ['a'], 'it waits for its start')
  const view = live.get('a')
  assert.ok(view)
  tasks.put({ ...view, active: 1, resourceVersion: '3' })
  await settled()
  assert.deepEqual(patched, ['a', 'b'])
})

test('a replica that takes over counts what the one before had released, although its cache still shows it waiting', async () => {
  const { queue, world, patched, waitingJob, clock, live } = setUp(2)
  for (const name of ['a', 'b']) world.add(waitingJob(name))
  // Released by the replica before; and one of higher priority has arrived.
  for (const name of ['a', 'b']) live.set(name, { ...waitingJob(name), suspended: false, resourceVersion: '2' })
  world.add(waitingJob('c', { priority: 9 }))
  queue.lead()
  await clock.advance(100)
  assert.deepEqual(patched, [])
  world.show('a')
  world.show('b')
  await settled()
  assert.deepEqual(patched, [])
})

test('before that look has succeeded nothing is released', async () => {
  const { queue, world, patched, waitingJob, clock } = setUp(1)
  world.add(waitingJob('a'))
  const { listed } = world
  world.listed = () => error(503)
  queue.lead()
  await clock.advance(150)
  assert.deepEqual(patched, [])
  world.listed = listed
  await clock.advance(5_000)
  assert.deepEqual(patched, ['a'])
})

test('a conflict is looked into: written meanwhile and still waiting it is released later, already released it counts', async () => {
  const { queue, world, patched, waitingJob, clock, live } = setUp(1)
  world.add(waitingJob('a'))
  live.set('a', waitingJob('a', { resourceVersion: '2' }))
  queue.lead()
  await clock.advance(50)
  assert.deepEqual(patched, ['a'])
  world.show('a')
  await clock.advance(1_000)
  assert.equal(live.get('a')?.suspended, false)
  world.add(waitingJob('b'))
  await clock.advance(1_000)
  assert.ok(!patched.includes('b'))
})

test('no answer to a release means that it may run: nothing else takes its place until the API says that it does not', async () => {
  const { queue, world, patched, waitingJob, clock, live } = setUp(1)
  world.add(waitingJob('a', { createdMs: 1 }))
  world.add(waitingJob('b', { createdMs: 2 }))
  world.answer = (name) => {
    live.set(name, { ...waitingJob(name), suspended: false, resourceVersion: '2' })
    return error(0)
  }
  queue.lead()
  await clock.advance(20_000)
  assert.deepEqual(patched, ['a'])
})

test('a replica that leads no more releases nothing', async () => {
  const { queue, world, patched, waitingJob, clock } = setUp(1)
  queue.lead()
  await clock.advance(10)
  await queue.yieldLead()
  world.add(waitingJob('a'))
  await clock.advance(60_000)
  assert.deepEqual(patched, [])
})
