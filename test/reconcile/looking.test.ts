// A task that lives, has to be stopped, or looks different live from what the cache says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { Outcome } from '../../src/model/verdict.ts'
import { completed, ended, job, live, NOW_MS, world } from './world.ts'

test('a task that runs is told once, and its next deadline is when to look again', async () => {
  const { did, step } = world({ outcome: live(NOW_MS - 1_000, NOW_MS + 9_000) })
  assert.equal(await step('x'), NOW_MS + 9_000)
  assert.equal(await step('x'), NOW_MS + 9_000)
  assert.deepEqual(did, ['send task_started'])
})

test('a task that must be stopped is stopped, and nothing is reported before its workload has ended', async () => {
  const { did, step } = world({ outcome: { kind: 'stop', reason: 'task_timeout', message: 'ran too long' } })
  await step('x')
  assert.deepEqual(did, ['stop task_timeout'])
})

test('a task that has waited too long by the cache is looked at live before it is stopped, and lives on when that looks different', async () => {
  const { did, state, step } = world({ outcome: { kind: 'stop', reason: 'unschedulable', message: 'no node' } })
  state.live = live(null, NOW_MS + 1_000)
  assert.equal(await step('x'), NOW_MS + 1_000)
  state.live = null
  await step('x')
  assert.deepEqual(did, ['look again', 'look again', 'stop unschedulable'])
})

test('a Job that ended without its Pod ever being seen is looked at live, but not at once', async () => {
  const waits = { ...live(null, NOW_MS + 30_000), lookAtMs: NOW_MS + 3_000 } as Outcome
  const { did, state, step } = world({ outcome: waits })
  assert.equal(await step('x'), NOW_MS + 3_000)
  assert.deepEqual(did, [])
  state.nowMs += 3_000
  state.live = ended(completed, true)
  await step('x')
  assert.deepEqual(did.slice(0, 2), ['find its Pods', 'record'])
  assert.equal(did.at(-1), 'close')
})

test('a container state nobody knows is counted once a task, and waited for', async () => {
  const metrics = createMetrics()
  const { did, step } = world({ outcome: { ...live(null, NOW_MS + 1_000), unknownState: 'QuantumFlux' } as Outcome, metrics })
  await step('x')
  await step('x')
  assert.equal((await metrics.unknownStates.get()).values[0]?.value, 1)
  assert.deepEqual(did, [])
})

test('a Job with our labels that we did not make is left alone', async () => {
  const { did, state, step } = world({ outcome: ended(completed) })
  state.task = { ...state.task, job: { ...job(), annotations: {} } }
  await step('x')
  assert.deepEqual(did, [])
})
test('a Job that ended while its Pod runs on: the Pod is ended, once, and nothing is reported meanwhile', async () => {
  const runs = { ...live(NOW_MS - 9_000, NOW_MS + 60_000), lookAtMs: NOW_MS + 3_000, leftPods: [{ name: 'pod-1', uid: 'p1' }] } as Outcome
  const { did, state, step } = world({ outcome: runs })
  assert.equal(await step('x'), NOW_MS + 3_000)
  state.nowMs += 3_000
  state.apiAnswers = false
  assert.equal(await step('x'), state.nowMs + 1_000, 'an API that does not answer is asked again')
  state.apiAnswers = true
  await step('x')
  await step('x')
  assert.deepEqual(did, ['end its Pods', 'end its Pods', 'send task_started'])
})
