// The small things around a verdict: the stop mark, what counts as closed, signals, the state word with its times, the table of reasons.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REASONS, reasonOf, WAITING_REASONS } from '../../src/model/reasons.ts'
import { TASK_STATES } from '../../src/model/task.ts'
import {
  classify,
  exitCodeOf,
  isClosed,
  readStopMark,
  signalName,
  stopMarkJson,
  taskState,
  terminationReason,
} from '../../src/outcome/index.ts'
import { deadlines, exited, type JobSketch, ms, PAST_DEADLINE, type PodSketch, running, taskOf, waiting } from './raw.ts'

const jobOf = (annotations: Record<string, string>) => taskOf({ annotations }).job

test('a stop mark is read back as it was written', () => {
  for (const message of [null, 'because', '“quoted”\nand 🚀']) {
    const mark = readStopMark(jobOf({ 'jobhook.dev/stop': stopMarkJson('task_cancelled', ms('12:00:30.250'), message) }))
    assert.deepEqual(mark, { reason: 'task_cancelled', atMs: ms('12:00:30.250'), message })
  }
})

test('a stop mark says when in RFC 3339, for people and other tools', () => {
  assert.equal(stopMarkJson('deleted', ms('12:00:30.250'), null), '{"reason":"deleted","at":"2026-11-24T12:00:30.250Z"}')
})

test('no mark is no stop; a mark that cannot be read is one', () => {
  assert.equal(readStopMark(jobOf({})), null)
  for (const text of ['', 'x', '[]', '1', 'null', '{}', '{"reason":7}', '{"reason":""}', '{"reason":"A B"}'])
    assert.deepEqual(readStopMark(jobOf({ 'jobhook.dev/stop': text })), {
      reason: 'unknown',
      atMs: Number.POSITIVE_INFINITY,
      message: null,
    })
})

const deliveries: [text: string | undefined, closed: boolean][] = [
  [undefined, false],
  ['', false],
  ['not json', false],
  ['{"state":"owed","attempts":3}', false],
  ['{"state":"delivered","attempts":1}', true],
  ['{"state":"gone","attempts":1}', true],
  ['{"state":"dead","attempts":9}', true],
  ['{"state":"none","attempts":0}', true],
  ['{"state":"something"}', false],
]
for (const [text, closed] of deliveries) {
  test(`delivery ${text ?? 'absent'}: ${closed ? 'closed' : 'open'}`, () =>
    assert.equal(isClosed(jobOf(text === undefined ? {} : { 'jobhook.dev/delivery': text })), closed))
}

const terminations = [
  // exitCode, reason, verdict
  [0, 'Completed', null],
  [0, 'OOMKilled', null],
  [137, 'OOMKilled', 'container_oom'],
  [137, 'Error', 'container_exit'],
  [1, '', 'container_exit'],
  [128, 'StartError', 'container_start'],
  [127, 'ContainerCannotRun', 'container_start'],
] as const
for (const [exitCode, reason, verdict] of terminations) {
  test(`exit ${exitCode} (${reason || 'no reason'}) means ${verdict ?? 'success'}`, () =>
    assert.equal(terminationReason({ exitCode, reason, signal: null }), verdict))
}

test('signals have their Linux names', () => {
  assert.deepEqual([1, 2, 6, 9, 11, 13, 15, 24, 31].map(signalName), [
    'SIGHUP',
    'SIGINT',
    'SIGABRT',
    'SIGKILL',
    'SIGSEGV',
    'SIGPIPE',
    'SIGTERM',
    'SIGXCPU',
    'SIGSYS',
  ])
  assert.deepEqual([0, 34, 64].map(signalName), ['signal 0', 'signal 34', 'signal 64'])
})

test('a status is normalised to 128+signal', () => {
  const end = { kind: 'terminated', reason: '', message: '', startedMs: null, finishedMs: null } as const
  assert.deepEqual([exitCodeOf({ ...end, exitCode: 0, signal: 9 }), exitCodeOf({ ...end, exitCode: 143, signal: null })], [137, 143])
})

function stateOf(job: JobSketch, pod: PodSketch | null, now = '12:01:00') {
  const task = taskOf(job, ...(pod ? [pod] : []))
  return taskState(task, classify(task, { deadlines }, ms(now)))
}

const states: [what: string, job: JobSketch, pod: PodSketch | null, state: string][] = [
  ['suspended', { suspended: true }, null, 'queued'],
  ['no Pod yet', { started: null }, null, 'pending'],
  ['its image comes', {}, { phase: 'Pending', task: waiting('ContainerCreating') }, 'pending'],
  ['it runs', {}, { task: running() }, 'running'],
  ['it must be stopped', { deleted: '12:00:30' }, { task: running() }, 'stopping'],
  ['it is being stopped', { stop: ['task_timeout', '12:00:30'] }, { task: running() }, 'stopping'],
  ['it completed', {}, { phase: 'Succeeded', task: exited(0) }, 'completed'],
  ['it failed', {}, { phase: 'Failed', task: exited(1) }, 'failed'],
  ['it was cancelled', { stop: ['task_cancelled', '12:00:30'], says: [PAST_DEADLINE] }, null, 'cancelled'],
]
for (const [what, job, pod, state] of states) {
  test(`${what}: ${state}`, () => {
    assert.equal(stateOf(job, pod).state, state)
    assert.ok((TASK_STATES as readonly string[]).includes(state))
  })
}

test('the times of a life, in order', () => {
  const job = { annotations: { 'jobhook.dev/delivery': '{"state":"delivered","attempts":1,"reported_at":"2026-11-24T12:00:21.500Z"}' } }
  const pod: PodSketch = {
    phase: 'Succeeded',
    task: exited(0),
    init: { setup: exited(0, 'Completed', '12:00:09', { startedAt: '2026-11-24T12:00:05Z' }) },
  }
  assert.deepEqual(stateOf(job, pod).times, {
    accepted: '2026-11-24T12:00:00.000Z',
    created: '2026-11-24T12:00:00.000Z',
    scheduled: '2026-11-24T12:00:02.000Z',
    pulled: '2026-11-24T12:00:05.000Z',
    started: '2026-11-24T12:00:10.000Z',
    finished: '2026-11-24T12:00:20.000Z',
    reported: '2026-11-24T12:00:21.500Z',
  })
})

test('what has not happened has no time', () => {
  assert.deepEqual(stateOf({ suspended: true }, null).times, {
    accepted: '2026-11-24T12:00:00.000Z',
    created: '2026-11-24T12:00:00.000Z',
    scheduled: null,
    pulled: null,
    started: null,
    finished: null,
    reported: null,
  })
})

test('a stored verdict keeps the times when the Pod is gone', () => {
  const task = taskOf({})
  const verdict = {
    kind: 'failed',
    message: '',
    reason: 'evicted',
    retryable: true,
    phase: 'run',
    exitCode: 137,
    startedAt: '2026-11-24T12:00:10.000Z',
    finishedAt: '2026-11-24T12:00:20.000Z',
    output: null,
    detail: {},
  } as const
  const { state, times } = taskState(task, { kind: 'ended', verdict, evidenceCanVanish: false, startedMs: null })
  assert.deepEqual(
    [state, times.pulled, times.started, times.finished],
    ['failed', verdict.startedAt, verdict.startedAt, verdict.finishedAt],
  )
})

const FIELD_WORDS =
  'unknown task_timeout task_cancelled graceful_shutdown image_pull sidecar_prep container_create container_start container_wait container_exit container_oom workspace_setup setup_command agent_invocation teardown_command job_create job_watch job_failed evicted pod_watch unschedulable volume_mount init_container invalid_image active_deadline cleanup'.split(
    ' ',
  )

test('the table has every word of the wire, and few of our own', () => {
  assert.deepEqual(
    FIELD_WORDS.filter((word) => reasonOf(word) === null),
    [],
  )
  assert.deepEqual(
    Object.keys(REASONS)
      .filter((word) => !FIELD_WORDS.includes(word))
      .sort(),
    ['deleted', 'node_lost', 'node_shutdown', 'preempted'],
  )
  assert.equal(reasonOf('constructor'), null)
})

test('every remedy is a full sentence', () => {
  for (const [word, { remedy }] of Object.entries(REASONS)) assert.match(remedy, /^[A-Z].{15,200}\.$/, word)
})

test('what a task may be stopped for while it waits is in the table, and not of the run', () => {
  for (const word of WAITING_REASONS) assert.ok(['pend', 'pull', 'prepare', 'run'].includes(reasonOf(word)?.phase ?? ''), word)
})
