// Preflight in the background of the service: retried until it passes, then never again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { type CheckResult, createPreflightLoop } from '../../src/preflight/index.ts'
import { until } from '../support/wait.ts'

const passing: CheckResult = { name: 'api', status: 'ok', what: 'all is well', why: null, fix: null, blocking: false }
const blocking: CheckResult = { name: 'dry-run', status: 'failed', what: 'refused', why: 'because', fix: 'change it', blocking: true }
const lesser: CheckResult = { name: 'secrets', status: 'failed', what: 'weak', why: 'guessable', fix: 'jobhook keys', blocking: false }

/** A loop whose rounds are given, whose clock goes when told, and whose log is kept. */
function start(rounds: (CheckResult[] | Error)[], afterwards: CheckResult[] = []) {
  const waiting: { delayMs: number; run: () => void }[] = []
  const clock: Clock = {
    now: () => 0,
    after(delayMs, run) {
      const entry = { delayMs, run }
      waiting.push(entry)
      return () => waiting.splice(waiting.indexOf(entry), 1)
    },
  }
  const lines: string[] = []
  let done = 0
  const loop = createPreflightLoop({
    clock,
    log: createLog({ level: 'info', workerId: 'w', destination: { write: (line) => lines.push(line) } }),
    async run() {
      const round = rounds[Math.min(done, rounds.length - 1)] ?? []
      done++
      if (round instanceof Error) throw round
      return round
    },
    afterwards: async () => afterwards,
  })
  return {
    loop,
    waiting,
    rounds: () => done,
    log: () => lines.map((line) => JSON.parse(line) as { level: string; msg: string; fix?: string }),
    next: () => waiting.shift()?.run(),
  }
}

test('not ready before the first round is over, ready after it has passed, and one line says so', async () => {
  const { loop, log, rounds } = start([[passing]])
  assert.deepEqual(loop.status(), { ok: false, detail: 'still running' })
  loop.start()
  await until('passed', () => loop.status().ok)
  assert.deepEqual(loop.status(), { ok: true, detail: 'passed' })
  assert.deepEqual(
    log().map(({ level, msg }) => `${level} ${msg}`),
    ['info preflight passed'],
  )
  assert.equal(rounds(), 1)
})

test('what would fail every task keeps it from being ready, with the reason; one line a change, then it passes', async () => {
  const other: CheckResult = { ...blocking, what: 'another' }
  const { loop, log, waiting, next } = start([[passing, blocking], [blocking], [other], [passing]])
  loop.start()
  await until('failed', () => waiting.length === 1)
  assert.deepEqual(loop.status(), { ok: false, detail: 'refused: because' })
  for (let round = 0; round < 2; round++) {
    next()
    await until('failed again', () => waiting.length === 1)
  }
  assert.equal(loop.status().detail, 'another: because')
  next()
  await until('passed', () => loop.status().ok)
  assert.deepEqual(
    log().map(({ level, msg, fix }) => [level, msg.slice(0, 30), fix]),
    [
      ['error', 'preflight: refused: because (n', 'change it'],
      ['error', 'preflight: another: because (n', 'change it'],
      ['info', 'preflight passed', undefined],
    ],
  )
})

test('the waits between tries grow to half a minute and no further', async () => {
  const { loop, waiting, next } = start([[blocking]])
  const delays: number[] = []
  loop.start()
  for (let round = 0; round < 10; round++) {
    await until('waits', () => waiting.length === 1)
    delays.push(waiting[0]?.delayMs ?? 0)
    next()
  }
  assert.ok((delays[0] ?? 0) <= 1_000)
  assert.ok(delays.every((delay) => delay <= 30_000))
  assert.ok((delays.at(-1) ?? 0) >= 15_000)
})

test('a failure that does not fail every task is told once and does not keep it from being ready', async () => {
  const { loop, log } = start([[passing, lesser]], [{ ...lesser, name: 'preflight-job', what: 'the Job failed' }])
  loop.start()
  await until('told', () => log().length === 3)
  assert.equal(loop.status().ok, true)
  assert.deepEqual(
    log().map(({ level }) => level),
    ['warn', 'info', 'warn'],
  )
})

test('a bug in a check does not keep the service out', async () => {
  const { loop, log } = start([new Error('oops')])
  loop.start()
  await until('given up', () => loop.status().ok)
  assert.match(log()[0]?.msg ?? '', /could not be done: oops/)
})

test('after stop nothing is tried or told any more', async () => {
  const { loop, waiting, rounds, log } = start([[blocking]])
  loop.start()
  await until('waits', () => waiting.length === 1)
  loop.stop()
  assert.deepEqual([waiting.length, rounds(), log().length], [0, 1, 1])
  loop.start()
  assert.equal(rounds(), 1)
})
