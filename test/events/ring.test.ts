// The ring of the last events: what can be resumed, and that it is bounded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRing, type TaskEvent } from '../../src/events/ring.ts'

const event = (id: string, name: string, data = '{}'): TaskEvent => ({
  type: 'task',
  id,
  name,
  data,
  state: 'running',
  stateBefore: null,
  labels: {},
})
const names = (events: TaskEvent[] | null): string[] | null => events?.map(({ name }) => name) ?? null

test('what came after an id is given in order; ids are never compared: 9 may come after 10', () => {
  const ring = createRing({ events: 10, bytes: 1_000 })
  for (const [id, name] of [
    ['10', 'a'],
    ['9', 'b'],
    ['x/1', 'c'],
  ] as const)
    ring.push(event(id, name), 0)
  assert.deepEqual(names(ring.since('10')), ['b', 'c'])
  assert.deepEqual(names(ring.since('9')), ['c'])
  assert.deepEqual(ring.since('x/1'), [])
  assert.equal(ring.since('11'), null)
  assert.equal(ring.lastId(), 'x/1')
})

test('several events with one id: all but the first are given again, because the reader may have had only that', () => {
  const ring = createRing({ events: 10, bytes: 1_000 })
  for (const [id, name] of [
    ['1', 'a'],
    ['2', 'b'],
    ['2', 'b again'],
    ['3', 'c'],
  ] as const)
    ring.push(event(id, name), 0)
  assert.deepEqual(names(ring.since('2')), ['b again', 'c'])
})

test('what only a Pod told shortly before the id is given again: another replica may have told it later', () => {
  const ring = createRing({ events: 10, bytes: 1_000 })
  ring.push(event('1', 'a'), 0)
  ring.push(event('1', 'a long ago'), 0)
  ring.push(event('1', 'a just now'), 59_000)
  ring.push(event('2', 'b'), 60_000)
  ring.push(event('3', 'c'), 60_000)
  assert.deepEqual(names(ring.since('2')), ['a just now', 'c'])
})

test('it is bounded in events and in bytes; what has left it cannot be resumed', () => {
  const byCount = createRing({ events: 3, bytes: 1_000 })
  for (let id = 1; id <= 5; id++) byCount.push(event(String(id), `task ${id}`), 0)
  assert.equal(byCount.since('2'), null)
  assert.deepEqual(names(byCount.since('3')), ['task 4', 'task 5'])
  const byBytes = createRing({ events: 100, bytes: 25 })
  for (let id = 1; id <= 5; id++) byBytes.push(event(String(id), `task ${id}`, '0123456789'), 0)
  assert.equal(byBytes.since('3'), null)
  assert.deepEqual(names(byBytes.since('4')), ['task 5'])
})
