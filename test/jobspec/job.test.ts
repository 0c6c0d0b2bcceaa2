// The Job and its Secret as a whole: what is always there, and what the options change.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSpecOptions } from '../../src/jobspec/index.ts'
import { taskNames } from '../../src/jobspec/index.ts'
import { built, options, podOf, secretText, taskOf } from './fixtures.ts'

test('one attempt, one Pod, no retry by Kubernetes', () => {
  const { job } = built()
  const { template, ...spec } = job.spec ?? { template: {} }
  assert.deepEqual(spec, {
    backoffLimit: 0,
    parallelism: 1,
    completions: 1,
    completionMode: 'NonIndexed',
    podReplacementPolicy: 'Failed',
    activeDeadlineSeconds: 120 + 600 + 600 + 60 + 28_800 + 30 + 1800 + 60,
  })
  assert.equal(podOf(built()).restartPolicy, 'Never')
  assert.ok(template)
})

test('the Job carries its identity in labels and annotations', () => {
  const { job, secret } = built(
    { task: { title: 'Fix the build' }, labels: { team: 'web' }, timeout_seconds: 60, priority: 5, env_vars: { TOKEN: 'x' } },
    options(),
    { callbackUrl: 'https://control.example/hooks', traceparent: '00-1-2-01' },
  )
  const names = taskNames({ workerId: 'w1', taskId: 't-42', executionId: 'e-1' })
  const four = {
    'app.kubernetes.io/managed-by': 'jobhook',
    'app.kubernetes.io/name': 'jobhook-task',
    'jobhook.dev/worker': names.workerLabel,
    'jobhook.dev/task': names.taskLabel,
  }
  assert.equal(job.metadata?.name, names.jobName)
  assert.equal(job.metadata?.namespace, 'agents')
  assert.deepEqual(job.metadata?.labels, { 'labels.jobhook.dev/team': 'web', ...four })
  assert.deepEqual(job.spec?.template.metadata?.labels, four)
  assert.deepEqual(secret?.metadata?.labels, four)
  const { 'jobhook.dev/digest': digest, ...annotations } = job.metadata?.annotations ?? {}
  assert.deepEqual(annotations, {
    'jobhook.dev/task-id': 't-42',
    'jobhook.dev/execution-id': 'e-1',
    'jobhook.dev/title': 'Fix the build',
    'jobhook.dev/schema': '1',
    'jobhook.dev/callback-url': 'https://control.example/hooks',
    'jobhook.dev/traceparent': '00-1-2-01',
    'jobhook.dev/secret': `${names.jobName}-n0nce`,
    'jobhook.dev/timeout-seconds': '60',
    'jobhook.dev/priority': '5',
  })
  assert.deepEqual(Object.keys(JSON.parse(digest ?? '')), [
    'command',
    'docker_image',
    'env_vars',
    'labels',
    'priority',
    'task',
    'timeout_seconds',
  ])
})

test('TRACEPARENT is the task’s to read: plain text, weaker than what the assignment or the configuration says, and no part of the name', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const variable = (...args: Parameters<typeof built>) =>
    podOf(built(...args)).containers[0]?.env?.find(({ name }) => name === 'TRACEPARENT')
  assert.equal(variable({}, options()), undefined)
  assert.deepEqual(variable({}, options(), { traceparent }), { name: 'TRACEPARENT', value: traceparent })
  const taskTraceparent = traceparent.replace('00f0', 'aaaa')
  assert.equal(variable({}, options(), { traceparent, taskTraceparent })?.value, taskTraceparent)
  assert.ok(variable({ env_vars: { TRACEPARENT: 'mine' } }, options(), { traceparent })?.valueFrom?.secretKeyRef)
  assert.equal(variable({}, options({ env: [{ name: 'TRACEPARENT', value: '' }] }), { traceparent })?.value, '')
  const [plain, traced] = [built({}, options()), built({}, options(), { traceparent })]
  assert.equal(traced.job.metadata?.name, plain.job.metadata?.name)
  assert.equal(traced.job.metadata?.annotations?.['jobhook.dev/digest'], plain.job.metadata?.annotations?.['jobhook.dev/digest'])
})

test('without an execution_id the task_id stands for it', () => {
  const { job } = built({ execution_id: undefined } as never)
  assert.equal(job.metadata?.annotations?.['jobhook.dev/execution-id'], 't-42')
  assert.equal(job.metadata?.name, taskNames({ workerId: 'w1', taskId: 't-42', executionId: 't-42' }).jobName)
})

const lifetimes: [title: string, given: Partial<JobSpecOptions>, finalizers: string[] | undefined, ttl: number | undefined][] = [
  ['somebody to report to', {}, ['jobhook.dev/report'], undefined],
  ['job_finalizer off', { jobFinalizer: false }, undefined, undefined],
  ['nothing to call', { hasReceiver: false }, undefined, 86_400],
  ['nothing to call and cleanup off', { hasReceiver: false, retentionSeconds: null }, undefined, undefined],
]
for (const [title, given, finalizers, ttl] of lifetimes) {
  test(`${title}: ${finalizers ? 'held by our finalizer' : 'no finalizer'}, ${ttl ? `kept ${ttl} s` : 'no time to live at creation'}`, () => {
    const { job } = built({}, options({}, given))
    assert.deepEqual(job.metadata?.finalizers, finalizers)
    assert.equal(job.spec?.ttlSecondsAfterFinished, ttl)
  })
}

test('the backstop follows the task’s own timeout_seconds', () => {
  const whole = built().job.spec?.activeDeadlineSeconds ?? 0
  assert.equal(built({ timeout_seconds: 60 }).job.spec?.activeDeadlineSeconds, whole - 28_800 + 60)
  assert.equal(built({ timeout_seconds: 999_999 }).job.spec?.activeDeadlineSeconds, whole - 28_800 + 999_999)
})

test('the queue creates a Job suspended; Kueue’s are suspended and name the queue', () => {
  assert.equal(built().job.spec?.suspend, undefined)
  assert.equal(built({}, options(), { suspended: true }).job.spec?.suspend, true)
  const { job } = built({}, options({}, { overflow: 'kueue', kueueQueue: 'agents' }))
  assert.equal(job.spec?.suspend, true)
  assert.equal(job.metadata?.labels?.['kueue.x-k8s.io/queue-name'], 'agents')
})

test('retry_on_disruption lets only a disruption start the Pod again', () => {
  const { job } = built({}, options({}, { retryOnDisruption: true }))
  assert.deepEqual(job.spec?.podFailurePolicy, {
    rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
  })
  assert.equal(job.spec?.backoffLimit, 0)
})

test('the Secret is immutable, named after the Job and the attempt, and absent without secret values', () => {
  const { secret, job } = built({ env_vars: { TOKEN: 'gh-1', 'a b': 'ü' } })
  assert.equal(secret?.immutable, true)
  assert.equal(secret?.metadata?.name, `${job.metadata?.name}-n0nce`)
  assert.equal(secretText(built({ env_vars: { TOKEN: 'gh-1' } }), 'TOKEN'), 'gh-1')
  assert.equal(built().secret, null)
  assert.equal(built().job.metadata?.annotations?.['jobhook.dev/secret'], undefined)
})

test('no value of env_vars is anywhere but in the Secret', () => {
  const result = built(
    { env_vars: { TOKEN: 'very-secret-value', TASK_ID: 'another-secret' } },
    options({ env: [{ name: 'TASK_ID', value: 'set' }] }),
  )
  const elsewhere = JSON.stringify({ ...result, secret: null })
  assert.doesNotMatch(elsewhere, /very-secret-value|another-secret/)
})

test('the same input gives the same manifests', () => {
  const asked = { env_vars: { B: '2', A: '1' }, labels: { x: 'y' } }
  assert.deepEqual(built(asked), built(asked))
})

test('the operator’s labels and annotations are beside ours', () => {
  const { job, secret } = built(
    { env_vars: { A: '1' } },
    options({ extra_labels: { team: 'platform' }, extra_annotations: { 'example.com/note': 'x' } }),
  )
  for (const metadata of [job.metadata, job.spec?.template.metadata]) {
    assert.equal(metadata?.labels?.team, 'platform')
    assert.equal(metadata?.annotations?.['example.com/note'], 'x')
  }
  assert.equal(secret?.metadata?.labels?.team, 'platform')
})

test('safe defaults: no token, no service links, no privilege escalation, the runtime’s seccomp profile', () => {
  const pod = podOf(built())
  assert.equal(pod.automountServiceAccountToken, false)
  assert.equal(pod.enableServiceLinks, false)
  assert.deepEqual(taskOf(built()).securityContext, { allowPrivilegeEscalation: false, seccompProfile: { type: 'RuntimeDefault' } })
})
