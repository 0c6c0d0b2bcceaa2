// One step of the loop at a time: what is sent, what is written, in which order, and what a crash in between leads to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMessageBuilder, nextAttemptAtMs } from '../../src/callback/index.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { DeliveryResult, OwedMessage } from '../../src/model/callback.ts'
import type { JobView, TaskView } from '../../src/model/kube.ts'
import type { KubeResult } from '../../src/model/kube-api.ts'
import type { Outcome, Verdict } from '../../src/model/verdict.ts'
import { createMemory, createReconcile } from '../../src/reconcile/index.ts'

const NOW_MS = Date.parse('2026-11-24T03:00:00Z')
const CALLBACK_URL = 'https://control.example/hooks/tasks'

const completed: Verdict = {
  kind: 'completed',
  message: 'done',
  reason: null,
  retryable: null,
  phase: null,
  exitCode: 0,
  startedAt: '2026-11-24T02:59:00Z',
  finishedAt: '2026-11-24T02:59:30Z',
  output: null,
  detail: {},
}
const failed: Verdict = {
  ...completed,
  kind: 'failed',
  reason: 'container_exit',
  retryable: false,
  phase: 'run',
  exitCode: 3,
  message: 'exit 3',
  detail: { container: 'task', pod: 'pod-1' },
}
const cancelled: Verdict = { ...completed, kind: 'cancelled', reason: 'task_cancelled', exitCode: 143 }
const ended = (verdict: Verdict, evidenceCanVanish = false): Outcome => ({
  kind: 'ended',
  verdict,
  evidenceCanVanish,
  startedMs: Date.parse('2026-11-24T02:59:00Z'),
})
const live = (startedMs: number | null, wakeAtMs: number | null = null): Outcome => ({
  kind: 'live',
  state: 'running',
  startedMs,
  wakeAtMs,
  waitingFor: null,
})

function job(annotations: Record<string, string> = {}): JobView {
  return {
    name: 'task-t-1-abc',
    uid: 'uid-1',
    resourceVersion: '5',
    generation: 1,
    createdMs: NOW_MS - 60_000,
    deletedMs: null,
    labels: {},
    annotations: { 'task-id': 't-1', 'execution-id': 'e-1', secret: 'task-t-1-abc-n0', ...annotations },
    held: true,
    suspended: false,
    parallelism: 1,
    activeDeadlineSeconds: null,
    ttlSecondsAfterFinished: null,
    managedByOther: false,
    startMs: null,
    completionMs: null,
    active: 0,
    succeeded: 0,
    failed: 0,
    conditions: [],
  }
}

/** A replica with a scripted receiver; everything it does, in order, is in `did`. `restart` is another replica on the same Job. */
function world(options: {
  outcome: Outcome
  answers?: DeliveryResult[]
  callbackUrl?: string | null
  failWrites?: string[]
  /** So many records meet somebody else's write. */
  conflicts?: number
  metrics?: ReturnType<typeof createMetrics>
}) {
  const did: string[] = []
  const sent: OwedMessage[] = []
  const patches: { kind: string; patch: Record<string, Record<string, unknown>> }[] = []
  const answers = [...(options.answers ?? [])]
  const failWrites = [...(options.failWrites ?? [])]
  let conflicts = options.conflicts ?? 0
  const state = {
    outcome: options.outcome,
    nowMs: NOW_MS,
    live: null as Outcome | null,
    /** What a live read shows. */
    now: job(),
    logTail: 'the end of the log',
    task: { job: job(), pods: [{ name: 'pod-1', gone: false, node: 'n1' }] } as unknown as TaskView,
  }
  const refuse = (what: string): { ok: false; error: never } | null => {
    if (failWrites[0] !== what) return null
    failWrites.shift()
    did.push(`${what} FAILED`)
    return {
      ok: false,
      error: { status: 500, reason: 'InternalError', message: 'etcd', retryAfterMs: null, retryable: true, outcomeUnknown: true } as never,
    }
  }
  const memory = createMemory()
  const replica = (own = createMemory()) =>
    createReconcile(
      {
        getTask: () => state.task,
        classify: () => state.outcome,
        stopper: {
          stop: async (_job, reason) => {
            did.push(`stop ${reason}`)
            return { kind: 'stopping', job: state.task.job }
          },
        },
        secondLook: {
          confirm: async (_task, outcome) => {
            did.push('look again')
            return state.live ?? outcome
          },
          findPods: async (task, outcome) => {
            did.push('find its Pods')
            return { task, outcome: state.live ?? outcome }
          },
        },
        messages: createMessageBuilder(),
        deliver: async (message) => {
          sent.push(message)
          did.push(`send ${message.type}`)
          return answers.shift() ?? { kind: 'acknowledged', status: 200 }
        },
        nextAttemptAtMs: (failures, id, nowMs, retryAfterMs) => nextAttemptAtMs([0, 5, 30], failures, id, nowMs, retryAfterMs),
        patchJob: async (_name, kind, patch): Promise<KubeResult<never>> => {
          const what = kind === 'strategic' ? 'close' : 'record'
          const refused = refuse(what)
          if (refused) return refused
          if (what === 'record' && conflicts-- > 0) {
            did.push('record CONFLICT')
            return { ok: false, error: { status: 409, reason: 'Conflict', message: 'modified', retryable: false } as never }
          }
          did.push(what)
          patches.push({ kind, patch: patch as never })
          return { ok: true, value: {} as never }
        },
        deleteSecret: async () => {
          const refused = refuse('secret')
          if (refused) return refused
          did.push('secret')
          return { ok: true, value: null }
        },
        readJob: async () => ({ ok: true, value: state.now }),
        complete: async (_task, verdict) => ({
          ...verdict,
          detail: { ...verdict.detail, ...(verdict.kind === 'failed' && state.logTail !== null ? { log_tail: state.logTail } : {}) },
        }),
        memory: own,
        clock: { now: () => state.nowMs, after: () => () => {} },
        log: createLog({ level: 'silent', workerId: 'w' }),
        metrics: options.metrics ?? createMetrics(),
        wake: () => {},
      },
      {
        workerId: 'w1',
        callbackUrl: options.callbackUrl === undefined ? CALLBACK_URL : options.callbackUrl,
        callbackTypes: ['task_started', 'task_completed', 'task_failed'],
        retentionSeconds: { success: 100, failure: 200, deadLetter: 300 },
      },
    )
  return { did, sent, patches, state, memory, replica, step: replica(memory) }
}

const annotationOf = (patch: Record<string, Record<string, unknown>> | undefined, name: string): Record<string, unknown> =>
  JSON.parse(((patch?.metadata?.annotations ?? {}) as Record<string, string>)[`jobhook.dev/${name}`] ?? 'null')

test('a completed task: started, verdict, Secret, one closing patch; then nothing more', async () => {
  const { did, sent, patches, step } = world({ outcome: ended(completed) })
  await step('task-t-1-abc')
  await step('task-t-1-abc')
  assert.deepEqual(did, ['send task_started', 'send task_completed', 'secret', 'close'])
  assert.deepEqual(
    sent.map((message) => message.id),
    ['jobhook_uid-1_started', 'jobhook_uid-1_verdict'],
  )
  const patch = patches[0]?.patch
  assert.equal(patch?.metadata?.uid, 'uid-1')
  assert.deepEqual(patch?.metadata?.['$deleteFromPrimitiveList/finalizers'], ['jobhook.dev/report'])
  assert.equal(patch?.spec?.ttlSecondsAfterFinished, 100)
  assert.equal(annotationOf(patch, 'delivery').state, 'delivered')
})

test('a task that runs is told once, and its next deadline is when to look again', async () => {
  const { did, step } = world({ outcome: live(NOW_MS - 1_000, NOW_MS + 9_000) })
  assert.equal(await step('x'), NOW_MS + 9_000)
  assert.equal(await step('x'), NOW_MS + 9_000)
  assert.deepEqual(did, ['send task_started'])
})

test('a verdict whose evidence can vanish is written down before the first attempt', async () => {
  const { did, patches, step } = world({ outcome: ended(cancelled, true) })
  await step('x')
  assert.deepEqual(did, ['record', 'send task_started', 'send task_completed', 'secret', 'close'])
  assert.equal(annotationOf(patches[0]?.patch, 'verdict').kind, 'cancelled')
  assert.equal(patches[0]?.patch.metadata?.resourceVersion, '5', 'a leader whose cache is behind cannot write over a verdict that stands')
})

test('an output out of which the values of a Secret were taken is written down first: the Secret goes before the task is closed', async () => {
  const output = { result: 'done' }
  const { did, sent, patches, state, replica, step } = world({ outcome: ended({ ...completed, output }), failWrites: ['close'] })
  await assert.rejects(step('x'), /closing the Job/)
  assert.deepEqual(did.slice(0, 3), ['record', 'send task_started', 'send task_completed'])
  state.task = { ...state.task, job: job({ verdict: JSON.stringify(annotationOf(patches[0]?.patch, 'verdict')) }) }
  state.outcome = ended({ ...completed, output: null })
  await replica()('x')
  const bodies = sent.filter((message) => message.slot === 'verdict').map((message) => message.body)
  assert.deepEqual([bodies.length, bodies[0]], [2, bodies[1]])
})

test('a crash after the callback and before the closing patch sends the same message id again', async () => {
  const { sent, replica, step } = world({ outcome: ended(completed), failWrites: ['close'] })
  await assert.rejects(step('x'), /closing the Job/)
  await replica()('x')
  const verdicts = sent.filter((message) => message.slot === 'verdict')
  assert.equal(verdicts.length, 2)
  assert.equal(verdicts[0]?.id, verdicts[1]?.id)
  assert.equal(verdicts[0]?.body, verdicts[1]?.body)
})

test('a closing patch that fails is tried again without telling the control plane twice', async () => {
  const { did, step } = world({ outcome: ended(completed), failWrites: ['close'] })
  await assert.rejects(step('x'))
  await step('x')
  assert.equal(did.filter((what) => what === 'send task_completed').length, 1)
  assert.equal(did.at(-1), 'close')
})

test('a Secret that cannot be deleted keeps the task open, and is not forgotten', async () => {
  const { did, step } = world({ outcome: ended(completed), failWrites: ['secret'] })
  await assert.rejects(step('x'), /deleting the Secret/)
  await step('x')
  assert.deepEqual(did, ['send task_started', 'send task_completed', 'secret FAILED', 'secret', 'close'])
})

test('a failed attempt is recorded with the time of the next one; the next attempt waits for that time', async () => {
  const retry: DeliveryResult = { kind: 'retry', status: 503, afterMs: null, cause: 'the receiver answered 503' }
  const { did, patches, state, step } = world({ outcome: ended(failed), answers: [{ kind: 'acknowledged', status: 200 }, retry] })
  const again = (await step('x')) ?? 0
  assert.ok(again >= NOW_MS + 4_000 && again <= NOW_MS + 6_000, 'the second gap is 5 s ± 20 %')
  const recorded = annotationOf(patches[1]?.patch, 'delivery')
  assert.deepEqual([recorded.state, recorded.attempts, recorded.last_error], ['owed', 1, 'the receiver answered 503'])
  assert.equal((annotationOf(patches[0]?.patch, 'verdict').detail as { log_tail: string }).log_tail, 'the end of the log')
  assert.equal(await step('x'), Date.parse(String(recorded.next_at)))
  state.nowMs = again
  await step('x')
  assert.deepEqual(did, ['record', 'send task_started', 'send task_failed', 'record', 'send task_failed', 'secret', 'close'])
})

test('a restart while the verdict is owed goes on from the record: same verdict, same id, attempts counted on', async () => {
  const retry: DeliveryResult = { kind: 'retry', status: 500, afterMs: 60_000, cause: 'x' }
  const { sent, patches, state, replica, step } = world({ outcome: ended(failed), answers: [{ kind: 'acknowledged', status: 200 }, retry] })
  await step('x')
  const annotations = Object.assign({}, ...patches.map(({ patch }) => patch.metadata?.annotations)) as Record<string, string>
  state.task = {
    ...state.task,
    job: job(Object.fromEntries(Object.entries(annotations).map(([name, text]) => [name.replace('jobhook.dev/', ''), text]))),
  }
  state.outcome = {
    kind: 'ended',
    verdict: { ...failed, message: 'the Pod is gone, nothing is known', exitCode: null },
    evidenceCanVanish: true,
    startedMs: null,
  }
  const restarted = replica()
  const dueMs = (await restarted('x')) ?? 0
  assert.ok(dueMs >= NOW_MS + 60_000, 'Retry-After is kept over the restart')
  state.nowMs = dueMs
  await restarted('x')
  const verdicts = sent.filter((message) => message.slot === 'verdict')
  assert.equal(verdicts.length, 2)
  assert.equal(verdicts[0]?.body, verdicts[1]?.body)
  assert.equal(annotationOf(patches.at(-1)?.patch, 'delivery').attempts, 2)
})

test('the end of a log is written down before it is sent: a replica that is killed right after says the same bytes again', async () => {
  const yes: DeliveryResult = { kind: 'acknowledged', status: 200 }
  const { did, sent, patches, state, replica, step } = world({ outcome: ended(failed), answers: [yes, { kind: 'later', cause: 'killed' }] })
  await step('x')
  state.task = { ...state.task, job: job({ verdict: JSON.stringify(annotationOf(patches[0]?.patch, 'verdict')) }) }
  state.logTail = 'what is left of the log'
  await replica()('x')
  // Nor does it tell of the start: the report may have been heard already.
  assert.deepEqual(did, ['record', 'send task_started', 'send task_failed', 'send task_failed', 'secret', 'close'])
  const verdicts = sent.filter((message) => message.slot === 'verdict')
  assert.equal(verdicts[0]?.body, verdicts[1]?.body)
  assert.match(verdicts[1]?.body ?? '', /the end of the log/)
  const kept = annotationOf(patches.at(-1)?.patch, 'verdict')
  assert.deepEqual(
    [kept.reason, (kept.detail as { log_tail?: string }).log_tail],
    ['container_exit', undefined],
    'once it is acknowledged the log goes from the Job',
  )
})

test('a verdict meets the Job controller’s own write: it is written on what is there now, but never over another leader’s', async () => {
  const { did, state, step } = world({ outcome: ended(failed), conflicts: 2 })
  await step('x')
  assert.deepEqual(did.slice(0, 4), ['record CONFLICT', 'record CONFLICT', 'record', 'send task_started'])
  const late = world({ outcome: ended(failed), conflicts: 1 })
  late.state.now = job({ verdict: JSON.stringify({ ...failed, message: 'another leader' }) })
  await assert.rejects(late.step('x'), /Conflict/)
  assert.deepEqual(late.did, ['record CONFLICT'])
  assert.equal(state.task.job.annotations.verdict, undefined)
})

test('a failed attempt of a leader whose cache is behind does not open again what another leader has closed, nor take attempts back', async () => {
  const retry: DeliveryResult = { kind: 'retry', status: null, afterMs: null, cause: 'read ECONNRESET' }
  const records: [what: string, stands: object, did: string[]][] = [
    ['closed', { state: 'delivered', attempts: 2 }, ['record CONFLICT']],
    ['further', { state: 'owed', attempts: 3 }, ['record CONFLICT']],
    ['behind', { state: 'owed', attempts: 0 }, ['record CONFLICT', 'record']],
  ]
  for (const [what, stands, after] of records) {
    const { did, state, patches, step } = world({
      outcome: ended(completed),
      answers: [{ kind: 'acknowledged', status: 200 }, retry],
      conflicts: 1,
    })
    state.now = { ...job({ delivery: JSON.stringify(stands) }), resourceVersion: '77' }
    await step('x')
    assert.deepEqual(did, ['send task_started', 'send task_completed', ...after], what)
    // Each names what it was written on.
    for (const { patch } of patches) assert.equal(patch.metadata?.resourceVersion, '77')
  }
})

test('after the last attempt of the schedule it is a dead letter: closed, labelled, kept longer', async () => {
  const retry: DeliveryResult = { kind: 'retry', status: 500, afterMs: null, cause: 'still down' }
  const { did, patches, state, step } = world({
    outcome: ended(completed),
    answers: [{ kind: 'acknowledged', status: 200 }, retry, retry, retry],
  })
  for (let attempts = 0; attempts < 3; attempts++) state.nowMs = (await step('x')) ?? state.nowMs
  assert.equal(did.filter((what) => what === 'send task_completed').length, 3)
  const patch = patches.at(-1)?.patch
  assert.equal(annotationOf(patch, 'delivery').state, 'dead')
  assert.deepEqual(patch?.metadata?.labels, { 'jobhook.dev/dead-letter': 'true' })
  assert.equal(patch?.spec?.ttlSecondsAfterFinished, 300)
})

test('410 Gone closes the task at once', async () => {
  const { did, patches, step } = world({ outcome: ended(completed), answers: [{ kind: 'gone' }, { kind: 'gone' }] })
  await step('x')
  assert.equal(annotationOf(patches[0]?.patch, 'delivery').state, 'gone')
  assert.equal(did.at(-1), 'close')
})

test('a task_started that is refused is dropped; one that fails otherwise has its last try when the verdict is owed', async () => {
  const refused = world({ outcome: live(NOW_MS), answers: [{ kind: 'retry', status: 404, afterMs: null, cause: 'no' }] })
  await refused.step('x')
  await new Promise((resolve) => setImmediate(resolve))
  refused.state.outcome = ended(completed)
  await refused.step('x')
  assert.deepEqual(refused.did, ['send task_started', 'send task_completed', 'secret', 'close'])
})

test('a replica that leads again tells of no start once it has stored a verdict: whoever led meanwhile may have reported it', async () => {
  const later: DeliveryResult = { kind: 'later', cause: 'the lease is overdue' }
  const { did, memory, step } = world({ outcome: ended(failed), answers: [later] })
  memory.beginTerm()
  await step('x')
  memory.beginTerm()
  await step('x')
  assert.deepEqual(did, ['record', 'send task_started', 'send task_failed', 'secret', 'close'])
})

test('a task_started that finds no room has its try before the verdict all the same: both are woken together', async () => {
  const later: DeliveryResult = { kind: 'later', cause: 'no room' }
  const { did, step } = world({ outcome: ended(completed), answers: [later, later] })
  for (let woken = 0; woken < 3; woken++) await step('x')
  assert.deepEqual(did, ['send task_started', 'send task_started', 'send task_started', 'send task_completed', 'secret', 'close'])
  const busy = world({ outcome: live(NOW_MS), answers: [{ kind: 'retry', status: 500, afterMs: null, cause: 'no' }, later] })
  await busy.step('x')
  await new Promise((resolve) => setImmediate(resolve))
  busy.state.nowMs += 60_000
  await busy.step('x')
  await new Promise((resolve) => setImmediate(resolve))
  busy.state.outcome = ended(completed)
  await busy.step('x')
  assert.equal(busy.did.at(-1), 'close', 'one that was sent before holds nothing up')
})

test('task_started says the same each time under its id: with its Pod there, with its Pod gone, and on a replica that never saw the Pod', async () => {
  const verdict: Verdict = { ...cancelled, detail: { container: 'task', pod: 'pod-1', node: 'n1' } }
  const startedMs = Date.parse(verdict.startedAt ?? '')
  const failing: DeliveryResult = { kind: 'retry', status: 500, afterMs: null, cause: 'no' }
  const { sent, state, step, replica } = world({ outcome: live(startedMs), answers: [failing, failing] })
  await step('x')
  await new Promise((resolve) => setImmediate(resolve))
  state.nowMs += 60_000
  state.task = { ...state.task, pods: state.task.pods.map((pod) => ({ ...pod, gone: true })) }
  await step('x')
  await new Promise((resolve) => setImmediate(resolve))
  state.task = { ...state.task, pods: [] }
  state.outcome = ended(verdict)
  await replica()('x')
  const started = sent.filter((message) => message.type === 'task_started')
  assert.equal(started.length, 3)
  assert.deepEqual([...new Set(started.map((message) => message.body))].length, 1)
})

test('nobody to call: the Secret goes and the task is closed, nothing is sent', async () => {
  const { did, step } = world({ outcome: ended(completed), callbackUrl: null })
  await step('x')
  assert.deepEqual(did, ['secret', 'close'])
})

test('a task that must be stopped is stopped, and nothing is reported before its workload has ended', async () => {
  const { did, step } = world({ outcome: { kind: 'stop', reason: 'task_timeout', message: 'ran too long' } })
  await step('x')
  assert.deepEqual(did, ['stop task_timeout'])
})

test('a task that has waited too long by the cache is looked at live before it is stopped, and lives on when that looks different', async () => {
  const { did, state, step } = world({ outcome: { kind: 'stop', reason: 'unschedulable', message: 'no node' } })
  state.live = live(null, NOW_MS + 1_000)
  assert.equal(await step('x'), NOW_MS + 1_000)
  state.live = null
  await step('x')
  assert.deepEqual(did, ['look again', 'look again', 'stop unschedulable'])
})

test('a Job that ended without its Pod ever being seen is looked at live, but not at once', async () => {
  const waits = { ...live(null, NOW_MS + 30_000), lookAtMs: NOW_MS + 3_000 } as Outcome
  const { did, state, step } = world({ outcome: waits })
  assert.equal(await step('x'), NOW_MS + 3_000)
  assert.deepEqual(did, [])
  state.nowMs += 3_000
  state.live = ended(completed, true)
  await step('x')
  assert.deepEqual(did.slice(0, 2), ['find its Pods', 'record'])
  assert.equal(did.at(-1), 'close')
})

test('a verdict once reached stands, also when a stop mark comes before it is delivered', async () => {
  const retry: DeliveryResult = { kind: 'retry', status: 500, afterMs: null, cause: 'x' }
  const { sent, state, step } = world({
    outcome: ended(completed),
    answers: [{ kind: 'acknowledged', status: 200 }, retry],
    failWrites: ['record'],
  })
  await assert.rejects(step('x'), /recording on the Job/)
  state.outcome = ended(cancelled, true)
  await step('x')
  const bodies = sent.filter((message) => message.slot === 'verdict').map((message) => message.body)
  assert.equal(bodies.length, 2)
  assert.equal(bodies[0], bodies[1])
})

test('a container state nobody knows is counted once a task, and waited for', async () => {
  const metrics = createMetrics()
  const { did, step } = world({ outcome: { ...live(null, NOW_MS + 1_000), unknownState: 'QuantumFlux' } as Outcome, metrics })
  await step('x')
  await step('x')
  assert.equal((await metrics.unknownStates.get()).values[0]?.value, 1)
  assert.deepEqual(did, [])
})

test('a Job with our labels that we did not make is left alone', async () => {
  const { did, state, step } = world({ outcome: ended(completed) })
  state.task = { ...state.task, job: { ...job(), annotations: {} } }
  await step('x')
  assert.deepEqual(did, [])
})
