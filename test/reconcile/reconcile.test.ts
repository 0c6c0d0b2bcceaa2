// What is sent and written once a task has ended, in which order, and what a crash in between leads to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryResult } from '../../src/model/callback.ts'
import { annotationOf, cancelled, completed, ended, failed, job, NOW_MS, world } from './world.ts'

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

test('nobody to call: the Secret goes and the task is closed, nothing is sent', async () => {
  const { did, step } = world({ outcome: ended(completed), callbackUrl: null })
  await step('x')
  assert.deepEqual(did, ['secret', 'close'])
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
