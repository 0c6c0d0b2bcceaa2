// The judge of load runs, held to a planted breach of every promise: what it cannot see it cannot promise.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge, promiseTable, requestTable } from './judge.ts'
import type { Answered, Loaded, Seen } from './model.ts'

const answered = (more: Partial<Answered>): Answered => ({
  phase: 'load',
  kind: 'assignment',
  status: 202,
  code: '',
  ms: 5,
  retryAfter: false,
  ...more,
})
const later = (code: string, phase: Answered['phase']) =>
  answered({ phase, status: code === 'overloaded' ? 503 : 429, code, retryAfter: true })

/** A run that kept everything, spoiled by `spoil`. */
function broken(spoil: (loaded: Loaded, seen: Seen) => void): string[] {
  const loaded: Loaded = {
    answered: [
      answered({ phase: 'idle' }),
      answered({}),
      later('at_capacity', 'load'),
      later('overloaded', 'storm'),
      answered({ kind: 'malformed', status: 422, code: 'invalid_request' }),
      answered({ kind: 'aborted', status: 0, code: 'TimeoutError' }),
      answered({ phase: 'recovery' }),
    ],
    tasks: { a: [202, 202], b: [429, 429], c: [0] },
    slow: [{ part: 'headers', seconds: 11, status: 408 }],
    reconnects: 0,
    latestMs: 3,
  }
  const seen: Seen = {
    jobs: { a: 1, c: 1 },
    pods: { a: 1, c: 1 },
    verdicts: { a: { ids: 1, type: 'task_completed', verified: true }, c: { ids: 1, type: 'task_completed', verified: true } },
    residentMb: Array.from({ length: 90 }, () => 100),
    connectionsMost: 10,
    exitCode: 0,
    settledSeconds: 1,
  }
  spoil(loaded, seen)
  const promised = judge(loaded, seen, { latency: true })
  assert.ok(promiseTable(promised).length > 0 && requestTable(loaded).length > 0)
  return promised.filter(({ kept }) => !kept).map(({ name }) => name)
}

const rows: [breach: string, spoil: (loaded: Loaded, seen: Seen) => void, expected: RegExp | null][] = [
  ['none', () => {}, null],
  ['an accepted task without a verdict', (_, seen) => void delete seen.verdicts.a, /nothing accepted is lost/],
  [
    'nothing was accepted at all',
    (loaded) => {
      loaded.tasks.a = [429]
    },
    /nothing accepted is lost|what is refused/,
  ],
  [
    'a second Pod',
    (_, seen) => {
      seen.pods.a = 2
    },
    /no task runs twice/,
  ],
  [
    'a second Job of one whose answer was lost',
    (_, seen) => {
      seen.jobs.c = 2
    },
    /no task runs twice/,
  ],
  [
    'two ids',
    (_, seen) => {
      seen.verdicts.a = { ids: 2, type: 'task_completed', verified: true }
    },
    /one verdict a task/,
  ],
  [
    'a wrong verdict',
    (_, seen) => {
      seen.verdicts.a = { ids: 1, type: 'task_failed', verified: true }
    },
    /one verdict a task/,
  ],
  [
    'a signature that does not verify',
    (_, seen) => {
      seen.verdicts.a = { ids: 1, type: 'task_completed', verified: false }
    },
    /one verdict/,
  ],
  [
    'a refused task that runs',
    (_, seen) => {
      seen.jobs.b = 1
    },
    /what is refused runs nothing/,
  ],
  ['a 500', (loaded) => void loaded.answered.push(answered({ status: 500 })), /every answer is one/],
  ['a malformed request that is taken', (loaded) => void loaded.answered.push(answered({ kind: 'malformed' })), /every answer is one/],
  [
    'an assignment without an answer',
    (loaded) => void loaded.answered.push(answered({ status: 0, code: 'ECONNRESET' })),
    /every answer is one/,
  ],
  ['a 429 that does not say when', (loaded) => void loaded.answered.push(answered({ status: 429 })), /when to come back/],
  [
    'no overload',
    (loaded) => {
      loaded.answered = loaded.answered.filter(({ code }) => code !== 'overloaded')
    },
    /it was an overload/,
  ],
  ['a slow connection that lives on', (loaded) => void loaded.slow.push({ part: 'headers', seconds: 60, status: 0 }), /slow connections/],
  ['refusals after the load', (loaded) => void loaded.answered.push(later('at_capacity', 'recovery')), /it recovers/],
  [
    'an exit code',
    (_, seen) => {
      seen.exitCode = 1
    },
    /SIGTERM/,
  ],
  ['slow answers', (loaded) => void loaded.answered.push(answered({ ms: 106 })), /p99/],
  [
    'memory that grows',
    (_, seen) => {
      seen.residentMb = seen.residentMb.map((mb, second) => mb + second * 2)
    },
    /memory is flat/,
  ],
]
for (const [breach, spoil, expected] of rows) {
  test(`seen in a load run: ${breach}`, () => {
    const found = broken(spoil)
    if (expected === null) assert.deepEqual(found, [])
    else assert.ok(found.length > 0 && found.every((name) => expected.test(name)), JSON.stringify(found))
  })
}
