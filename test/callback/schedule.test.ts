// When a verdict is tried again, and what an attempt makes of each answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMessageBuilder, DEFAULT_SCHEDULE_SECONDS, nextAttemptAtMs } from '../../src/callback/index.ts'
import type { Verdict } from '../../src/model/verdict.ts'

const NOW_MS = 1_000_000

test('the default schedule takes 27 h 35 min, give or take the jitter', () => {
  assert.equal(
    DEFAULT_SCHEDULE_SECONDS.reduce<number>((sum, gap) => sum + gap, 0),
    99_335,
  )
})

for (const [failures, gapSeconds] of [...DEFAULT_SCHEDULE_SECONDS].map((gap, index) => [index, gap] as const)) {
  test(`after ${failures} failed attempts the next comes ${gapSeconds} s later ± 20 %`, () => {
    for (const id of ['a', 'b', 'c']) {
      const delayMs = (nextAttemptAtMs(DEFAULT_SCHEDULE_SECONDS, failures, id, NOW_MS, null) ?? -1) - NOW_MS
      assert.ok(delayMs >= gapSeconds * 800 && delayMs <= gapSeconds * 1_200, `${delayMs} ms`)
    }
  })
}

test('the time is the same whoever computes it, and differs between messages', () => {
  const at = (id: string) => nextAttemptAtMs(DEFAULT_SCHEDULE_SECONDS, 4, id, NOW_MS, null)
  assert.equal(at('x'), at('x'))
  assert.notEqual(at('x'), at('y'))
})

test('Retry-After is honoured when it is later, not when it is sooner', () => {
  assert.equal(nextAttemptAtMs([0, 5], 1, 'x', NOW_MS, 60_000), NOW_MS + 60_000)
  assert.ok((nextAttemptAtMs([0, 5], 1, 'x', NOW_MS, 1) ?? 0) >= NOW_MS + 4_000)
})

test('past the end of the schedule there is no next attempt', () => {
  assert.equal(nextAttemptAtMs([0, 5], 2, 'x', NOW_MS, null), null)
})

const facts = { jobUid: 'u-1', taskId: 't-1', executionId: 'e-1', workerId: 'w', pod: 'p', node: 'n', startedMs: 0, traceparent: null }
const target = { url: 'http://x/', perTask: false }
const verdict: Verdict = {
  kind: 'completed',
  message: 'm',
  reason: null,
  retryable: null,
  phase: null,
  exitCode: 0,
  startedAt: null,
  finishedAt: null,
  output: { a: 1 },
  detail: {},
}
const built = (given: Verdict) => {
  const message = createMessageBuilder().verdict(facts, given, target)
  return { ...message, ...(JSON.parse(message.body) as { data: Record<string, unknown> }) }
}

test('both kinds of verdict bear the same message id, task_started another', () => {
  const failed: Verdict = { ...verdict, kind: 'failed', reason: 'container_exit', exitCode: 1, retryable: false, phase: 'run' }
  assert.equal(built(verdict).id, built(failed).id)
  assert.notEqual(createMessageBuilder().started(facts, target).id, built(verdict).id)
  assert.deepEqual([built(verdict).type, built(failed).type], ['task_completed', 'task_failed'])
  assert.deepEqual(
    [built(failed).data.failure_reason, built(failed).data.exit_code, built(failed).data.phase],
    ['container_exit', 1, 'run'],
  )
  assert.deepEqual(built(verdict).data.output, { a: 1 })
})

test('a cancelled task is a task_completed with task_state CANCELLED', () => {
  const cancelled = built({ ...verdict, kind: 'cancelled', reason: 'task_cancelled', exitCode: null })
  assert.deepEqual([cancelled.type, cancelled.data.task_state], ['task_completed', 'CANCELLED'])
})
