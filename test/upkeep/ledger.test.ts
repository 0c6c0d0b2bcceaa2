// The dedupe ledger: its lines, its window, its bound, and what becomes of it when writing fails or two leaders write at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { KubeObject, KubeResult } from '../../src/model/kube-api.ts'
import {
  createLedger,
  digestSummary,
  entryLine,
  type LedgerEntry,
  ledgerKey,
  parseEntries,
  projectSegment,
} from '../../src/upkeep/ledger.ts'
import { createLedgerWriter } from '../../src/upkeep/ledger-writer.ts'

const NOW_SECONDS = 1_800_000_000
const HOUR = 3_600

function entry(key: string, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return { key, digest: 'AbC-_01234', schema: '1', kind: 'completed', closedSeconds: NOW_SECONDS, ...more }
}

/** Replicas over one set of ConfigMaps, which each sees as soon as they change. `refuse` is the status that writes get. */
function world(options: { segmentEntries?: number; limit?: number; windowSeconds?: number } = {}) {
  const { segmentEntries = 4, limit = 100, windowSeconds = 75 * HOUR } = options
  const objects = new Map<string, { metadata: { name: string; uid: string; resourceVersion: string }; data: Record<string, string> }>()
  const replicas: { put: (raw: unknown) => void; remove: (name: string) => void }[] = []
  const requests: string[] = []
  const state = { nowMs: NOW_SECONDS * 1000, refuse: 0, version: 0, watching: true, closed: new Map<string, number>() }
  const refused = (status: number): KubeResult<never> => ({
    ok: false,
    error: { status, reason: 'Refused', message: `status ${status}`, retryAfterMs: null, retryable: true, outcomeUnknown: false },
  })
  function store(name: string, data: Record<string, string>): KubeResult<KubeObject> {
    const object = { metadata: { name, uid: name, resourceVersion: String(++state.version) }, data }
    objects.set(name, object)
    for (const replica of state.watching ? replicas : []) replica.put(object)
    return { ok: true, value: structuredClone(object) }
  }
  function replica(leads = true) {
    const timers: { atMs: number; run: () => void }[] = []
    const clock = {
      now: () => state.nowMs,
      after(delayMs: number, run: () => void) {
        const timer = { atMs: state.nowMs + delayMs, run }
        timers.push(timer)
        return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0)
      },
    }
    const metrics = createMetrics()
    const common = { clock, metrics, log: createLog({ level: 'silent', workerId: 'w' }) }
    const ledger = createLedger(common, { windowSeconds, limit })
    replicas.push({ put: (raw) => ledger.put(projectSegment(raw)), remove: ledger.remove })
    const writer = createLedgerWriter(
      {
        ...common,
        ledger,
        mayWrite: () => leads,
        project: projectSegment,
        async patch(name, patch) {
          requests.push(`patch ${name}`)
          if (state.refuse) return refused(state.refuse)
          const closed = state.closed.get(name)
          if (closed !== undefined) return refused(closed)
          const known = objects.get(name)
          return known ? store(name, { ...known.data, ...(patch as { data: Record<string, string> }).data }) : refused(404)
        },
        async create(raw) {
          const { metadata, data } = raw as { metadata: { name: string }; data: Record<string, string> }
          requests.push(`create ${metadata.name}`)
          if (state.refuse) return refused(state.refuse)
          return objects.has(metadata.name) ? refused(409) : store(metadata.name, data)
        },
        async remove(name) {
          requests.push(`delete ${name}`)
          objects.delete(name)
          for (const each of replicas) each.remove(name)
          return { ok: true, value: null }
        },
      },
      { baseName: 'ledger', labels: {}, windowSeconds, limit, segmentEntries },
    )
    return { ledger, writer, metrics, timers }
  }
  return { state, objects, requests, replica }
}

test('an entry is the same after it was written and read', () => {
  for (const kind of ['completed', 'failed', 'cancelled'] as const) {
    const written = entry('abcdefgh234567ab', { kind })
    assert.deepEqual(parseEntries(entryLine(written)), [written])
  }
})

const lines: [line: string, count: number][] = [
  ['', 0],
  ['abc AbC-_01234 1 c zzz', 1],
  ['abc AbC-_01234 2 x zzz', 1],
  ['abc AbC-_01234 1 q zzz', 0],
  ['abc AbC-_01234 1 c', 0],
  ['# a note of a newer version', 0],
  ['abc AbC-_01234 1 c zzz\nnonsense\ndef AbC-_01234 1 f zzz', 2],
]
for (const [line, count] of lines) {
  test(`${JSON.stringify(line)} holds ${count} entries`, () => assert.equal(parseEntries(line).length, count))
}

test('the key is what makes a Job’s name unique; the digest does not depend on the order of fields', () => {
  assert.equal(ledgerKey('task-fix-the-build-abcdefgh234567ab'), 'abcdefgh234567ab')
  assert.equal(digestSummary({ a: '1', b: '2' }), digestSummary({ b: '2', a: '1' }))
  assert.notEqual(digestSummary({ a: '1', b: '2' }), digestSummary({ a: '2', b: '1' }))
})

test('what was closed is known at once, and after it was written on every replica', async () => {
  const { replica, requests } = world()
  const [leader, follower] = [replica(), replica(false)]
  leader.writer.note(entry('a'), null)
  assert.equal(leader.ledger.find('task-x-a')?.key, 'a')
  assert.equal(follower.ledger.find('task-x-a'), null)
  await leader.writer.flush()
  assert.equal(follower.ledger.find('task-x-a')?.key, 'a')
  assert.deepEqual(requests, ['patch ledger-1', 'create ledger-1'])
  leader.writer.note(entry('a'), null)
  await leader.writer.flush()
  assert.equal(requests.length, 2, 'nothing is written twice')
})

test('many tasks are one write', async () => {
  const { replica, requests } = world({ segmentEntries: 1_000, limit: 10_000 })
  const { writer } = replica()
  for (let index = 0; index < 300; index++) writer.note(entry(`${'k'.repeat(index + 1)}`), null)
  await writer.flush()
  assert.deepEqual(requests, ['patch ledger-1', 'create ledger-1'])
})

test('it is written before the Job may go: soon when that is soon, else with others', () => {
  const { replica, state } = world()
  const soon = replica()
  soon.writer.note(entry('a'), state.nowMs + 1_000)
  assert.equal(soon.timers.at(-1)?.atMs, state.nowMs + 500)
  const late = replica()
  late.writer.note(entry('b'), state.nowMs + 24 * HOUR * 1000)
  assert.equal(late.timers.at(-1)?.atMs, state.nowMs + 300_000)
})

test('a replica that does not lead writes nothing, and forgets nothing', async () => {
  const { replica, requests } = world()
  const follower = replica(false)
  follower.writer.note(entry('a'), null)
  await follower.writer.flush()
  assert.deepEqual(requests, [])
  assert.ok(follower.ledger.has('a'))
})

for (const status of [403, 409, 500, 0]) {
  test(`a write that fails with ${status} is counted and tried again; meanwhile this replica knows`, async () => {
    const { replica, state, objects } = world()
    const { writer, ledger, metrics, timers } = replica()
    state.refuse = status
    if (status === 0) state.refuse = 599
    writer.note(entry('a'), null)
    await writer.flush()
    assert.ok(ledger.has('a'))
    assert.equal((await metrics.dedupeErrors.get()).values[0]?.value, 1)
    assert.ok(timers.some(({ atMs }) => atMs > state.nowMs))
    state.refuse = 0
    await writer.flush()
    assert.equal(objects.size, 1)
  })
}

test('two leaders at once, as can be for a moment, lose nothing of each other’s', async () => {
  const { replica, objects } = world()
  const [one, two] = [replica(), replica()]
  one.writer.note(entry('a'), null)
  two.writer.note(entry('b'), null)
  await Promise.all([one.writer.flush(), two.writer.flush()])
  const known = [...objects.values()].flatMap(({ data }) => Object.values(data).flatMap(parseEntries)).map(({ key }) => key)
  assert.deepEqual(known.sort(), ['a', 'b'])
})

for (const [status, why] of [
  [413, 'too large for a request'],
  [422, 'too large for an object, or immutable'],
] as const) {
  test(`a segment that takes no more (${status}, ${why}) is left for the next one; nothing is lost, on any replica`, async () => {
    const { replica, state, objects, requests } = world()
    const [leader, follower] = [replica(), replica(false)]
    leader.writer.note(entry('a'), null)
    await leader.writer.flush()
    state.closed.set('ledger-1', status)
    leader.writer.note(entry('b'), null)
    await leader.writer.flush()
    await leader.writer.flush()
    leader.writer.note(entry('c'), null)
    await leader.writer.flush()
    assert.deepEqual(requests, [
      'patch ledger-1',
      'create ledger-1',
      'patch ledger-1',
      'patch ledger-2',
      'create ledger-2',
      'patch ledger-2',
    ])
    assert.equal(objects.size, 2)
    for (const { ledger } of [leader, follower])
      assert.deepEqual(
        ['a', 'b', 'c'].map((key) => ledger.find(`task-x-${key}`)?.key),
        ['a', 'b', 'c'],
      )
    const next = replica()
    for (const object of objects.values()) next.ledger.put(projectSegment(object))
    next.writer.note(entry('d'), null)
    await next.writer.flush()
    assert.equal(requests.at(-1), 'patch ledger-2', 'another leader goes on where this one was')
  })
}

test('what was written and deleted again before the watch showed it is written again', async () => {
  const { replica, state, objects } = world()
  const { writer, ledger, timers } = replica()
  state.watching = false
  writer.note(entry('a'), null)
  await writer.flush()
  objects.clear()
  await writer.flush()
  assert.equal(objects.size, 0, 'a watch that is behind is no reason to write twice')
  state.watching = true
  state.nowMs += 60_000
  assert.ok(timers.some(({ atMs }) => atMs <= state.nowMs))
  await writer.flush()
  assert.deepEqual([...objects.keys()], ['ledger-1'])
  assert.equal(ledger.unwrittenCount(), 0)
})

test('beyond the limit the oldest go, a segment at a time; the gauge shows the window that is left', async () => {
  const { replica, state, objects } = world({ segmentEntries: 2, limit: 4 })
  const { writer, ledger, metrics } = replica()
  for (const [index, key] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    state.nowMs = (NOW_SECONDS + index * HOUR) * 1000
    writer.note(entry(key, { closedSeconds: NOW_SECONDS + index * HOUR }), null)
    await writer.flush()
  }
  assert.deepEqual([...objects.keys()], ['ledger-2', 'ledger-3'])
  assert.deepEqual([ledger.has('a'), ledger.has('b'), ledger.has('c'), ledger.has('f')], [false, false, true, true])
  ledger.count()
  assert.equal((await metrics.dedupeEntries.get()).values[0]?.value, 4)
  assert.equal((await metrics.dedupeWindowSeconds.get()).values[0]?.value, 3 * HOUR)
})

test('what finished longer ago than the window is not known any more, and its segment goes', async () => {
  const { replica, state, objects } = world({ segmentEntries: 1, windowSeconds: HOUR })
  const { writer, ledger } = replica()
  writer.note(entry('a'), null)
  await writer.flush()
  state.nowMs += 2 * HOUR * 1000
  assert.equal(ledger.find('task-a'), null)
  writer.note(entry('b', { closedSeconds: NOW_SECONDS + 2 * HOUR }), null)
  await writer.flush()
  assert.deepEqual([...objects.keys()], ['ledger-2'])
})

test('memory is bounded also when nothing can be written', () => {
  const { replica } = world({ limit: 10 })
  const { writer, ledger } = replica(false)
  for (let index = 0; index < 1_000; index++) writer.note(entry('k'.repeat(index + 1)), null)
  assert.equal(ledger.unwrittenCount(), 10)
})
