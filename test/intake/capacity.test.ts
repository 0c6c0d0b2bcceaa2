// Capacity: who counts, who waits in which order, and what the refused hear.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAdmission } from '../../src/intake/admission.ts'
import { createCensus } from '../../src/intake/census.ts'
import { refusal } from '../../src/model/problem.ts'
import { job, manualClock, taskCache } from './parts.ts'

function setUp(limits: { maxConcurrentTasks: number; maxQueuedTasks?: number | null; maxPendingPods?: number }) {
  const clock = manualClock()
  const tasks = taskCache()
  const census = createCensus(
    {
      tasks,
      clock,
      standingOf: ({ job }) => (job.completionMs !== null ? 'none' : job.suspended ? 'queued' : job.active === 0 ? 'pending' : 'placed'),
    },
    { recountMs: 30_000 },
  )
  const admission = createAdmission(
    { census, isCached: (name) => tasks.get(name) !== null, clock },
    { maxQueuedTasks: null, maxPendingPods: 0, ...limits },
  )
  const reserve = (name: string) => {
    const admitted = admission.reserve(name)
    return admitted.ok ? admitted.place : null
  }
  const retryAfter = (name: string) => {
    const admitted = admission.reserve(name)
    return admitted.ok ? null : admitted.refusal.retryAfterSeconds
  }
  return { clock, tasks, census, admission, reserve, retryAfter }
}

test('a place is taken before anything is written, kept until the cache shows the Job, and given back when nothing was made', async () => {
  const { tasks, admission, reserve, clock } = setUp({ maxConcurrentTasks: 2 })
  const first = reserve('a')
  const second = reserve('b')
  assert.ok(first && second)
  assert.deepEqual([reserve('c'), admission.free()], [null, 0])
  second.settle(false)
  assert.equal(admission.free(), 1)
  first.settle(true)
  assert.equal(admission.free(), 1)
  tasks.put(job('a'))
  assert.equal(admission.free(), 1)
  tasks.put(job('a', { completionMs: 1, resourceVersion: '2' }))
  assert.equal(admission.free(), 2)
  reserve('lost')?.settle(true)
  assert.equal(admission.free(), 1)
  await clock.advance(60_001)
  assert.equal(admission.free(), 2)
})

test('a retry of a task whose outcome is not known needs no second place', () => {
  const { reserve } = setUp({ maxConcurrentTasks: 1 })
  reserve('a')?.settle(true)
  assert.equal(reserve('b'), null)
  const again = reserve('a')
  assert.ok(again)
  again.settle(false)
  assert.ok(reserve('b'))
})

test('Retry-After follows how fast tasks have been ending: 10 s when nothing is known, never below 1 s or above 300 s', async () => {
  const { tasks, clock, retryAfter } = setUp({ maxConcurrentTasks: 1 })
  tasks.put(job('always'))
  assert.equal(retryAfter('x'), 10)
  const end = async (count: number, everyMs: number) => {
    for (let index = 0; index < count; index++) {
      const name = `${everyMs}-${index}`
      tasks.put(job(name))
      tasks.put(job(name, { completionMs: 1, resourceVersion: '2' }))
      await clock.advance(everyMs)
    }
  }
  await end(32, 4_000)
  assert.equal(retryAfter('x'), 4)
  await end(32, 20)
  assert.equal(retryAfter('x'), 1)
  await clock.advance(600_001)
  assert.equal(retryAfter('x'), 10)
  await end(2, 299_000)
  assert.ok((retryAfter('x') ?? 0) <= 300)
})

test('a full queue refuses; what waits is asked for by nobody', () => {
  const { tasks, admission, reserve } = setUp({ maxConcurrentTasks: 1, maxQueuedTasks: 2 })
  tasks.put(job('runs'))
  assert.equal(admission.free(), 0)
  for (const name of ['q1', 'q2']) {
    reserve(name)?.settle(true)
    tasks.put(job(name, { suspended: true }))
  }
  assert.equal(reserve('q3'), null)
  tasks.remove('runs')
  assert.ok(reserve('q3'))
})

test('without a limit there is always room, but not while the cluster asks to wait, nor while draining', async () => {
  const { admission, clock } = setUp({ maxConcurrentTasks: 0 })
  assert.equal(admission.free(), Number.POSITIVE_INFINITY)
  admission.pressed(refusal('quota_exceeded', 'the quota is used up', { retryAfterSeconds: 5 }))
  assert.deepEqual([admission.free(), admission.pressure()], [0, 'the quota is used up'])
  assert.ok(admission.reserve('a').ok, 'what comes all the same is tried')
  await clock.advance(5_000)
  assert.deepEqual([admission.free(), admission.pressure()], [Number.POSITIVE_INFINITY, null])
  admission.drain()
  const drained = admission.reserve('b')
  assert.deepEqual([admission.free(), drained.ok, !drained.ok && drained.refusal.code], [0, false, 'draining'])
})

test('while too many Pods wait to start no work is asked for, more is refused, and both end as they start', () => {
  const { tasks, admission, reserve, retryAfter } = setUp({ maxConcurrentTasks: 0, maxPendingPods: 2 })
  assert.deepEqual([admission.free(), admission.pressure()], [2, null])
  reserve('a')?.settle(true)
  assert.equal(admission.free(), 1, 'counted before the cache shows it')
  tasks.put(job('a'))
  tasks.put(job('b'))
  assert.deepEqual([admission.free(), retryAfter('c')], [0, 10])
  assert.match(admission.pressure() ?? '', /2 tasks wait for their Pods to start; the limit is 2 \(limits\.max_pending_pods\)/)
  tasks.put(job('a', { active: 1, resourceVersion: '2' }))
  assert.deepEqual([admission.free(), admission.pressure()], [1, null])
  assert.ok(reserve('c'))
})

test('with a queue, what cannot start yet waits there instead of being refused', () => {
  const { tasks, admission, reserve } = setUp({ maxConcurrentTasks: 10, maxQueuedTasks: 2, maxPendingPods: 1 })
  tasks.put(job('a'))
  assert.equal(admission.free(), 0, 'none is asked for')
  assert.ok(reserve('b'), 'what comes is taken')
})

test('the queue’s order: higher priority, then older, then by name; positions move up as it empties', () => {
  const { tasks, census } = setUp({ maxConcurrentTasks: 1, maxQueuedTasks: 10 })
  tasks.put(job('old', { suspended: true, createdMs: 1 }))
  tasks.put(job('young-b', { suspended: true, createdMs: 2 }))
  tasks.put(job('young-a', { suspended: true, createdMs: 2 }))
  tasks.put(job('urgent', { suspended: true, createdMs: 3, priority: 7 }))
  tasks.put(job('patient', { suspended: true, createdMs: 0, priority: -1 }))
  assert.deepEqual(
    census.waiting().map(({ name }) => name),
    ['urgent', 'old', 'young-a', 'young-b', 'patient'],
  )
  assert.equal(census.positionOf('patient'), 5)
  tasks.put(job('urgent', { createdMs: 3, priority: 7, resourceVersion: '2' }))
  assert.deepEqual([census.positionOf('urgent'), census.positionOf('old'), census.positionOf('nobody')], [null, 1, null])
})

test('a change that nobody told is found by the recount', async () => {
  const { tasks, census, clock } = setUp({ maxConcurrentTasks: 1 })
  tasks.put(job('a'))
  tasks.putSilently(job('b'))
  tasks.putSilently(job('a', { completionMs: 1 }))
  assert.equal(census.placed(), 1)
  tasks.putSilently(job('c'))
  await clock.advance(30_000)
  assert.equal(census.placed(), 2)
  census.stop()
})
