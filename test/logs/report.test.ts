// A failure's log as a whole: followed from before the stop or read at the end, what is said when it cannot be had, and that nothing leaves with
// secrets in it.
import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { createFailureLog, createLogKeeper, type FailureLog, SLACK_BYTES, tailLinesFor } from '../../src/logs/index.ts'
import type { LogQuery } from '../../src/logs/types.ts'
import type { ContainerState, TaskView } from '../../src/model/kube.ts'
import type { KubeError, KubeResult } from '../../src/model/kube-api.ts'
import type { Verdict } from '../../src/model/verdict.ts'

const TAIL_BYTES = 1_024
const running: ContainerState = { kind: 'running', startedMs: 1 }
const ended: ContainerState = { kind: 'terminated', exitCode: 3, signal: null, reason: 'Error', message: '', startedMs: 1, finishedMs: 2 }

const refusedBy = (status: number, message: string): { ok: false; error: KubeError } => ({
  ok: false,
  error: { status, reason: 'x', message, retryAfterMs: null, retryable: false, outcomeUnknown: false },
})

function taskOf(
  options: { uid?: string; state?: ContainerState; gone?: boolean; annotations?: Record<string, string>; phase?: string } = {},
): TaskView {
  const { uid = 'u1', state = running, gone = false, annotations = {}, phase = 'Running' } = options
  return {
    job: { uid, name: 'job', annotations },
    pods: [{ name: `pod-${uid}`, uid: `p-${uid}`, gone, phase, containers: [{ name: 'task', role: 'task', state, lastState: null }] }],
  } as unknown as TaskView
}

const failed = (uid = 'u1'): Verdict =>
  ({
    kind: 'failed',
    reason: 'task_timeout',
    message: 'too long',
    output: null,
    detail: { container: 'task', pod: `pod-${uid}` },
  }) as unknown as Verdict

/** What the report has of the log. */
async function tailOf(log: FailureLog, task: TaskView, verdict: Verdict): Promise<{ text: string | null; note?: string }> {
  const { log_tail: text = null, log_note: note } = (await log.complete(task, verdict)).detail
  return { text, ...(note === undefined ? {} : { note }) }
}

/** `streams` are the followed logs by Pod; `logs` what a plain read gives. */
function world(
  options: {
    logs?: Record<string, string | number>
    secrets?: Record<string, string[]>
    maxStreams?: number
    silent?: boolean
    busy?: boolean
  } = {},
) {
  const streams = new Map<string, PassThrough>()
  const asked: { pod: string; query: LogQuery }[] = []
  const secretReads: string[] = []
  const readLog = async (pod: string, query: LogQuery, signal?: AbortSignal): Promise<KubeResult<Readable>> => {
    asked.push({ pod, query })
    if (query.follow) {
      if (options.silent) await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
      const stream = new PassThrough()
      streams.set(pod, stream)
      signal?.addEventListener('abort', () => stream.destroy(new Error('aborted')))
      return { ok: true, value: stream }
    }
    const log = options.logs?.[pod] ?? 404
    return typeof log === 'number' ? refusedBy(log, `pods "${pod}" not found`) : { ok: true, value: Readable.from([Buffer.from(log)]) }
  }
  const keeper = createLogKeeper(
    { readLog, clock: systemClock, metrics: createMetrics() },
    {
      limitBytes: TAIL_BYTES + SLACK_BYTES,
      tailLines: tailLinesFor(TAIL_BYTES),
      maxStreams: options.maxStreams ?? 50,
      maxKept: 200,
      openWaitMs: 20,
      endWaitMs: 20,
    },
  )
  const readSecretValues = async (name: string): Promise<KubeResult<string[]>> => {
    secretReads.push(name)
    if (options.busy) return { ok: false, error: { ...refusedBy(503, 'busy').error, retryable: true } }
    const values = options.secrets?.[name]
    return values ? { ok: true, value: values } : refusedBy(404, 'no such Secret')
  }
  return { log: createFailureLog({ readLog, readSecretValues, keeper }, { tailBytes: TAIL_BYTES }), keeper, streams, asked, secretReads }
}

test('a log followed from before the stop outlives its Pod', async () => {
  const { log, streams, asked } = world()
  await log.follow(taskOf())
  await log.follow(taskOf())
  assert.equal(asked.length, 1, 'one stream a task')
  streams.get('pod-u1')?.write('begun\n')
  streams.get('pod-u1')?.end('last words\n')
  assert.deepEqual(await tailOf(log, taskOf({ gone: true, state: ended }), failed()), { text: 'begun\nlast words\n' })
})

test('a stream that broke off is said to have, and what was heard is kept', async () => {
  const { log, streams } = world()
  await log.follow(taskOf())
  streams.get('pod-u1')?.write('begun\n')
  await new Promise((resolve) => setImmediate(resolve))
  streams.get('pod-u1')?.destroy(new Error('the node went away'))
  const { text, note } = await tailOf(log, taskOf({ gone: true, state: ended }), failed())
  assert.equal(text, 'begun\n')
  assert.match(note ?? '', /broke off before the container’s end \(the node went away\)/)
})

test('where the Pod is still there, a broken stream gives way to a whole read', async () => {
  const { log, streams } = world({ logs: { 'pod-u1': 'begun\nall of it\n' } })
  await log.follow(taskOf())
  streams.get('pod-u1')?.destroy(new Error('reset'))
  assert.deepEqual(await tailOf(log, taskOf({ state: ended, phase: 'Failed' }), failed()), { text: 'begun\nall of it\n' })
})

test('beyond the limit of streams the stop goes on without, and the report says so', async () => {
  const { log } = world({ maxStreams: 1 })
  await log.follow(taskOf({ uid: 'u1' }))
  await log.follow(taskOf({ uid: 'u2' }))
  const { text, note } = await tailOf(log, taskOf({ uid: 'u2', gone: true, state: ended }), failed('u2'))
  assert.equal(text, null)
  assert.match(note ?? '', /the Pod is gone and its log with it; the logs of 1 other stopped tasks were being followed/)
})

test('a container that says nothing does not hold up its stop', async () => {
  const { log, keeper } = world({ silent: true })
  await log.follow(taskOf())
  const { text, note } = await tailOf(log, taskOf({ gone: true, state: ended }), failed())
  assert.equal(text, null)
  assert.match(note ?? '', /asked for, but nothing came/)
  keeper.clear()
})

test('nothing is followed where nothing runs, where the task is cancelled, or where it has ended', async () => {
  const { log, asked } = world()
  await log.follow(taskOf({ state: { kind: 'waiting', reason: 'ContainerCreating', message: '' } }))
  await log.follow(taskOf({ annotations: { stop: '{"reason":"task_cancelled","at":"2026-11-24T03:00:00Z"}' } }))
  await log.follow(taskOf({ phase: 'Succeeded', state: ended }))
  assert.deepEqual(asked, [])
  // Its own end came before the cancellation, and a sidecar goes on: that end is the verdict.
  await log.follow(taskOf({ state: ended, annotations: { stop: '{"reason":"task_cancelled","at":"2026-11-24T03:00:00Z"}' } }))
  assert.equal(asked.length, 1)
})

test('what is forgotten has no stream any more', async () => {
  const { log, keeper, streams } = world()
  await log.follow(taskOf({ uid: 'u1' }))
  await log.follow(taskOf({ uid: 'u2' }))
  keeper.retain(new Set(['u2']))
  assert.equal(streams.get('pod-u1')?.destroyed, true)
  assert.equal(streams.get('pod-u2')?.destroyed, false)
  keeper.clear()
  assert.equal(streams.get('pod-u2')?.destroyed, true)
})

test('values of the task’s Secret are taken out; without the Secret the log is held back', async () => {
  const logs = { 'pod-u1': 'token=s3cr3t-value\n' }
  const task = taskOf({ state: ended, phase: 'Failed', annotations: { secret: 'job-n0' } })
  const clean = await tailOf(world({ logs, secrets: { 'job-n0': ['s3cr3t-value'] } }).log, task, failed())
  assert.equal(clean.text, 'token=[redacted]\n')
  const held = await tailOf(world({ logs }).log, task, failed())
  assert.equal(held.text, null)
  assert.match(held.note ?? '', /held back: the Secret job-n0 could not be read/)
})

test('a value that the cut goes through is taken out whole', async () => {
  const secret = 'x'.repeat(40) + 'y'.repeat(40)
  // The tail begins in the middle of the value.
  const text = `${'line\n'.repeat(10)}${secret}${'z'.repeat(TAIL_BYTES - 20)}`
  const { log } = world({ logs: { 'pod-u1': text }, secrets: { s: [secret] } })
  const { text: tail } = await tailOf(log, taskOf({ state: ended, phase: 'Failed', annotations: { secret: 's' } }), failed())
  assert.ok(!/y/.test(tail ?? 'y'), tail ?? '')
})

test('a completed or cancelled task has no tail, and neither has one of which nothing ran', async () => {
  const { log, asked } = world()
  for (const kind of ['completed', 'cancelled'] as const)
    assert.deepEqual(await tailOf(log, taskOf({ state: ended }), { ...failed(), kind }), { text: null })
  assert.deepEqual(await tailOf(log, taskOf({ state: { kind: 'waiting', reason: 'ImagePullBackOff', message: '' } }), failed()), {
    text: null,
  })
  assert.deepEqual(asked, [])
})

const withSecret = (): TaskView => taskOf({ state: ended, phase: 'Failed', annotations: { secret: 's' } })
const completed = (output: Record<string, unknown> | null): Verdict => ({
  ...failed(),
  kind: 'completed',
  message: 'The task completed.',
  output,
})

test('secret values are taken out of output, message and detail: names, numbers and nested texts too', async () => {
  const { log } = world({ secrets: { s: ['hunter22', '31415926'] } })
  const output = {
    token: 'is hunter22!',
    deep: [{ hunter22: 31415926 }],
    __proto: 1,
    base64: Buffer.from('hunter22').toString('base64'),
    n: 7,
  }
  assert.deepEqual((await log.complete(withSecret(), completed(output))).output, {
    token: 'is [redacted]!',
    deep: [{ '[redacted]': '[redacted]' }],
    __proto: 1,
    base64: '[redacted]=',
    n: 7,
  })
  const start = {
    ...failed(),
    reason: 'container_start',
    message: 'exec: "hunter22": not found',
    detail: { container: 'task', cause: 'hunter22' },
  }
  const { message, detail } = await log.complete(withSecret(), start)
  assert.deepEqual([message, detail.cause], ['exec: "[redacted]": not found', '[redacted]'])
})

test('a completed task without output costs no look at its Secret, and neither does one without a Secret', async () => {
  const { log, secretReads } = world({ secrets: { s: ['hunter22'] } })
  await log.complete(withSecret(), completed(null))
  await log.complete(taskOf({ state: ended }), completed({ a: 1 }))
  assert.deepEqual(secretReads, [])
  await log.complete(withSecret(), completed({ a: 1 }))
  await log.complete(withSecret(), failed())
  assert.deepEqual(secretReads, ['s', 's'], 'one read each')
})

test('an output whose secrets cannot be known is held back and said to be; while the API is only busy it is waited for', async () => {
  const held = await world().log.complete(withSecret(), completed({ a: 1 }))
  assert.equal(held.output, null)
  assert.match(String(held.detail.output_note), /the output is held back: the Secret s could not be read/)
  await assert.rejects(world({ busy: true }).log.complete(withSecret(), completed({ a: 1 })), /reading the Secret: busy/)
})
