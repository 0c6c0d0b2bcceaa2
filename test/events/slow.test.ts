// Readers that do not read: on a real connection whose other end is silent, and with a clock moved by hand.
import assert from 'node:assert/strict'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { eventsRoutes } from '../../routes/events.ts'
import { createEventHub, HUB_LIMITS } from '../../src/events/index.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { TaskView } from '../../src/model/kube.ts'
import type { TaskRecord } from '../../src/model/task.ts'
import { bareServer } from '../http/bare.ts'
import { job, manualClock, settled } from '../intake/parts.ts'
import { until } from '../support/wait.ts'

const log = createLog({ level: 'silent', workerId: 'test' })

/** A hub over tasks that are changed by hand; `message` is how much each event carries. */
function world(clock: Clock, limits: Partial<typeof HUB_LIMITS>, message = 'hello') {
  const views = new Map<string, TaskView>()
  const listeners = new Set<(name: string) => void>()
  const metrics = createMetrics()
  const hub = createEventHub(
    {
      clock,
      log,
      metrics,
      tasks: {
        get: (name) => views.get(name) ?? null,
        all: () => views.values(),
        onChange(listener) {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
      },
      present: ({ job: { name, resourceVersion } }) =>
        ({ id: name, task_id: name, state: 'running', labels: {}, message: `${message} ${resourceVersion}` }) as unknown as TaskRecord,
      deliveryOf: () => null,
      synced: () => true,
    },
    { ...HUB_LIMITS, ...limits },
  )
  let version = 0
  function change(name: string): void {
    views.set(name, { job: job(name, { resourceVersion: String(++version) }), pods: [] })
    for (const listener of listeners) listener(name)
  }
  function remove(name: string): void {
    views.delete(name)
    for (const listener of listeners) listener(name)
  }
  const cuts = async () => (await metrics.eventStreamsCut.get()).values[0]?.value ?? 0
  return { hub, change, remove, cuts, listening: () => listeners.size }
}

const everything = { states: [], labels: () => true, lastEventId: null, snapshot: false }

test('a connection that is not read from is cut, and memory does not grow with it; others go on', async () => {
  const { hub, change, cuts } = world(systemClock, { pending: 20, gatherMs: 0, cutMs: 50 }, 'x'.repeat(100_000))
  const app = bareServer({ authenticate: 'open' })
  app.register(eventsRoutes({ open: hub.open }))
  app.addHook('preClose', async () => hub.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  try {
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    socket.write('GET /v1/events HTTP/1.1\r\nhost: test\r\n\r\n')
    await new Promise<void>((resolve) => socket.once('readable', resolve)) // the headers; from here on nobody reads
    let next = 0
    await until('it is cut', async () => {
      for (let i = 0; i < 20; i++) change(`task-${next++ % 200}`)
      return (await cuts()) === 1
    })
    const connections = () => new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)))
    await until('the connection is closed although nobody reads its end', async () => (await connections()) === 0)
  } finally {
    socket.destroy()
    await app.close()
  }
})

test('a reader that is cut and then reads finds the reason, and goes on where it was', async () => {
  const clock = manualClock()
  const { hub, change } = world(clock, { pending: 5 })
  const leave = new AbortController()
  const opened = hub.open(everything, leave.signal, () => {})
  assert.ok(opened.ok)
  const reading = opened.parts[Symbol.asyncIterator]()
  assert.match((await reading.next()).value ?? '', /^retry: \d+\n\n$/)
  change('task-0')
  await clock.advance(100)
  assert.match((await reading.next()).value, /^event: task\nid: 1\n/)
  for (let i = 1; i <= 6; i++) change(`task-${i}`)
  await clock.advance(100)
  assert.match((await reading.next()).value, /^event: end\ndata: {"reason":"slow_consumer"/)
  assert.equal((await reading.next()).done, true)

  const again = hub.open({ ...everything, lastEventId: '1' }, leave.signal, () => {})
  assert.ok(again.ok)
  const resumed = again.parts[Symbol.asyncIterator]()
  await resumed.next()
  for (let i = 1; i <= 6; i++) assert.match((await resumed.next()).value, new RegExp(`"id":"task-${i}"`))
  leave.abort()
  assert.equal((await resumed.next()).done, true)
})

test('a change that comes while the snapshot is told is told after it; a task that vanishes is said to', async () => {
  const clock = manualClock()
  const { hub, change, remove } = world(clock, {})
  for (let i = 0; i < 250; i++) change(`task-${i}`)
  const leave = new AbortController()
  const opened = hub.open({ ...everything, snapshot: true }, leave.signal, () => {})
  assert.ok(opened.ok)
  const reading = opened.parts[Symbol.asyncIterator]()
  async function next(): Promise<string> {
    const { value, done } = await reading.next()
    assert.ok(!done, 'it has ended')
    return value
  }
  await next()
  assert.match(await next(), /^event: reset\nid:\ndata: {"reason":"asked_for"}\n\n$/)
  let told = await next()
  change('task-7')
  await clock.advance(100)
  while (!told.includes('event: live')) told += await next()
  assert.equal(told.match(/^event: task$/gm)?.length, 250)
  assert.doesNotMatch(told, /^id/m, 'nobody resumes in the middle of a snapshot')
  assert.match(await next(), /^event: task\nid: 251\ndata: {"id":"task-7"/)
  remove('task-7')
  await clock.advance(100)
  assert.match(await next(), /^event: removed\nid: 251\ndata: {"id":"task-7","task_id":"task-7"}/)
  leave.abort()
})

test('when nothing happens a comment keeps the connection alive; when nobody listens for a while nothing is kept up', async () => {
  const clock = manualClock()
  const { hub, change, listening } = world(clock, {})
  const leave = new AbortController()
  const opened = hub.open(everything, leave.signal, () => {})
  assert.ok(opened.ok)
  const reading = opened.parts[Symbol.asyncIterator]()
  await reading.next()
  change('one')
  await clock.advance(100)
  await reading.next()
  const silent = reading.next()
  await clock.advance(15_000)
  assert.equal((await silent).value, ': still here\n\n')
  const waiting = reading.next()
  leave.abort()
  await waiting
  await settled()
  assert.equal(listening(), 1, 'kept up for those who come back')
  await clock.advance(300_000)
  assert.equal(listening(), 0)
  const later = hub.open({ ...everything, lastEventId: '1' }, new AbortController().signal, () => {})
  assert.ok(later.ok)
  const first = later.parts[Symbol.asyncIterator]()
  await first.next()
  assert.match((await first.next()).value, /^event: reset\nid:\ndata: {"reason":"unknown_id"}/)
})

test('beyond so many listeners the next is told to come back', () => {
  const { hub } = world(manualClock(), { readers: 1 })
  const { signal } = new AbortController()
  assert.ok(hub.open(everything, signal, () => {}).ok)
  const second = hub.open(everything, signal, () => {})
  assert.deepEqual(second.ok ? null : [second.refusal.code, second.refusal.retryAfterSeconds], ['overloaded', 5])
})
