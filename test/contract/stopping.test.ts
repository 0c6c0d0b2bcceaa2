/** Contract: every way to stop what runs: deadline, suspend, deletion, grace, hooks, TTL, and what stays readable of it. Needs a node that runs containers. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  condition,
  corePath,
  create,
  job,
  jobsPath,
  type Loose,
  needsContainers,
  patch,
  podsOf,
  until,
  untilFinished,
  untilGone,
  untilObject,
  untilRunning,
  untilSays,
} from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

const WHOLE_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
/** Ends with 143 on SIGTERM, as a first process that means to. */
const WAITS = ['sh', '-c', 'trap "exit 143" TERM; sleep 300 & wait']

const ended = (pod: Loose): Loose => pod.status.containerStatuses?.[0]?.state.terminated

/** Collects what a watch says of the Pods of one Job until one is DELETED. */
async function podEvents(jobName: string): Promise<{ next(): Promise<Loose>; close(): void }> {
  const { body } = await target.call('GET', `${corePath(target, 'pods')}?limit=1`)
  const query = new URLSearchParams({
    watch: '1',
    timeoutSeconds: '120',
    resourceVersion: body.metadata.resourceVersion,
    labelSelector: `job-name=${jobName}`,
  })
  const stream = await target.stream(`${corePath(target, 'pods')}?${query}`)
  return {
    async next() {
      for (;;) {
        const line = JSON.parse((await stream.line()) ?? '{"type":"END"}')
        assert.notEqual(line.type, 'END', 'the watch ended before the Pod was deleted')
        if (line.type === 'DELETED') return line.object
      }
    },
    close: stream.close,
  }
}

test('a deadline patched onto a running Job: SIGTERM, FailureTarget at once, Failed after the Pod ended', async (t) => {
  if (!needsContainers(t, target)) return
  await create(
    target,
    jobsPath(target),
    job(target, 'stopped', { command: ['sh', '-c', 'trap "sleep 2; exit 5" TERM; echo ready; sleep 300 & wait'] }),
  )
  const pod = await untilRunning(target, 'stopped')
  await untilSays(target, pod.metadata.name, 'ready')
  const events = await podEvents('stopped')
  await patch(target, jobsPath(target, 'stopped'), { spec: { activeDeadlineSeconds: 1 } })
  const stopping = await untilObject(
    target,
    jobsPath(target, 'stopped'),
    'FailureTarget',
    (object) => condition(object, 'FailureTarget') !== undefined,
  )
  assert.equal(condition(stopping, 'Failed'), undefined, 'the Pod still ends')
  assert.deepEqual([condition(stopping, 'FailureTarget').reason, stopping.status.terminating], ['DeadlineExceeded', 1])
  const found = await untilFinished(target, 'stopped')
  assert.deepEqual([condition(found, 'Failed').reason, found.status.failed], ['DeadlineExceeded', 1])
  const gone = await events.next()
  events.close()
  assert.equal(gone.metadata.uid, pod.metadata.uid)
  assert.equal(ended(gone).exitCode, 5, 'the exit code is in the last state the watch shows')
  assert.match(gone.metadata.deletionTimestamp, WHOLE_SECONDS)
  await untilGone(target, corePath(target, 'pods', pod.metadata.name))
})

test('a task that ignores SIGTERM is killed when its grace is over: 137', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = { terminationGracePeriodSeconds: 1 }
  await create(
    target,
    jobsPath(target),
    job(target, 'stubborn', { command: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'], pod }),
  )
  const { metadata } = await untilRunning(target, 'stubborn')
  await untilSays(target, metadata.name, 'ready')
  const events = await podEvents('stubborn')
  await patch(target, jobsPath(target, 'stubborn'), { spec: { activeDeadlineSeconds: 1 } })
  assert.equal(ended(await events.next()).exitCode, 137)
  events.close()
})

test('preStop runs before SIGTERM when Kubernetes stops the container, and not when it ends by itself', async (t) => {
  if (!needsContainers(t, target)) return
  const shared = { volumeMounts: [{ name: 'work', mountPath: '/workspace' }], workingDir: '/workspace' }
  const lifecycle = { preStop: { exec: { command: ['sh', '-c', 'echo hook >> seen'] } } }
  const make = (name: string, command: string[]): Loose => {
    const body = job(target, name, { command, container: { ...shared, lifecycle } }) as Loose
    body.spec.template.spec.volumes = [{ name: 'work', emptyDir: {} }]
    return body
  }
  const script = 'trap "cat seen > /dev/termination-log; exit 4" TERM; echo ready; sleep 300 & wait'
  await create(target, jobsPath(target), make('hook-stopped', ['sh', '-c', script]))
  await create(target, jobsPath(target), make('hook-ended', ['sh', '-c', 'sleep 1; ls > /dev/termination-log']))
  const { metadata } = await untilRunning(target, 'hook-stopped')
  await untilSays(target, metadata.name, 'ready')
  const events = await podEvents('hook-stopped')
  await patch(target, jobsPath(target, 'hook-stopped'), { spec: { activeDeadlineSeconds: 1 } })
  const stopped = ended(await events.next())
  events.close()
  assert.deepEqual([stopped.exitCode, stopped.message], [4, 'hook\n'])
  await untilFinished(target, 'hook-ended')
  const [pod] = await podsOf(target, 'hook-ended')
  assert.equal(ended(pod).message, undefined)
})

test('suspend on a running Job deletes its Pod gracefully; Suspended, and no terminal condition', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, jobsPath(target), job(target, 'paused', { command: WAITS }))
  const pod = await untilRunning(target, 'paused')
  await patch(target, jobsPath(target, 'paused'), { spec: { suspend: true } })
  const found = await untilObject(target, jobsPath(target, 'paused'), 'Suspended', (object) => condition(object, 'Suspended') !== undefined)
  assert.equal(condition(found, 'Failed'), undefined)
  await untilGone(target, corePath(target, 'pods', pod.metadata.name))
  const after = await untilObject(
    target,
    jobsPath(target, 'paused'),
    'nothing active',
    (object) => !object.status.active && !object.status.terminating,
  )
  assert.deepEqual([after.status.failed, condition(after, 'Failed'), condition(after, 'FailureTarget')], [undefined, undefined, undefined])
  await patch(target, jobsPath(target, 'paused'), { spec: { suspend: false } })
  const next = await untilRunning(target, 'paused')
  assert.notEqual(next.metadata.uid, pod.metadata.uid)
})

test('a Pod deleted with a grace period is marked, gets SIGTERM, and goes when it has ended', async (t) => {
  if (!needsContainers(t, target)) return
  const containers = [
    {
      name: 'c',
      image: target.image,
      imagePullPolicy: 'IfNotPresent',
      command: ['sh', '-c', 'trap "sleep 1; exit 6" TERM; echo ready; sleep 300 & wait'],
    },
  ]
  const metadata = { name: 'bare', labels: { 'job-name': 'bare' } }
  await create(target, corePath(target, 'pods'), {
    metadata,
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 20, containers },
  })
  await untilObject(
    target,
    corePath(target, 'pods', 'bare'),
    'running',
    (pod) => pod.status.containerStatuses?.[0]?.state.running !== undefined,
  )
  await untilSays(target, 'bare', 'ready')
  const events = await podEvents('bare')
  const answer = await target.call('DELETE', corePath(target, 'pods', 'bare'), { body: { gracePeriodSeconds: 10 } })
  assert.equal(answer.status, 200)
  assert.deepEqual([answer.body.kind, answer.body.metadata.deletionGracePeriodSeconds], ['Pod', 10])
  const gone = await events.next()
  events.close()
  assert.equal(ended(gone).exitCode, 6)
})

test('a Pod deleted without grace is gone at once', async (t) => {
  if (!needsContainers(t, target)) return
  const containers = [{ name: 'c', image: target.image, imagePullPolicy: 'IfNotPresent', command: WAITS }]
  await create(target, corePath(target, 'pods'), { metadata: { name: 'forced' }, spec: { restartPolicy: 'Never', containers } })
  await untilObject(
    target,
    corePath(target, 'pods', 'forced'),
    'running',
    (pod) => pod.status.containerStatuses?.[0]?.state.running !== undefined,
  )
  await target.call('DELETE', corePath(target, 'pods', 'forced'), { body: { gracePeriodSeconds: 0 } })
  assert.equal((await target.call('GET', corePath(target, 'pods', 'forced'))).status, 404)
})

test('a TTL on a finished Job with a finalizer takes its Pods and keeps the Job', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, jobsPath(target), job(target, 'ttl-held', { metadata: { finalizers: ['example.com/ours'] } }))
  await untilFinished(target, 'ttl-held')
  await patch(target, jobsPath(target, 'ttl-held'), { spec: { ttlSecondsAfterFinished: 0 } })
  await until('its Pods to go', async () => ((await podsOf(target, 'ttl-held')).length === 0 ? true : null))
  const { status, body } = await target.call('GET', jobsPath(target, 'ttl-held'))
  assert.equal(status, 200)
  assert.match(body.metadata.deletionTimestamp, WHOLE_SECONDS)
  assert.ok(body.metadata.finalizers.includes('example.com/ours'))
  await patch(target, jobsPath(target, 'ttl-held'), { metadata: { finalizers: null } })
  await untilGone(target, jobsPath(target, 'ttl-held'))
})

test('a Job with a finalizer, deleted in the background, leaves its Pod running', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, jobsPath(target), job(target, 'left-running', { command: WAITS, metadata: { finalizers: ['example.com/ours'] } }))
  const pod = await untilRunning(target, 'left-running')
  await target.call('DELETE', jobsPath(target, 'left-running'), { body: { propagationPolicy: 'Background' } })
  await untilObject(
    target,
    corePath(target, 'pods', pod.metadata.name),
    'the tracking finalizer to go',
    (object) => object.metadata.finalizers === undefined,
  )
  const { body } = await target.call('GET', corePath(target, 'pods', pod.metadata.name))
  assert.deepEqual([body.metadata.deletionTimestamp, body.status.phase], [undefined, 'Running'])
  await patch(target, jobsPath(target, 'left-running'), { metadata: { finalizers: null } })
  await untilGone(target, corePath(target, 'pods', pod.metadata.name))
})
