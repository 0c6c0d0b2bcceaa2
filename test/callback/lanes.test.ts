// How many deliveries an origin gets at once, and when it is held back; with a clock that stands still until it is moved.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLanes } from '../../src/callback/lanes.ts'

const ORIGIN = 'https://slow.example'

function world(atOnce: number) {
  let nowMs = 0
  let timers: { atMs: number; run: () => void }[] = []
  const woken: string[] = []
  const clock = {
    now: () => nowMs,
    after(delayMs: number, run: () => void) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
  }
  const lanes = createLanes({ clock, wake: (key) => woken.push(key) }, { atOnce })
  return {
    lanes,
    woken,
    pass(ms: number) {
      const endMs = nowMs + ms
      for (;;) {
        const next = timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        timers = timers.filter((timer) => timer !== next)
        nowMs = next.atMs
        next.run()
      }
      nowMs = endMs
    },
    enter(key: string, origin = ORIGIN) {
      const admitted = lanes.enter(origin, key)
      assert.ok(admitted.ok, `${key} gets in`)
      return admitted
    },
    refused: (key: string) => !lanes.enter(ORIGIN, key).ok,
    fail(times: number) {
      for (let index = 0; index < times; index++) this.enter(`failing-${index}`).leave('failed')
    },
  }
}

test('a full lane turns others away and wakes them in order as places get free', () => {
  const { enter, refused, woken } = world(2)
  const [a, b] = [enter('a'), enter('b')]
  assert.ok(refused('c') && refused('d') && refused('e'))
  a.leave('answered')
  assert.deepEqual(woken, ['c'])
  const c = enter('c')
  b.leave('answered')
  c.leave('answered')
  assert.deepEqual(woken, ['c', 'd', 'e'])
})

test('a full lane is no matter to another origin', () => {
  const { enter, refused } = world(1)
  enter('a')
  assert.ok(refused('b'))
  enter('b', 'https://other.example')
})

test('a woken key that does not come leaves its place to the next', () => {
  const { enter, refused, woken, pass } = world(1)
  const a = enter('a')
  assert.ok(refused('gone') && refused('next'))
  a.leave('answered')
  assert.deepEqual(woken, ['gone'])
  pass(1_000)
  assert.deepEqual(woken, ['gone', 'next'])
})

test('asking for room beforehand registers as entering does', () => {
  const { lanes, enter, woken } = world(1)
  assert.equal(lanes.hasRoom(ORIGIN, 'a'), true)
  const a = enter('a')
  assert.equal(lanes.hasRoom(ORIGIN, 'b'), false)
  a.leave('answered')
  assert.deepEqual(woken, ['b'])
})

test('five failures in a row hold the origin back; after a pause a few may try; an answer lets all in again', () => {
  const world8 = world(8)
  const { lanes, refused, woken, pass, enter } = world8
  world8.fail(5)
  assert.equal(lanes.openCircuits(), 1)
  assert.ok(refused('a') && refused('b') && refused('c'))
  pass(500)
  assert.deepEqual(woken.slice(0, 2), ['a', 'b'])
  const [a, b] = [enter('a'), enter('b')]
  assert.ok(refused('c'), 'only a quarter of the places')
  a.leave('answered')
  assert.equal(lanes.openCircuits(), 0)
  assert.ok(woken.includes('c'))
  b.leave('failed')
  assert.equal(lanes.openCircuits(), 0, 'one that began while it was held back says nothing of now')
})

test('each failed try doubles the pause, up to five seconds: a report is never held back for longer', () => {
  const world8 = world(8)
  const { refused, pass, enter } = world8
  world8.fail(5)
  for (const pauseMs of [500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
    pass(pauseMs - 1)
    assert.ok(refused('a'), `still held back after ${pauseMs - 1} ms`)
    pass(1)
    enter('a').leave('failed')
  }
})

test('answers in between, and attempts that we broke off ourselves, do not hold an origin back', () => {
  const { lanes, enter, ...others } = world(8)
  for (let index = 0; index < 4; index++) enter('x').leave('failed')
  enter('x').leave('answered')
  for (let index = 0; index < 20; index++) enter('x').leave('unknown')
  for (let index = 0; index < 4; index++) enter('x').leave('failed')
  assert.equal(lanes.openCircuits(), 0)
  assert.deepEqual(others.woken, [])
})
