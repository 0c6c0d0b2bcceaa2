// Time that does not jump with this machine's clock, and follows the API server's where the two differ.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSteadyClock } from '../../src/lib/steady-clock.ts'

const NOON_MS = Date.parse('2026-11-24T12:00:00Z')
const HOUR_MS = 3_600_000

/** A machine whose clock may be wrong, and an API server whose clock is right. */
function world(wrongByMs = 0) {
  const state = { elapsedMs: 0, wrongByMs }
  const clock = createSteadyClock({ now: () => NOON_MS + state.elapsedMs + state.wrongByMs, after: () => () => {} }, () => state.elapsedMs)
  const rightMs = (): number => NOON_MS + state.elapsedMs
  return {
    state,
    clock,
    rightMs,
    /** As a Date header: cut to seconds. */
    answer: (tookMs = 5) => clock.heard(Math.floor(rightMs() / 1000) * 1000, tookMs),
    offMs: () => clock.now() - rightMs(),
  }
}

for (const jumpMs of [HOUR_MS, -HOUR_MS, 24 * HOUR_MS]) {
  test(`a clock set by ${jumpMs / HOUR_MS} hours while the service runs changes nothing, before and after the next answer`, () => {
    const { state, answer, offMs } = world()
    state.elapsedMs = 1_234
    answer()
    state.wrongByMs = jumpMs
    assert.equal(offMs(), 0)
    state.elapsedMs += 30_000
    assert.equal(offMs(), 0)
    answer()
    assert.ok(Math.abs(offMs()) < 1_000)
  })

  test(`a clock that is wrong by ${jumpMs / HOUR_MS} hours from the start is put right by the first answer`, () => {
    const { state, answer, offMs } = world(jumpMs)
    assert.equal(offMs(), jumpMs)
    answer()
    assert.ok(Math.abs(offMs()) < 1_000)
    state.elapsedMs += 600_000
    assert.ok(Math.abs(offMs()) < 1_000)
  })
}

test('a clock that is right counts for itself, to the millisecond; also when it was set right again', () => {
  const { state, answer, offMs } = world(200)
  state.elapsedMs = 700
  answer()
  assert.equal(offMs(), 200)
  state.wrongByMs = HOUR_MS
  answer()
  state.wrongByMs = 0
  answer()
  assert.equal(offMs(), 0)
})

test('an answer that was long on its way sets no clock that it cannot prove wrong, and one that is wrong by far all the same', () => {
  const { state, clock, rightMs, offMs } = world()
  state.elapsedMs = 60_000
  clock.heard(rightMs() - 20_000, 20_000)
  assert.equal(offMs(), 0)
  const wrong = world(HOUR_MS)
  wrong.state.elapsedMs = 60_000
  assert.equal(wrong.clock.isKnown(), false)
  wrong.clock.heard(wrong.rightMs() - 20_000, 20_000)
  assert.ok(Math.abs(wrong.offMs()) <= 11_000)
  assert.equal(wrong.clock.isKnown(), true)
})
