// The reflector against a scripted API: whatever goes wrong, the store ends up equal to the API, and nothing stops it for good.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { afterEach, test } from 'node:test'
import { createReflector, type Reflector, type ReflectorSource } from '../../src/informer/reflector.ts'
import { type Change, createStore, type Store } from '../../src/informer/store.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { KubeError, KubeResult, ListPage } from '../../src/model/kube-api.ts'
import { until } from '../support/wait.ts'

interface Thing {
  name: string
  uid: string
  resourceVersion: string
}

type Raw = { metadata: Thing }
const raw = (name: string, resourceVersion: number, uid = `uid-${name}`): Raw => ({
  metadata: { name, uid, resourceVersion: String(resourceVersion) },
})
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`
const failed = (status: number, more: Partial<KubeError> = {}): { ok: false; error: KubeError } => ({
  ok: false,
  error: { status, reason: '', message: `status ${status}`, retryAfterMs: null, retryable: true, outcomeUnknown: false, ...more },
})
const page = (items: unknown[], resourceVersion: number, continueToken: string | null = null): KubeResult<ListPage> => ({
  ok: true,
  value: { items, resourceVersion: String(resourceVersion), continueToken },
})

/** A watch that sends these chunks and then stays open until it is aborted (or ends at once). */
function watchOf(chunks: (string | Buffer)[], after: 'open' | 'end' | 'error' = 'open'): (signal: AbortSignal) => KubeResult<Readable> {
  return (signal) => {
    const body = new Readable({ read() {} })
    for (const chunk of chunks) body.push(chunk)
    if (after === 'end') body.push(null)
    if (after === 'error') setImmediate(() => body.destroy(new Error('socket hang up')))
    signal.addEventListener('abort', () => body.destroy(new Error('aborted')), { once: true })
    return { ok: true, value: body }
  }
}

let current: { reflector: Reflector } | null = null
afterEach(async () => {
  await current?.reflector.stop()
  current = null
})

function start(script: {
  lists: (KubeResult<ListPage> | (() => never))[]
  watches: ((signal: AbortSignal) => KubeResult<Readable>)[]
  now?: () => number
}): {
  store: Store<Thing>
  changes: string[]
  asked: { lists: (string | null)[]; watches: string[] }
  reflector: Reflector
} {
  const asked = { lists: [] as (string | null)[], watches: [] as string[] }
  const changes: string[] = []
  const store = createStore<Thing>((change: Change<Thing>) =>
    changes.push(`${change.type} ${change.object.name}@${change.object.resourceVersion}`),
  )
  const source: ReflectorSource = {
    async list({ continueToken }) {
      const next = script.lists[Math.min(asked.lists.length, script.lists.length - 1)]
      asked.lists.push(continueToken)
      if (typeof next === 'function') next()
      return next as KubeResult<ListPage>
    },
    async watch({ resourceVersion }, signal) {
      const next = script.watches[Math.min(asked.watches.length, script.watches.length - 1)]
      asked.watches.push(resourceVersion)
      return next ? next(signal) : failed(500)
    },
  }
  const reflector = createReflector(
    {
      source,
      store,
      project: (object) => (object as Raw).metadata,
      clock: { ...systemClock, ...(script.now ? { now: script.now } : {}) },
      log: createLog({ level: 'silent', workerId: 'test' }),
      metrics: createMetrics(),
    },
    { resource: 'things', pageSize: 2, backoff: { baseMs: 5, capMs: 20 } },
  )
  reflector.start()
  current = { reflector }
  return { store, changes, asked, reflector }
}

const names = (store: Store<Thing>): string[] => [...store.values()].map((thing) => `${thing.name}@${thing.resourceVersion}`).sort()

test('a paged list is applied whole, then watched from the list’s version', async () => {
  const { store, asked, reflector } = start({
    lists: [page([raw('a', 1), raw('b', 2)], 7, 'next'), page([raw('c', 3)], 7)],
    watches: [watchOf([])],
  })
  await until('watching', () => asked.watches.length === 1)
  assert.deepEqual(names(store), ['a@1', 'b@2', 'c@3'])
  assert.deepEqual(asked, { lists: [null, 'next'], watches: ['7'] })
  await until('fresh', () => reflector.status().synced && reflector.status().staleMs === 0)
})

test('events split anywhere, also inside a character, are applied in order', async () => {
  const text = Buffer.from(line('ADDED', raw('ä', 2)) + line('MODIFIED', raw('ä', 3)) + line('DELETED', raw('b', 4)))
  const pieces = Array.from({ length: text.length }, (_, index) => text.subarray(index, index + 1))
  const { store, changes } = start({ lists: [page([raw('b', 1)], 1)], watches: [watchOf(pieces)] })
  await until('three events', () => changes.length === 4)
  assert.deepEqual(changes, ['added b@1', 'added ä@2', 'updated ä@3', 'deleted b@4'])
  assert.deepEqual(names(store), ['ä@3'])
})

test('a 410 in the middle of a paged list starts the list over', async () => {
  const { store, asked } = start({ lists: [page([raw('a', 1)], 5, 'old'), failed(410), page([raw('a', 6)], 9)], watches: [watchOf([])] })
  await until('watching', () => asked.watches.length === 1)
  assert.deepEqual(asked.lists, [null, 'old', null])
  assert.deepEqual(names(store), ['a@6'])
})

for (const [how, watch] of [
  ['as a status', () => failed(410)],
  ['as an ERROR event', watchOf([line('ERROR', { kind: 'Status', code: 410, message: 'too old' })])],
] as const) {
  test(`an expired watch (410 ${how}) lists again, and what vanished meanwhile is deleted`, async () => {
    const { store, changes, asked } = start({
      lists: [page([raw('a', 1), raw('b', 2)], 5), page([raw('b', 2)], 9)],
      watches: [watch, watchOf([])],
    })
    await until('watching again', () => asked.watches.length === 2)
    assert.deepEqual(names(store), ['b@2'])
    assert.deepEqual(changes, ['added a@1', 'added b@2', 'deleted a@1'])
    assert.deepEqual(asked.watches, ['5', '9'])
  })
}

test('a watch that ends is taken up from the last version seen, without a list', async () => {
  const { asked } = start({
    lists: [page([], 5)],
    watches: [watchOf([line('ADDED', raw('a', 8)), line('BOOKMARK', { metadata: { resourceVersion: '20' } })], 'end'), watchOf([])],
  })
  await until('watching again', () => asked.watches.length === 2)
  assert.deepEqual(asked, { lists: [null], watches: ['5', '20'] })
})

const badEnds: [string, (signal: AbortSignal) => KubeResult<Readable>][] = [
  ['a broken connection', watchOf([line('ADDED', raw('a', 8))], 'error')],
  ['a line cut in half', watchOf([line('ADDED', raw('a', 8)), '{"type":"ADD'], 'end')],
  ['a line that is no JSON', watchOf([line('ADDED', raw('a', 8)), 'oops\n'])],
  ['an ERROR event of another kind', watchOf([line('ADDED', raw('a', 8)), line('ERROR', { code: 500, message: 'etcd' })])],
]
for (const [what, watch] of badEnds) {
  test(`${what} loses nothing: the watch is opened again after the last applied event`, async () => {
    const { store, asked } = start({ lists: [page([], 5)], watches: [watch, watchOf([line('ADDED', raw('b', 9))])] })
    await until('both there', () => store.size() === 2)
    assert.deepEqual(asked, { lists: [null], watches: ['5', '8'] })
  })
}

test('refused, throttled and throwing lists are tried again until one succeeds', async () => {
  const boom = (): never => {
    throw new Error('a bug in the client')
  }
  const { store, asked, reflector } = start({
    lists: [failed(0), failed(429, { retryAfterMs: 10 }), failed(403), boom, page([raw('a', 1)], 3)],
    watches: [watchOf([])],
  })
  await until('synced', () => store.size() === 1)
  assert.equal(asked.lists.length, 5)
  await until('no error any more', () => reflector.status().lastError === null)
})

test('a watch that is closed at once, for ever, is backed off from and shown as stale, not spun on', async () => {
  const { asked, reflector } = start({ lists: [page([], 5)], watches: [watchOf([], 'end')] })
  await until('several tries', () => asked.watches.length >= 6)
  assert.equal(asked.lists.length, 1)
  assert.equal(reflector.status().lastError, 'watch closed at once')
})

test('a storm of 410 is backed off from, list after list, and over with the first watch that holds', async () => {
  const { store, asked, reflector } = start({
    lists: [page([raw('a', 1)], 5), page([raw('b', 6)], 9)],
    watches: [...Array.from({ length: 5 }, () => () => failed(410)), watchOf([])],
  })
  await until('several tries', () => asked.watches.length >= 3)
  await until('watching', () => asked.watches.length === 6)
  assert.equal(asked.lists.length, 6)
  assert.deepEqual(names(store), ['b@6'])
  await until('fresh', () => reflector.status().staleMs === 0)
})

test('a watch that is open and says nothing is taken for fresh as long as bookmarks explain it, and shown as stale from then on', async () => {
  let lateByMs = 0
  const { asked, reflector } = start({ lists: [page([], 5)], watches: [watchOf([])], now: () => Date.now() + lateByMs })
  await until('watching', () => asked.watches.length === 1)
  await until('fresh', () => reflector.status().synced && reflector.status().staleMs === 0)
  lateByMs = 60_000
  assert.equal(reflector.status().staleMs, 0)
  lateByMs = 120_000
  assert.ok(reflector.status().staleMs >= 120_000)
})

test('an object that cannot be read is left out and the next ones are applied', async () => {
  const { store } = start({ lists: [page([null, raw('a', 1)], 5)], watches: [watchOf([line('ADDED', null), line('ADDED', raw('b', 9))])] })
  await until('both good ones', () => store.size() === 2)
})

test('a new object under an old name is a deletion and an addition; a late DELETED of the old one is ignored', () => {
  const changes: string[] = []
  const store = createStore<Thing>((change) => changes.push(`${change.type} ${change.object.uid}`))
  store.put({ name: 'a', uid: 'one', resourceVersion: '1' })
  store.put({ name: 'a', uid: 'two', resourceVersion: '2' })
  store.remove({ name: 'a', uid: 'one', resourceVersion: '3' })
  store.put({ name: 'a', uid: 'two', resourceVersion: '2' })
  assert.deepEqual(changes, ['added one', 'deleted one', 'added two'])
  assert.equal(store.get('a')?.uid, 'two')
})
