/** Contract: what the Job controller does without any container running: suspension, stopping before the start, TTL, the Pod it makes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  condition,
  corePath,
  create,
  job,
  jobsPath,
  type Loose,
  needsControllers,
  patch,
  podsOf,
  STRATEGIC,
  suspendedJob,
  until,
  untilFinished,
  untilGone,
  untilObject,
} from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

const OURS = 'example.com/ours'
/** No node has this label: the Pod stays Pending everywhere. */
const NOWHERE = { nodeSelector: { 'example.com/nowhere': 'yes' } }
const STOP_SUSPENDED = { spec: { suspend: false, parallelism: 0, activeDeadlineSeconds: 1 } }

test('a suspended Job says so and has no Pod', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), suspendedJob(target, 'suspended'))
  const found = await untilObject(
    target,
    jobsPath(target, 'suspended'),
    'the condition Suspended',
    (object) => condition(object, 'Suspended') !== undefined,
  )
  assert.deepEqual([condition(found, 'Suspended').reason, condition(found, 'Suspended').message], ['JobSuspended', 'Job suspended'])
  assert.equal(found.status.startTime, undefined)
  assert.deepEqual(await podsOf(target, 'suspended'), [])
})

test('a Job that resumes gets its start time and its Pod', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), { ...suspendedJob(target, 'resumed') })
  await untilObject(
    target,
    jobsPath(target, 'resumed'),
    'the condition Suspended',
    (object) => condition(object, 'Suspended') !== undefined,
  )
  await patch(target, jobsPath(target, 'resumed'), { spec: { suspend: false } })
  const found = await untilObject(target, jobsPath(target, 'resumed'), 'a start', (object) => object.status.startTime !== undefined)
  const suspended = found.status.conditions.find((item: Loose) => item.type === 'Suspended')
  assert.deepEqual([suspended.status, suspended.reason], ['False', 'JobResumed'])
  await until('its Pod', async () => (await podsOf(target, 'resumed'))[0])
})

test('the Pod of a Job carries its labels, its owner, its annotations and the tracking finalizer', async (t) => {
  if (!needsControllers(t, target)) return
  const body = job(target, 'pod-shape', { pod: NOWHERE }) as Loose
  body.spec.template.metadata = { labels: { team: 'web' }, annotations: { note: 'x' } }
  const { body: owner } = await create(target, jobsPath(target), body)
  const pod = await until('its Pod', async () => (await podsOf(target, 'pod-shape'))[0])
  assert.match(pod.metadata.name, /^pod-shape-[a-z0-9]{5}$/)
  assert.equal(pod.metadata.generateName, 'pod-shape-')
  assert.deepEqual(pod.metadata.labels, {
    'batch.kubernetes.io/controller-uid': owner.metadata.uid,
    'batch.kubernetes.io/job-name': 'pod-shape',
    'controller-uid': owner.metadata.uid,
    'job-name': 'pod-shape',
    team: 'web',
  })
  assert.equal(pod.metadata.annotations.note, 'x')
  assert.deepEqual(pod.metadata.finalizers, ['batch.kubernetes.io/job-tracking'])
  assert.deepEqual(pod.metadata.ownerReferences, [
    { apiVersion: 'batch/v1', kind: 'Job', name: 'pod-shape', uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true },
  ])
  const running = await untilObject(target, jobsPath(target, 'pod-shape'), 'one active Pod', (object) => object.status.active === 1)
  assert.deepEqual([running.status.ready, running.status.terminating, running.status.uncountedTerminatedPods], [0, 0, {}])
})

test('a Pod that no node takes is Pending with PodScheduled False, Unschedulable', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), job(target, 'unschedulable', { pod: NOWHERE }))
  const pod = await until('the scheduler to refuse', async () =>
    (await podsOf(target, 'unschedulable')).find((item) =>
      item.status.conditions?.some((found: Loose) => found.type === 'PodScheduled' && found.status === 'False'),
    ),
  )
  assert.equal(pod.status.phase, 'Pending')
  assert.equal(pod.status.conditions[0].reason, 'Unschedulable')
  assert.match(pod.status.conditions[0].message, /nodes? (are )?available/)
})

test('suspend: false, parallelism: 0, activeDeadlineSeconds: 1 ends a suspended Job as Failed without a Pod', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), suspendedJob(target, 'never-started'))
  await untilObject(
    target,
    jobsPath(target, 'never-started'),
    'the condition Suspended',
    (object) => condition(object, 'Suspended') !== undefined,
  )
  await patch(target, jobsPath(target, 'never-started'), STOP_SUSPENDED)
  const found = await untilFinished(target, 'never-started')
  const failed = condition(found, 'Failed')
  assert.deepEqual([failed.reason, failed.message], ['DeadlineExceeded', 'Job was active longer than specified deadline'])
  assert.equal(condition(found, 'FailureTarget').reason, 'DeadlineExceeded')
  assert.equal(found.status.failed, undefined)
  assert.equal(found.status.completionTime, undefined)
  assert.deepEqual(await podsOf(target, 'never-started'), [])
})

test('a TTL patched onto a finished Job deletes it', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), suspendedJob(target, 'expiring'))
  await patch(target, jobsPath(target, 'expiring'), STOP_SUSPENDED)
  await untilFinished(target, 'expiring')
  await patch(target, jobsPath(target, 'expiring'), { spec: { ttlSecondsAfterFinished: 1 } })
  await untilGone(target, jobsPath(target, 'expiring'))
})

test('a finalizer keeps a Job past its TTL until it is taken off', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), suspendedJob(target, 'kept', { finalizers: [OURS] }))
  await patch(target, jobsPath(target, 'kept'), STOP_SUSPENDED)
  await untilFinished(target, 'kept')
  await patch(target, jobsPath(target, 'kept'), { spec: { ttlSecondsAfterFinished: 0 } })
  const found = await untilObject(
    target,
    jobsPath(target, 'kept'),
    'its deletion',
    (object) => object.metadata.deletionTimestamp !== undefined,
  )
  assert.ok(found.metadata.finalizers.includes(OURS))
  await patch(
    target,
    jobsPath(target, 'kept'),
    { metadata: { uid: found.metadata.uid, '$deleteFromPrimitiveList/finalizers': [OURS] } },
    STRATEGIC,
  )
  await untilGone(target, jobsPath(target, 'kept'))
})

test('a deadline stops a Job whose Pod never started: the Pod goes, then the Job is Failed', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), job(target, 'deadline-pending', { pod: NOWHERE }))
  const pod = await until('its Pod', async () => (await podsOf(target, 'deadline-pending'))[0])
  await patch(target, jobsPath(target, 'deadline-pending'), { spec: { activeDeadlineSeconds: 1 } })
  const found = await untilFinished(target, 'deadline-pending')
  assert.equal(condition(found, 'Failed').reason, 'DeadlineExceeded')
  assert.equal(found.status.failed, 1)
  assert.equal(found.status.active, undefined)
  await untilGone(target, corePath(target, 'pods', pod.metadata.name))
})

test('a Job with a finalizer, deleted in the background, leaves its Pod and gets no condition; a deadline still stops it', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), job(target, 'half-deleted', { pod: NOWHERE, metadata: { finalizers: [OURS] } }))
  const pod = await until('its Pod', async () => (await podsOf(target, 'half-deleted'))[0])
  await target.call('DELETE', jobsPath(target, 'half-deleted'), { body: { propagationPolicy: 'Background' } })
  await untilObject(
    target,
    corePath(target, 'pods', pod.metadata.name),
    'the tracking finalizer to go',
    (object) => object.metadata.finalizers === undefined,
  )
  const left = await target.call('GET', jobsPath(target, 'half-deleted'))
  assert.equal(condition(left.body, 'Failed'), undefined)
  assert.equal((await target.call('GET', corePath(target, 'pods', pod.metadata.name))).body.metadata.deletionTimestamp, undefined)
  await patch(target, jobsPath(target, 'half-deleted'), { spec: { activeDeadlineSeconds: 1 } })
  const found = await untilFinished(target, 'half-deleted')
  assert.equal(condition(found, 'Failed').reason, 'DeadlineExceeded')
  await untilGone(target, corePath(target, 'pods', pod.metadata.name))
  await patch(target, jobsPath(target, 'half-deleted'), { metadata: { finalizers: null } })
  await untilGone(target, jobsPath(target, 'half-deleted'))
})

test('a Pod of a Job that is deleted before it ran is replaced', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), job(target, 'replaced-pod', { pod: NOWHERE, spec: { backoffLimit: 3 } }))
  const pod = await until('its Pod', async () => (await podsOf(target, 'replaced-pod'))[0])
  await target.call('DELETE', corePath(target, 'pods', pod.metadata.name))
  const next = await until('another Pod', async () =>
    (await podsOf(target, 'replaced-pod')).find((item) => item.metadata.uid !== pod.metadata.uid),
  )
  assert.notEqual(next.metadata.name, pod.metadata.name)
})
