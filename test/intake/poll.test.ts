// The long poll's own decisions, on a clock moved by hand: when it asks, how long it waits, what it says of each message, how it stops.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPoller } from '../../src/intake/poll.ts'
import type { AckResult, Leased } from '../../src/intake/poll-client.ts'
import type { Taken } from '../../src/intake/take.ts'
import { createLog } from '../../src/lib/log.ts'
import { refusal } from '../../src/model/problem.ts'
import { manualClock, settled } from './parts.ts'

const claimed: Taken = { kind: 'claimed', identity: { workerId: 'w', taskId: 't', executionId: 't' }, job: 'j', duplicate: false }
const messages = (...ids: string[]): Leased => ({
  kind: 'messages',
  lease: 'l-1',
  messages: ids.map((id) => ({ id, message: id })),
  withoutId: 0,
})
const failed = (status: number, retryAfterMs: number | null = null): Leased => ({
  kind: 'failed',
  status,
  cause: `answered ${status}`,
  retryAfterMs,
})

function setUp(more: { free?: () => number; take?: (message: unknown) => Promise<Taken> } = {}) {
  const clock = manualClock()
  const asked: { max: number; atMs: number }[] = []
  const acked: { lease: string; results: AckResult[] }[] = []
  const ackedAtMs: number[] = []
  const beganMs = clock.now()
  const world = {
    /** Answers in order; afterwards each request is held until it is aborted. */
    answers: [] as Leased[],
    acks: [] as ('done' | 'failed' | number)[],
    free: more.free ?? (() => 10),
    told: (): void => {},
  }
  const poller = createPoller(
    {
      client: {
        async lease(max, _waitSeconds, signal) {
          asked.push({ max, atMs: clock.now() - beganMs })
          const answer = world.answers.shift()
          if (answer) return answer
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
          return { kind: 'failed', status: 0, cause: 'aborted', retryAfterMs: null }
        },
        async ack(lease, results) {
          const answer = world.acks.shift()
          ackedAtMs.push(clock.now() - beganMs)
          if (answer === 'failed') return { kind: 'failed', status: 0, cause: 'no answer', retryAfterMs: null }
          if (typeof answer === 'number') return { kind: 'failed', status: 503, cause: 'answered 503', retryAfterMs: answer }
          acked.push({ lease, results })
          return { kind: 'done' }
        },
      },
      take: more.take ?? (async () => claimed),
      free: () => world.free(),
      onFree(listener) {
        world.told = listener
        return () => {}
      },
      clock,
      log: createLog({ level: 'silent', workerId: 'w' }),
      random: () => 1,
    },
    { waitSeconds: 50, maxMessages: 50 },
  )
  return { clock, poller, asked, acked, ackedAtMs, world }
}

test('it asks for as many as could start now, at most its own bound, and not at all when full', async () => {
  const { poller, asked, world, clock } = setUp()
  let free = 0
  world.free = () => free
  poller.lead()
  await clock.advance(5_000)
  assert.deepEqual([asked.length, poller.status()], [0, { ok: true, detail: 'waiting for capacity' }])
  free = 3
  world.answers.push(messages('m-1'))
  world.told()
  await settled()
  free = Number.POSITIVE_INFINITY
  assert.deepEqual(
    asked.map(({ max }) => max),
    [3, 3],
  )
  await poller.yieldLead()
  poller.lead()
  await settled()
  assert.equal(asked.at(-1)?.max, 50)
  await poller.yieldLead()
})

test('failures back off from 1 s to 60 s; a longer Retry-After is kept, but not one of more than 5 minutes; an answer starts over', async () => {
  const { poller, asked, world, clock } = setUp()
  world.answers.push(failed(500), failed(500), failed(503, 30_000), failed(503, 86_400_000), messages('m-1'), failed(0))
  poller.lead()
  await clock.advance(400_000)
  assert.deepEqual(
    asked.map(({ atMs }) => atMs),
    [0, 1_000, 3_000, 33_000, 333_000, 333_000, 334_000],
  )
  await poller.yieldLead()
})

test('a control plane that answers 204 at once is asked once a second', async () => {
  const { poller, asked, world, clock } = setUp()
  world.answers.push({ kind: 'nothing' }, { kind: 'nothing' }, { kind: 'nothing' })
  poller.lead()
  await clock.advance(10_000)
  assert.deepEqual(
    asked.map(({ atMs }) => atMs),
    [0, 1_000, 2_000, 3_000],
  )
  await poller.yieldLead()
})

test('a refused token is told as such until it is taken', async () => {
  const { poller, world, clock } = setUp()
  world.answers.push({ kind: 'unauthenticated', cause: 'the control plane refused the token (401)' })
  poller.lead()
  await settled()
  assert.deepEqual(poller.status(), { ok: false, detail: 'the control plane refused the token (401)' })
  world.answers.push(messages('m-1'))
  await clock.advance(1_000)
  assert.deepEqual(poller.status(), { ok: true, detail: 'polling' })
  await poller.yieldLead()
})

test('after an answer that is too large it asks for one message at a time until one came', async () => {
  const { poller, asked, world, clock } = setUp()
  world.answers.push({ kind: 'too_large', cause: 'too large' }, messages('m-1'))
  poller.lead()
  await clock.advance(2_000)
  assert.deepEqual(
    asked.map(({ max }) => max),
    [10, 1, 10],
  )
  await poller.yieldLead()
})

const rows: [string, Taken, Omit<AckResult, 'id'> | null][] = [
  ['claimed', claimed, { result: 'claimed' }],
  ['a heartbeat', { kind: 'heartbeat' }, { result: 'claimed' }],
  ['a cancellation', { kind: 'cancelled', executions: ['t'] }, { result: 'cancelled' }],
  ['other content', { kind: 'invalid', refusal: refusal('conflict', 'differs') }, { result: 'invalid', reason: 'conflict: differs' }],
  ['at capacity', { kind: 'rejected', refusal: refusal('at_capacity', 'full') }, { result: 'rejected', reason: 'at_capacity: full' }],
  ['shutting down', { kind: 'rejected', refusal: refusal('draining', 'going') }, { result: 'rejected', reason: 'draining: going' }],
  ['not known after some tries: nothing, so that it comes again', { kind: 'unknown', refusal: refusal('outcome_unknown', '?') }, null],
]
for (const [name, taken, result] of rows) {
  test(`what is said of a message: ${name}`, async () => {
    const { poller, acked, world, clock } = setUp({ take: async () => taken })
    world.answers.push(messages('m-1'))
    poller.lead()
    await clock.advance(10_000)
    assert.deepEqual(acked, result ? [{ lease: 'l-1', results: [{ id: 'm-1', ...result }] }] : [])
    await poller.yieldLead()
  })
}

test('where nothing can be taken the next request waits, so that a redelivery at once makes no tight loop', async () => {
  const { poller, asked, world, clock } = setUp({
    take: async () => ({ kind: 'rejected', refusal: refusal('cluster_unavailable', 'away') }),
  })
  world.answers.push(messages('m-1'), messages('m-1'), messages('m-1'))
  poller.lead()
  await clock.advance(10_000)
  assert.deepEqual(
    asked.map(({ atMs }) => atMs),
    [0, 1_000, 3_000, 7_000],
  )
  await poller.yieldLead()
})

test('an ack that is lost is sent again', async () => {
  const { poller, acked, world, clock } = setUp()
  world.answers.push(messages('m-1'))
  world.acks.push('failed', 'failed')
  poller.lead()
  await clock.advance(5_000)
  assert.equal(acked.length, 1)
  await poller.yieldLead()
})

test('an ack that is told when to come back comes back then', async () => {
  const { poller, acked, ackedAtMs, world, clock } = setUp()
  world.answers.push(messages('m-1'))
  world.acks.push(7_000)
  poller.lead()
  await clock.advance(6_900)
  assert.equal(ackedAtMs.length, 1)
  await clock.advance(200)
  assert.deepEqual([ackedAtMs.length, acked.length], [2, 1])
  await poller.yieldLead()
})

test('stopping with messages in hand: they are finished and acknowledged first, and nothing more is asked for', async () => {
  let finish = (): void => {}
  const { poller, asked, acked, world } = setUp({
    take: () =>
      new Promise((resolve) => {
        finish = () => resolve(claimed)
      }),
  })
  world.answers.push(messages('m-1'))
  poller.lead()
  await settled()
  const stopped = poller.yieldLead()
  await settled()
  assert.deepEqual([acked.length, asked.length], [0, 1])
  finish()
  await stopped
  assert.deepEqual([acked.length, asked.length], [1, 1])
})
