/** Contract: what becomes of a container: exit codes, failures to start, environment, sidecars, retries. Needs a node that runs containers. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { condition, corePath, create, job, jobsPath, type Loose, needsContainers, podsOf, untilFinished, untilPod } from './helpers.ts'
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
const waiting = (pod: Loose): Loose => pod.status.containerStatuses?.[0]?.state.waiting

test('a command that succeeds: Pod Succeeded, Job Complete, all counters and times', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, jobsPath(target), job(target, 'success'))
  const found = await untilFinished(target, 'success')
  assert.deepEqual(
    [condition(found, 'Complete').reason, condition(found, 'SuccessCriteriaMet').reason],
    ['CompletionsReached', 'CompletionsReached'],
  )
  assert.deepEqual(
    [found.status.succeeded, found.status.failed, found.status.active, found.status.ready, found.status.terminating],
    [1, undefined, undefined, 0, 0],
  )
  assert.match(found.status.startTime, WHOLE_SECONDS)
  assert.match(found.status.completionTime, WHOLE_SECONDS)
  const [pod] = await podsOf(target, 'success')
  assert.equal(pod.status.phase, 'Succeeded')
  assert.equal(pod.metadata.finalizers, undefined)
  const { exitCode, reason, startedAt, finishedAt } = ended(pod)
  assert.deepEqual([exitCode, reason], [0, 'Completed'])
  assert.match(startedAt, WHOLE_SECONDS)
  assert.match(finishedAt, WHOLE_SECONDS)
  const ready = pod.status.conditions.find((item: Loose) => item.type === 'Ready')
  assert.deepEqual([ready.status, ready.reason], ['False', 'PodCompleted'])
})

const exits: [string, string[], number][] = [
  ['exit 7', ['sh', '-c', 'exit 7'], 7],
  ['a shell that finds no command', ['sh', '-c', 'not-a-command'], 127],
  ['a child killed by a signal', ['sh', '-c', 'sleep 60 & kill -9 $!; wait $!'], 137],
]
for (const [what, command, exitCode] of exits) {
  test(`${what} is exit code ${exitCode}: Pod Failed, Job Failed with BackoffLimitExceeded`, async (t) => {
    if (!needsContainers(t, target)) return
    const name = `exit-${exitCode}`
    await create(target, jobsPath(target), job(target, name, { command }))
    const found = await untilFinished(target, name)
    const failed = condition(found, 'Failed')
    assert.deepEqual([failed.reason, failed.message], ['BackoffLimitExceeded', 'Job has reached the specified backoff limit'])
    assert.equal(condition(found, 'FailureTarget').reason, 'BackoffLimitExceeded')
    assert.deepEqual([found.status.failed, found.status.succeeded], [1, undefined])
    const [pod] = await podsOf(target, name)
    assert.equal(pod.status.phase, 'Failed')
    assert.deepEqual([ended(pod).exitCode, ended(pod).reason], [exitCode, 'Error'])
  })
}

test('a command that is not there is StartError with exit code 128, and the Pod fails', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, jobsPath(target), job(target, 'no-command', { command: ['not-a-command'] }))
  await untilFinished(target, 'no-command')
  const [pod] = await podsOf(target, 'no-command')
  assert.deepEqual([ended(pod).exitCode, ended(pod).reason, pod.status.phase], [128, 'StartError', 'Failed'])
  assert.match(ended(pod).message, /exec: "not-a-command": executable file not found in \$PATH/)
  assert.equal(ended(pod).startedAt, '1970-01-01T00:00:00Z')
})

test('a Secret that is missing: the container waits as CreateContainerConfigError, and starts when the Secret comes', async (t) => {
  if (!needsContainers(t, target)) return
  const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'late', key: 'token' } } }]
  await create(
    target,
    jobsPath(target),
    job(target, 'late-secret', { command: ['sh', '-c', 'test "$TOKEN" = s3cret'], container: { env } }),
  )
  const pod = await untilPod(
    target,
    'late-secret',
    'waiting for the Secret',
    (item) => waiting(item)?.reason === 'CreateContainerConfigError',
  )
  assert.equal(waiting(pod).message, 'secret "late" not found')
  assert.equal(pod.status.phase, 'Pending')
  await create(target, corePath(target, 'secrets'), { metadata: { name: 'late' }, stringData: { token: 's3cret' } })
  assert.ok(condition(await untilFinished(target, 'late-secret'), 'Complete'))
})

test('a key that is missing in a Secret is CreateContainerConfigError too', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, corePath(target, 'secrets'), { metadata: { name: 'keyless' }, stringData: { a: '1' } })
  const env = [{ name: 'B', valueFrom: { secretKeyRef: { name: 'keyless', key: 'b' } } }]
  await create(target, jobsPath(target), job(target, 'missing-key', { container: { env } }))
  const pod = await untilPod(target, 'missing-key', 'waiting', (item) => waiting(item)?.reason === 'CreateContainerConfigError')
  assert.equal(waiting(pod).message, `couldn't find key b in Secret ${target.namespace}/keyless`)
})

const images: [string, string, string, RegExp][] = [
  ['no-registry', 'missing.invalid/nothing:1', 'IfNotPresent', /^(ErrImagePull|ImagePullBackOff)$/],
  ['never-pulled', 'missing.invalid/nothing:1', 'Never', /^ErrImageNeverPull$/],
  ['bad-reference', 'Not/Valid:Image', 'IfNotPresent', /^InvalidImageName$/],
]
for (const [name, image, imagePullPolicy, reason] of images) {
  test(`image ${image} with policy ${imagePullPolicy} waits as ${reason.source}; the Job stays active`, async (t) => {
    if (!needsContainers(t, target)) return
    await create(target, jobsPath(target), job(target, name, { container: { image, imagePullPolicy } }))
    const pod = await untilPod(target, name, `waiting as ${reason.source}`, (item) => reason.test(waiting(item)?.reason ?? ''))
    assert.equal(pod.status.phase, 'Pending')
    assert.notEqual(waiting(pod).message ?? '', '')
    const { body } = await target.call('GET', jobsPath(target, name))
    assert.equal(body.status.active, 1)
    if (imagePullPolicy === 'IfNotPresent' && image.includes('invalid/')) {
      await untilPod(target, name, 'ImagePullBackOff', (item) => waiting(item)?.reason === 'ImagePullBackOff')
    }
    await target.call('DELETE', jobsPath(target, name), { body: { propagationPolicy: 'Background' } })
  })
}

test('the environment: values in order, $(NAME) expanded, $$(NAME) literal, Secrets, ConfigMaps and the Pod itself', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, corePath(target, 'secrets'), { metadata: { name: 'env' }, stringData: { 'a.b': 'dotted', PLAIN: 'from-secret' } })
  await create(target, corePath(target, 'configmaps'), { metadata: { name: 'env' }, data: { SETTING: 'from-map' } })
  const env = [
    { name: 'FIRST', value: 'one' },
    { name: 'SECOND', value: '$(FIRST) two $(LATER) $(NONE) $$(FIRST)' },
    { name: 'LATER', value: 'three' },
    { name: 'DOTTED', valueFrom: { secretKeyRef: { name: 'env', key: 'a.b' } } },
    { name: 'SETTING', valueFrom: { configMapKeyRef: { name: 'env', key: 'SETTING' } } },
    { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['job-name']" } } },
    { name: 'ABSENT', valueFrom: { secretKeyRef: { name: 'none', key: 'x', optional: true } } },
  ]
  const script =
    'echo "$1"; printf "%s|" "$SECOND" "$DOTTED" "$SETTING" "$LABEL" "$PLAIN" "${ABSENT-unset}"; [ "$POD" = "$HOSTNAME" ] && echo same'
  const container = { env, envFrom: [{ secretRef: { name: 'env' } }], args: ['task', 'arg $(FIRST) $$(FIRST)'] }
  await create(target, jobsPath(target), job(target, 'environment', { command: ['sh', '-c', script], container }))
  await untilFinished(target, 'environment')
  const [pod] = await podsOf(target, 'environment')
  const { text } = await target.call('GET', `${corePath(target, 'pods', pod.metadata.name)}/log`, { accept: '*/*' })
  assert.equal(text, 'arg one $(FIRST)\none two $(LATER) $(NONE) $(FIRST)|dotted|from-map|environment|from-secret|unset|same\n')
})

test('what a container writes to its termination log is its message', async (t) => {
  if (!needsContainers(t, target)) return
  await create(
    target,
    jobsPath(target),
    job(target, 'message', { command: ['sh', '-c', 'printf \'{"answer":42}\' > /dev/termination-log'] }),
  )
  await untilFinished(target, 'message')
  const [pod] = await podsOf(target, 'message')
  assert.equal(ended(pod).message, '{"answer":42}')
})

test('FallbackToLogsOnError makes the end of the log the message of a failure', async (t) => {
  if (!needsContainers(t, target)) return
  const container = { terminationMessagePolicy: 'FallbackToLogsOnError' }
  await create(target, jobsPath(target), job(target, 'fallback', { command: ['sh', '-c', 'echo what went wrong; exit 3'], container }))
  await untilFinished(target, 'fallback')
  const [pod] = await podsOf(target, 'fallback')
  assert.equal(ended(pod).message, 'what went wrong\n')
})

test('init containers run in order, before the task, and share its emptyDir', async (t) => {
  if (!needsContainers(t, target)) return
  const volumeMounts = [{ name: 'work', mountPath: '/workspace' }]
  const shared = { image: target.image, imagePullPolicy: 'IfNotPresent', volumeMounts, workingDir: '/workspace' }
  const initContainers = [
    { ...shared, name: 'one', command: ['sh', '-c', 'echo one >> order'] },
    { ...shared, name: 'two', command: ['sh', '-c', 'echo two >> order'] },
  ]
  const container = { volumeMounts, workingDir: '/workspace/sub' }
  const pod = { initContainers, volumes: [{ name: 'work', emptyDir: {} }] }
  const body = job(target, 'init-order', { command: ['sh', '-c', 'cat ../order'], container }) as Loose
  Object.assign(body.spec.template.spec, pod)
  await create(target, jobsPath(target), body)
  await untilFinished(target, 'init-order')
  const [found] = await podsOf(target, 'init-order')
  const { text } = await target.call('GET', `${corePath(target, 'pods', found.metadata.name)}/log?container=task`, { accept: '*/*' })
  assert.equal(text, 'one\ntwo\n')
  assert.deepEqual(
    found.status.initContainerStatuses.map((status: Loose) => [status.name, status.ready, status.state.terminated.exitCode]),
    [
      ['one', true, 0],
      ['two', true, 0],
    ],
  )
})

test('an init container that fails ends the Pod; the task never starts', async (t) => {
  if (!needsContainers(t, target)) return
  const body = job(target, 'init-fails') as Loose
  body.spec.template.spec.initContainers = [
    { name: 'prepare', image: target.image, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'exit 9'] },
  ]
  await create(target, jobsPath(target), body)
  await untilFinished(target, 'init-fails')
  const [pod] = await podsOf(target, 'init-fails')
  assert.equal(pod.status.phase, 'Failed')
  assert.equal(pod.status.initContainerStatuses[0].state.terminated.exitCode, 9)
  assert.equal(waiting(pod).reason, 'PodInitializing')
})

test('a native sidecar runs beside the task and is ended after it; its end is not the verdict', async (t) => {
  if (!needsContainers(t, target)) return
  const body = job(target, 'sidecar', { command: ['sh', '-c', 'sleep 1; exit 0'] }) as Loose
  body.spec.template.spec.initContainers = [
    { name: 'side', image: target.image, imagePullPolicy: 'IfNotPresent', restartPolicy: 'Always', command: WAITS },
  ]
  await create(target, jobsPath(target), body)
  assert.ok(condition(await untilFinished(target, 'sidecar'), 'Complete'))
  const [pod] = await podsOf(target, 'sidecar')
  assert.equal(pod.status.phase, 'Succeeded')
  assert.equal(ended(pod).exitCode, 0)
  assert.equal(pod.status.initContainerStatuses[0].state.terminated.exitCode, 143)
})

test('with a backoffLimit, a failed Pod is followed by another and both count', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, jobsPath(target), job(target, 'retried', { command: ['sh', '-c', 'exit 1'], spec: { backoffLimit: 1 } }))
  const found = await untilFinished(target, 'retried')
  assert.equal(condition(found, 'Failed').reason, 'BackoffLimitExceeded')
  assert.equal(found.status.failed, 2)
  assert.equal((await podsOf(target, 'retried')).length, 2)
})

test('memory limits', (t) => {
  if (target.kind === 'embedded') return t.skip('the embedded cluster limits no memory: a process of this machine is not killed for OOM')
  if (!needsContainers(t, target)) return
  return oom()
})

async function oom(): Promise<void> {
  const container = { resources: { limits: { memory: '16Mi' } } }
  await create(target, jobsPath(target), job(target, 'oom', { command: ['sh', '-c', 'exec tail /dev/zero'], container }))
  await untilFinished(target, 'oom')
  const [pod] = await podsOf(target, 'oom')
  assert.deepEqual([ended(pod).exitCode, ended(pod).reason], [137, 'OOMKilled'])
}
