// A report that is opened again, and one that has to wait: what is sent, what is recorded, what another replica's memory makes of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMessageBuilder, nextAttemptAtMs } from '../../src/callback/index.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { DeliveryRecord, DeliveryResult, OwedMessage } from '../../src/model/callback.ts'
import type { JobView, TaskView } from '../../src/model/kube.ts'
import type { Outcome, Verdict } from '../../src/model/verdict.ts'
import { createMemory, createReconcile } from '../../src/reconcile/index.ts'
import { isFurther } from '../../src/reconcile/record.ts'
import { jobView } from '../support/job-view.ts'

const NOW_MS = Date.parse('2026-11-24T03:00:00Z')
const verdict: Verdict = {
  kind: 'failed',
  message: 'exit 3',
  reason: 'container_exit',
  retryable: false,
  phase: 'run',
  exitCode: 3,
  startedAt: '2026-11-24T02:59:00Z',
  finishedAt: '2026-11-24T02:59:30Z',
  output: null,
  detail: { log_tail: 'the end' },
}

function world(answers: DeliveryResult[]) {
  const did: string[] = []
  const sent: OwedMessage[] = []
  const state = { nowMs: NOW_MS, mayDeliver: true, annotations: { 'task-id': 't-1' } as Record<string, string> }
  const job = (): JobView => ({ ...JOB, annotations: { ...state.annotations } })
  const outcome: Outcome = { kind: 'ended', verdict, evidenceCanVanish: false, startedMs: NOW_MS - 60_000 }
  const replica = () =>
    createReconcile(
      {
        getTask: () => ({ job: job(), pods: [] }) as TaskView,
        classify: () => outcome,
        stopper: { stop: async () => ({ kind: 'ended' }) },
        secondLook: { confirm: async (_task, proposed) => proposed, findPods: async (task, outcome) => ({ task, outcome }) },
        endLeftPods: async () => 'done',
        messages: createMessageBuilder(),
        async deliver(message) {
          const answer = answers.shift() ?? { kind: 'acknowledged', status: 200 }
          sent.push(message)
          did.push(`${message.type} ${answer.kind}`)
          return answer
        },
        mayDeliver: () => state.mayDeliver,
        nextAttemptAtMs: (failures, id, nowMs, retryAfterMs) => nextAttemptAtMs([0, 5], failures, id, nowMs, retryAfterMs),
        async patchJob(_name, kind, patch) {
          did.push(kind === 'strategic' ? 'close' : 'record')
          for (const [name, text] of Object.entries(
            (patch as { metadata: { annotations: Record<string, string> } }).metadata.annotations,
          )) {
            state.annotations[name.replace('jobhook.dev/', '')] = text
          }
          return { ok: true, value: {} as never }
        },
        deleteSecret: async () => ({ ok: true, value: null }),
        async complete(_task, told) {
          did.push('log')
          return told
        },
        memory: createMemory(),
        clock: { now: () => state.nowMs, after: () => () => {} },
        log: createLog({ level: 'silent', workerId: 'w' }),
        metrics: createMetrics(),
        wake: () => {},
      },
      {
        workerId: 'w1',
        callbackUrl: 'https://control.example/hooks',
        callbackTypes: ['task_started', 'task_completed', 'task_failed'],
        retentionSeconds: { success: 1, failure: 1, deadLetter: 1 },
      },
    )
  const record = (): DeliveryRecord => JSON.parse(state.annotations.delivery ?? '{}') as DeliveryRecord
  return { did, sent, state, replica, record }
}

const JOB = jobView({ createdMs: NOW_MS - 60_000 })
const down: DeliveryResult = { kind: 'retry', status: 500, afterMs: null, cause: 'down' }
const yes: DeliveryResult = { kind: 'acknowledged', status: 200 }

test('a dead letter that is opened again is sent by the replica that closed it, with the same id and bytes, and not its start', async () => {
  const { did, sent, state, replica, record } = world([yes, down, down, yes])
  const step = replica()
  state.nowMs = (await step('x')) ?? 0
  await step('x')
  assert.deepEqual([record().state, record().attempts], ['dead', 2])
  await step('x')
  state.annotations.delivery = JSON.stringify({ state: 'owed', attempts: 0, round: 1 })
  await step('x')
  assert.deepEqual([record().state, record().attempts, record().round], ['delivered', 1, 1])
  assert.deepEqual(
    did.filter((what) => what.startsWith('task')),
    ['task_started acknowledged', 'task_failed retry', 'task_failed retry', 'task_failed acknowledged'],
  )
  assert.equal(new Set(sent.filter(({ slot }) => slot === 'verdict').map(({ id, body }) => id + body)).size, 1)
})

test('a dead letter after a single attempt keeps its verdict too', async () => {
  const { state, replica, record } = world([down])
  // As after a change of the schedule, or one that has a single attempt: nothing was stored before.
  state.annotations.delivery = JSON.stringify({ state: 'owed', attempts: 1 })
  await replica()('x')
  assert.equal(record().state, 'dead')
  assert.deepEqual(JSON.parse(state.annotations.verdict ?? 'null'), verdict)
})

test('a report that has to wait costs no attempt, no write and no look at the log', async () => {
  const { did, state, replica } = world([])
  const step = replica()
  state.mayDeliver = false
  await step('x')
  assert.deepEqual(did, [])
  state.mayDeliver = true
  await step('x')
  assert.deepEqual(did, ['log', 'record', 'task_started acknowledged', 'task_failed acknowledged', 'close'])
})

test('an attempt that this replica broke off is not recorded: the next leader makes it', async () => {
  const { state, replica, record } = world([yes, { kind: 'later', cause: 'the lease is overdue' }])
  assert.equal(await replica()('x'), undefined)
  assert.equal(state.annotations.delivery, undefined)
  await replica()('x')
  assert.deepEqual([record().state, record().attempts], ['delivered', 1])
})

test('once an attempt at the verdict was made, a restarted replica does not tell of the start any more', async () => {
  const { did, state, replica } = world([yes, down, yes])
  state.nowMs = (await replica()('x')) ?? 0
  await replica()('x')
  assert.deepEqual(
    did.filter((what) => what.startsWith('task_started')),
    ['task_started acknowledged'],
  )
})

test('what another replica recorded since overrules what this one remembers', async () => {
  const { did, state, replica } = world([yes, down])
  const step = replica()
  state.nowMs = (await step('x')) ?? 0
  state.annotations.delivery = JSON.stringify({ state: 'delivered', attempts: 2, reported_at: '2026-11-24T03:00:06Z' })
  const before = did.length
  await step('x')
  assert.equal(did.length, before, 'it was delivered by the other one')
})

const owed = (attempts: number, round?: number) => JSON.stringify({ state: 'owed', attempts, ...(round ? { round } : {}) })
const dead = (attempts: number) => JSON.stringify({ state: 'dead', attempts })
const order: [text: string | undefined, than: string | undefined, further: boolean][] = [
  [owed(2), owed(1), true],
  [owed(1), owed(2), false],
  [owed(2), owed(2), false],
  [dead(3), owed(9), true],
  [owed(0, 1), dead(9), true],
  [dead(9), owed(0, 1), false],
  [undefined, owed(1), false],
  [owed(1), undefined, true],
  ['not JSON', owed(0), false],
]
for (const [text, than, further] of order) {
  test(`${text} ${further ? 'was' : 'was not'} written after ${than}`, () => assert.equal(isFurther(text, than), further))
}
