// What a verdict says beside its reason: times, output, detail, and a message that tells a person what happened, where, and what to do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TEARDOWN_NOTE } from '../../src/model/pod-settings.ts'
import type { Verdict } from '../../src/model/verdict.ts'
import {
  at,
  COMPLETE,
  disrupted,
  exited,
  FAILED,
  type Look,
  look,
  lost,
  ms,
  PAST_DEADLINE,
  type PodSketch,
  running,
  startError,
  waiting,
} from './raw.ts'

function verdictOf(sketch: Look): Verdict {
  const outcome = look(sketch)
  assert.ok(outcome.kind === 'ended', `it is ${outcome.kind}`)
  return outcome.verdict
}
const failed = (task: PodSketch['task'], more: PodSketch = {}): Look => ({ pod: { phase: 'Failed', ...(task ? { task } : {}), ...more } })

test('a completed task: times of its container, no reason, nothing to retry', () => {
  assert.deepEqual(verdictOf({ pod: { phase: 'Succeeded', task: exited(0) } }), {
    kind: 'completed',
    message: 'The task completed.',
    reason: null,
    retryable: null,
    phase: null,
    exitCode: 0,
    startedAt: '2026-11-24T12:00:10.000Z',
    finishedAt: '2026-11-24T12:00:20.000Z',
    output: null,
    detail: { container: 'task', pod: 'pod-1', node: 'n1' },
  })
})

test('a failed task: where, with which signal, and what to do', () => {
  const verdict = verdictOf(failed(exited(139)))
  assert.deepEqual(verdict.detail, { container: 'task', pod: 'pod-1', node: 'n1', signal: 'SIGSEGV' })
  assert.equal(
    verdict.message,
    'The task ended with exit code 139 (SIGSEGV). Read the end of the task’s log: the command itself ended with an error.',
  )
  assert.equal(verdict.phase, 'run')
})

test('a container that never started has no start, though runtimes write 1970', () => {
  const outcome = look(failed(startError('exec: "nope": executable file not found in $PATH: unknown')))
  assert.ok(outcome.kind === 'ended')
  assert.equal(outcome.startedMs, null)
  assert.equal(outcome.verdict.startedAt, null)
  assert.equal(outcome.verdict.detail.cause, 'StartError')
  assert.match(outcome.verdict.message, /could not start \(exit code 128\): exec: "nope": executable file not found/)
})

test('when the container started is said with the verdict too, for a task so short that nobody saw it run', () => {
  const outcome = look({ pod: { phase: 'Succeeded', task: exited(0) } })
  assert.ok(outcome.kind === 'ended')
  assert.equal(outcome.startedMs, ms('12:00:10'))
})

test('a failed setup names its container; the task itself never started', () => {
  const verdict = verdictOf(failed(waiting('PodInitializing'), { init: { setup: exited(3) } }))
  assert.deepEqual(
    [verdict.detail.container, verdict.exitCode, verdict.startedAt, verdict.finishedAt, verdict.phase],
    ['setup', 3, null, '2026-11-24T12:00:20.000Z', 'prepare'],
  )
  assert.match(verdict.message, /^The setup command failed before the task could start: exit code 3\./)
})

test('a sidecar that could not be copied names its image', () => {
  const verdict = verdictOf(failed(waiting('PodInitializing'), { init: { 'copy-sidecar-0': startError('no such file: /bin/sh') } }))
  assert.match(verdict.message, /registry\.example\/copy-sidecar-0:1 could not be copied .*exit code 128: no such file: \/bin\/sh/)
  assert.equal(verdict.detail.container, 'copy-sidecar-0')
})

test('the log to read is that of the container it is about', () => {
  assert.equal(verdictOf(failed(exited(1), { others: { helper: exited(1) } })).detail.container, 'task')
})

test('an eviction says by what, and how the container ended', () => {
  const verdict = verdictOf(failed(exited(137), { reason: 'Evicted', message: 'The node was low on resource: memory.' }))
  assert.match(
    verdict.message,
    /evicted on node n1 \(Evicted\): The node was low on resource: memory\. Its container ended with exit code 137 \(SIGKILL\)\./,
  )
})

test('a drain says who', () => {
  const verdict = verdictOf({
    job: { says: [FAILED], failed: 1 },
    pod: {
      phase: 'Failed',
      task: exited(143),
      deleted: '12:00:15',
      gone: true,
      conditions: [disrupted('EvictionByEvictionAPI', 'Eviction API: evicting')],
    },
  })
  assert.equal(verdict.detail.cause, 'EvictionByEvictionAPI')
  assert.match(verdict.message, /Eviction API: evicting/)
})

test('what could not be known is said, not guessed', () => {
  const unseen = verdictOf({
    job: { stop: ['task_cancelled', '12:00:30'], says: [PAST_DEADLINE] },
    pod: { task: running(), deleted: '12:00:31', gone: true },
  })
  assert.equal(unseen.message, 'The task was cancelled. Its exit code could not be known.')
  assert.deepEqual([unseen.exitCode, unseen.finishedAt, unseen.startedAt], [null, null, '2026-11-24T12:00:10.000Z'])
  assert.equal(verdictOf(failed(lost)).exitCode, null)
  assert.match(verdictOf({ job: { says: [FAILED], failed: 1 }, now: '12:02:00' }).message, /No Pod of it was seen\./)
})

test('a cancelled task that never ran says so, and where it was', () => {
  const queued = verdictOf({ job: { stop: ['task_cancelled', '12:00:30', 'superseded by e-2'], says: [PAST_DEADLINE] } })
  assert.deepEqual(
    [queued.kind, queued.phase, queued.message],
    ['cancelled', 'pend', 'The task was cancelled (superseded by e-2). It had no Pod.'],
  )
  const pulling = verdictOf({
    job: { stop: ['task_cancelled', '12:00:30'], says: [PAST_DEADLINE] },
    pod: { phase: 'Pending', task: waiting('ContainerCreating'), deleted: '12:00:31', gone: true },
  })
  assert.equal(pulling.message, 'The task was cancelled. Its container had not started.')
})

test('a stop’s own words become the verdict’s message, with the remedy', () => {
  const verdict = verdictOf({
    job: { stop: ['task_timeout', '12:00:30', 'the task ran longer than 20 s (its timeout_seconds)'], says: [PAST_DEADLINE] },
    pod: { phase: 'Failed', task: exited(143, 'Error', '12:00:33'), deleted: '12:00:31', gone: true },
  })
  assert.equal(
    verdict.message,
    'The task ran longer than 20 s (its timeout_seconds). Its container ended with exit code 143 (SIGTERM). Raise timeout_seconds (at most deadlines.run), or split the task.',
  )
})

test('a node that does not answer: the task may still run there, and what it was to be stopped for', () => {
  const verdict = verdictOf({
    job: { stop: ['task_cancelled', '12:00:30'] },
    pod: { task: running(), deleted: '12:00:31' },
    now: '12:30:30',
  })
  assert.equal(verdict.detail.stopped, false)
  assert.equal(verdict.detail.stop_reason, 'task_cancelled')
  assert.match(verdict.message, /it may still run on node n1/)
})

test('Complete alone still says when', () => {
  const verdict = verdictOf({ job: { says: [COMPLETE], succeeded: 1 } })
  assert.deepEqual([verdict.kind, verdict.exitCode, verdict.startedAt], ['completed', 0, null])
})

const message = (text: string, exitCode = 0): Look => ({
  pod: { phase: exitCode === 0 ? 'Succeeded' : 'Failed', task: exited(exitCode, undefined, undefined, { message: text }) },
})
const outputs: [what: string, text: string, output: Record<string, unknown> | null][] = [
  ['a JSON object', '{"pull_request":7}', { pull_request: 7 }],
  ['a JSON object with space around', '\n {"a":{"b":[1]}}\n', { a: { b: [1] } }],
  ['an empty object', '{}', {}],
  ['plain text', 'done', null],
  ['an array', '[1,2]', null],
  ['a number', '42', null],
  ['broken JSON', '{"a":', null],
  ['nothing', '', null],
  ['exactly 4 KiB', `{"a":"${'x'.repeat(4096 - 8)}"}`, { a: 'x'.repeat(4096 - 8) }],
  ['a byte more', `{"a":"${'x'.repeat(4096 - 7)}"}`, null],
  ['few characters but many bytes', `{"a":"${'ü'.repeat(2050)}"}`, null],
  ['a JSON object, then the note on the teardown', `{"a":1}\n${TEARDOWN_NOTE}3\n`, { a: 1 }],
  ['only the note on the teardown', `\n${TEARDOWN_NOTE}3\n`, null],
]
for (const [what, text, output] of outputs) {
  test(`the termination message as output: ${what}`, () => assert.deepEqual(verdictOf(message(text)).output, output))
}

test('a failed task has its output too', () => assert.deepEqual(verdictOf(message('{"step":"build"}', 1)).output, { step: 'build' }))

test('a failed teardown does not undo a completed task; it is said beside it', () => {
  const verdict = verdictOf(message(`\n${TEARDOWN_NOTE}3\n`))
  assert.deepEqual([verdict.kind, verdict.exitCode, verdict.detail.teardown_exit_code], ['completed', 0, 3])
  assert.equal(verdict.message, 'The task completed. The teardown command ended with exit code 3.')
})

test('OOMKilled with exit code 0: a child was killed, and the message says so', () => {
  const verdict = verdictOf({ pod: { phase: 'Succeeded', task: exited(0, 'OOMKilled') } })
  assert.deepEqual([verdict.kind, verdict.detail.cause], ['completed', 'OOMKilled'])
  assert.match(verdict.message, /A process it had started was killed for using too much memory/)
})

test('long texts of Kubernetes are cut, on one line', () => {
  const { message: text } = verdictOf(failed(undefined, { reason: 'Evicted', message: `${'line\n'.repeat(5000)}` }))
  assert.ok(text.length < 1000 && !text.includes('\n'))
})

test('times are those of the task’s container, not of an earlier day’s zero', () => {
  assert.equal(
    verdictOf(failed({ terminated: { exitCode: 1, startedAt: '0001-01-01T00:00:00Z', finishedAt: at('12:00:20') } })).startedAt,
    null,
  )
})
