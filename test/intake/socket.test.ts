// The socket's intake on its own: what is carried out, and when, however much is in hand; when it connects again; how it stops.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSocketIntake } from '../../src/intake/socket.ts'
import type { SocketEvents } from '../../src/intake/socket-connection.ts'
import type { Taken } from '../../src/intake/take.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { OwedMessage } from '../../src/model/callback.ts'
import { manualClock, settled } from './parts.ts'

const claimed = (taskId: string): Taken => ({
  kind: 'claimed',
  identity: { workerId: 'w', taskId, executionId: taskId },
  job: taskId,
  duplicate: false,
})

/** An intake whose connections the test opens, ends and listens to. */
function setUp(more: { take?: (message: unknown) => Promise<Taken>; random?: () => number } = {}) {
  const clock = manualClock()
  const beganMs = clock.now()
  const connections: { token: string; atMs: number; events: SocketEvents; said: string[]; open: boolean }[] = []
  const taken: string[] = []
  const world = { token: 't-1', pongs: true }
  const intake = createSocketIntake(
    {
      open(token, events) {
        const connection = { token, atMs: clock.now() - beganMs, events, said: [] as string[], open: true }
        connections.push(connection)
        return {
          isOpen: () => connection.open,
          send: (text) => connection.open && connection.said.push(text) > 0,
          confirmed: async () => connection.open && world.pongs,
          async close() {
            connection.open = false
          },
        }
      },
      token: async () => ({ ok: true, token: world.token }),
      take: (message) => {
        taken.push((message as { type: string }).type)
        return more.take ? more.take(message) : new Promise(() => {})
      },
      wake() {},
      clock,
      log: createLog({ level: 'silent', workerId: 'w' }),
      metrics: createMetrics(),
      random: more.random ?? (() => 1),
    },
    { workerId: 'w' },
  )
  const last = () => {
    const connection = connections.at(-1)
    assert.ok(connection)
    return connection
  }
  const end = (cause: string): void => {
    last().open = false
    last().events.onEnd(cause)
  }
  const hear = (type: string, id: string): void => last().events.onText(JSON.stringify({ type, data: { task_id: id } }))
  return { intake, clock, connections, taken, world, last, end, hear }
}

test('a cancellation is carried out however many assignments are in hand; one more assignment is rejected', async () => {
  const { intake, hear, taken, last } = setUp()
  intake.lead()
  await settled()
  for (let n = 0; n < 257; n++) hear('task_assignment', `t-${n}`)
  hear('task_cancellation', 'another')
  await settled()
  assert.equal(taken.filter((type) => type === 'task_assignment').length, 256)
  assert.equal(taken.filter((type) => type === 'task_cancellation').length, 1)
  assert.match(last().said.join(), /"task_rejected".*"t-256".*worker at maximum concurrency/)
})

test('it connects again after 1 s, doubling to 60 s; only a connection that has proved to work starts over', async () => {
  const { intake, clock, connections, world, last, end } = setUp()
  intake.lead()
  await settled()
  for (let ends = 0; ends < 8; ends++) {
    end('closed (1006)')
    await clock.advance(60_000)
  }
  // One ends at the beginning of each minute.
  assert.deepEqual(
    connections.slice(1).map(({ atMs }, index) => atMs - index * 60_000),
    [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000],
  )
  world.pongs = false
  last().events.onOpen()
  await settled()
  const openedMs = clock.now()
  end('closed at once')
  await clock.advance(60_000)
  assert.equal(connections.at(-1)?.atMs, openedMs - 1_000_000 + 60_000, 'open is not enough')
  world.pongs = true
  last().events.onOpen()
  await settled()
  const provedMs = clock.now()
  end('closed after a pong')
  await clock.advance(60_000)
  assert.equal(connections.at(-1)?.atMs, provedMs - 1_000_000 + 1_000)
})

test('the time to wait is spread at random, so that a thousand workers do not come back at once', async () => {
  const first = async (random: number): Promise<number | undefined> => {
    const { intake, clock, connections, end } = setUp({ random: () => random })
    intake.lead()
    await settled()
    end('closed')
    await clock.advance(5_000)
    return connections[1]?.atMs
  }
  const [early = Number.NaN, late = Number.NaN] = [await first(0.2), await first(0.9)]
  assert.ok(early < late && late <= 1_000, `${early} ${late}`)
})

test('a token that was rotated is the next connection’s', async () => {
  const { intake, clock, connections, world, end } = setUp()
  intake.lead()
  await settled()
  world.token = 't-2'
  end('the token was refused (401)')
  assert.deepEqual(intake.status(), { ok: false, detail: 'the token was refused (401)' })
  await clock.advance(1_000)
  assert.deepEqual(
    connections.map(({ token }) => token),
    ['t-1', 't-2'],
  )
})

test('stopping: what is in hand, and what still comes, is finished and answered; then it is closed, and no connection follows', async () => {
  const waiting: ((taken: Taken) => void)[] = []
  const { intake, clock, connections, hear, last } = setUp({ take: () => new Promise((resolve) => waiting.push(resolve)) })
  intake.lead()
  await settled()
  last().events.onOpen()
  hear('task_assignment', 't-1')
  await settled()
  const stopped = intake.yieldLead()
  hear('task_assignment', 't-2')
  waiting[0]?.(claimed('t-1'))
  await settled()
  assert.ok(last().open, 'not closed while a message is in hand')
  waiting[1]?.(claimed('t-2'))
  await stopped
  assert.deepEqual(
    last().said.map((text) => (JSON.parse(text) as { data: { task_id: string } }).data.task_id),
    ['t-1', 't-2'],
  )
  assert.equal(last().open, false)
  last().events.onEnd('closed by us')
  await clock.advance(120_000)
  assert.equal(connections.length, 1)
  assert.deepEqual(intake.status(), { ok: true, detail: 'not connected: another replica leads' })
})

test('a verdict on its way when this replica stops leading is not counted as an attempt', async () => {
  const { intake, world, last } = setUp()
  intake.lead()
  await settled()
  last().events.onOpen()
  world.pongs = false
  const message = { type: 'task_completed', taskId: 't-1', id: 'm-1', body: '{}' } as OwedMessage
  const sent = intake.deliver(message, 'key')
  await intake.yieldLead()
  assert.equal((await sent).kind, 'later')
})
