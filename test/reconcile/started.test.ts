// task_started: once, before the verdict, always the same, and never in its way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryResult } from '../../src/model/callback.ts'
import type { Verdict } from '../../src/model/verdict.ts'
import { cancelled, completed, ended, failed, live, NOW_MS, world } from './world.ts'

test('a task_started that is refused is dropped; one that fails otherwise has its last try when the verdict is owed', async () => {
  const refused = world({ outcome: live(NOW_MS), answers: [{ kind: 'retry', status: 404, afterMs: null, cause: 'no' }] })
  await refused.step('x')
  await new Promise((resolve) => setImmediate(resolve))
  refused.state.outcome = ended(completed)
  await refused.step('x')
  assert.deepEqual(refused.did, ['send task_started', 'send task_completed', 'secret', 'close'])
})

test('a replica that leads again tells of no start once it has stored a verdict: whoever led meanwhile may have reported it', async () => {
  const later: DeliveryResult = { kind: 'later', cause: 'the lease is overdue' }
  const { did, memory, step } = world({ outcome: ended(failed), answers: [later] })
  memory.beginTerm()
  await step('x')
  memory.beginTerm()
  await step('x')
  assert.deepEqual(did, ['record', 'send task_started', 'send task_failed', 'secret', 'close'])
})

test('a task_started that finds no room has its try before the verdict all the same: both are woken together', async () => {
  const later: DeliveryResult = { kind: 'later', cause: 'no room' }
  const { did, step } = world({ outcome: ended(completed), answers: [later, later] })
  for (let woken = 0; woken < 3; woken++) await step('x')
  assert.deepEqual(did, ['send task_started', 'send task_started', 'send task_started', 'send task_completed', 'secret', 'close'])
  const busy = world({ outcome: live(NOW_MS), answers: [{ kind: 'retry', status: 500, afterMs: null, cause: 'no' }, later] })
  await busy.step('x')
  await new Promise((resolve) => setImmediate(resolve))
  busy.state.nowMs += 60_000
  await busy.step('x')
  await new Promise((resolve) => setImmediate(resolve))
  busy.state.outcome = ended(completed)
  await busy.step('x')
  assert.equal(busy.did.at(-1), 'close', 'one that was sent before holds nothing up')
})

test('task_started says the same each time under its id: with its Pod there, with its Pod gone, and on a replica that never saw the Pod', async () => {
  const verdict: Verdict = { ...cancelled, detail: { container: 'task', pod: 'pod-1', node: 'n1' } }
  const startedMs = Date.parse(verdict.startedAt ?? '')
  const failing: DeliveryResult = { kind: 'retry', status: 500, afterMs: null, cause: 'no' }
  const { sent, state, step, replica } = world({ outcome: live(startedMs), answers: [failing, failing] })
  await step('x')
  await new Promise((resolve) => setImmediate(resolve))
  state.nowMs += 60_000
  state.task = { ...state.task, pods: state.task.pods.map((pod) => ({ ...pod, gone: true })) }
  await step('x')
  await new Promise((resolve) => setImmediate(resolve))
  state.task = { ...state.task, pods: [] }
  state.outcome = ended(verdict)
  await replica()('x')
  const started = sent.filter((message) => message.type === 'task_started')
  assert.equal(started.length, 3)
  assert.deepEqual([...new Set(started.map((message) => message.body))].length, 1)
})
