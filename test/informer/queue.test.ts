// The work queue: one worker a key, nothing lost, delays kept, errors retried.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDeadlineHeap, createWorkQueue } from '../../src/informer/queue.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { until } from '../support/wait.ts'

function manualClock(): Clock & { advance(ms: number): void } {
  let nowMs = 1_000_000
  let pending: { atMs: number; run: () => void }[] = []
  return {
    now: () => nowMs,
    after(delayMs, run) {
      const entry = { atMs: nowMs + delayMs, run }
      pending.push(entry)
      return () => {
        pending = pending.filter((other) => other !== entry)
      }
    },
    advance(ms) {
      nowMs += ms
      const due = pending.filter((entry) => entry.atMs <= nowMs)
      pending = pending.filter((entry) => entry.atMs > nowMs)
      for (const entry of due) entry.run()
    },
  }
}

test('a key is never worked on by two workers, and a change during the work runs it once more', async () => {
  let inside = 0
  let runs = 0
  const gates: (() => void)[] = []
  const queue = createWorkQueue(
    {
      clock: systemClock,
      onError: () => {},
      work: async () => {
        assert.equal(++inside, 1)
        runs++
        await new Promise<void>((resolve) => gates.push(resolve))
        inside--
        return undefined
      },
    },
    { concurrency: 8 },
  )
  queue.add('a')
  queue.add('a')
  queue.add('a')
  gates.shift()?.()
  await until('second run', () => runs === 2)
  gates.shift()?.()
  await queue.idle()
  assert.equal(runs, 2)
})

test('different keys run side by side up to the bound', async () => {
  let inside = 0
  let most = 0
  const queue = createWorkQueue(
    {
      clock: systemClock,
      onError: () => {},
      work: async () => {
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setImmediate(resolve))
        inside--
        return undefined
      },
    },
    { concurrency: 3 },
  )
  for (let index = 0; index < 50; index++) queue.add(`key-${index}`)
  await queue.idle()
  assert.equal(most, 3)
})

test('a key that fails is tried again with growing delay until it succeeds', async () => {
  const clock = manualClock()
  const failures: number[] = []
  let runs = 0
  const queue = createWorkQueue(
    {
      clock,
      random: () => 1,
      onError: (_key, _error, count) => failures.push(count),
      work: async () => {
        if (++runs < 4) throw new Error('not yet')
        return undefined
      },
    },
    { concurrency: 1, backoff: { baseMs: 100, capMs: 1_000 } },
  )
  queue.add('a')
  for (const delayMs of [100, 200, 400]) {
    await queue.idle()
    clock.advance(delayMs)
  }
  await queue.idle()
  assert.equal(runs, 4)
  assert.deepEqual(failures, [1, 2, 3])
})

test('a key asked for later comes at its time, the earliest of several', async () => {
  const clock = manualClock()
  let runs = 0
  const queue = createWorkQueue({ clock, onError: () => {}, work: async () => void runs++ as undefined }, { concurrency: 1 })
  queue.addAt('a', clock.now() + 5_000)
  queue.addAt('a', clock.now() + 1_000)
  clock.advance(999)
  await queue.idle()
  assert.equal(runs, 0)
  clock.advance(1)
  await queue.idle()
  assert.equal(runs, 1)
})

test('the deadline heap gives keys in order, each once, at its earliest time', () => {
  const heap = createDeadlineHeap()
  for (const [key, atMs] of [
    ['c', 30],
    ['a', 10],
    ['b', 20],
    ['a', 25],
    ['b', 5],
  ] as const)
    heap.set(key, atMs)
  assert.equal(heap.nextAtMs(), 5)
  assert.deepEqual(heap.takeDue(20), ['b', 'a'])
  assert.deepEqual(heap.takeDue(100), ['c'])
  assert.equal(heap.nextAtMs(), null)
})
