// From the API's objects to what is kept: the right fields, nothing more, and no object with a name and uid that cannot be read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { projectJob, projectPod } from '../../src/model/project.ts'

const meta = { name: 'task-1', uid: 'u-1' }
const container = (status: unknown, spec: Record<string, unknown> = {}) =>
  projectPod({
    metadata: meta,
    spec: { containers: [{ name: 'task', image: 'i', ...spec }] },
    status: { containerStatuses: [{ name: 'task', state: status }] },
  }).containers[0]

test('a Job as the API sends it', () => {
  const job = projectJob({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...meta,
      resourceVersion: '17',
      generation: 3,
      creationTimestamp: '2026-11-24T12:00:00Z',
      deletionTimestamp: '2026-11-24T12:05:00Z',
      labels: {
        'jobhook.dev/worker': 'w',
        'labels.jobhook.dev/team': 'web',
        'app.kubernetes.io/name': 'jobhook-task',
        'kueue.x-k8s.io/queue-name': 'q',
        team: 'not ours',
      },
      annotations: {
        'jobhook.dev/task-id': 't-1',
        'jobhook.dev/stop': '{}',
        'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(9000),
      },
      finalizers: ['foregroundDeletion', 'jobhook.dev/report'],
    },
    spec: { suspend: true, parallelism: 0, activeDeadlineSeconds: 1, ttlSecondsAfterFinished: 60, managedBy: 'kueue.x-k8s.io/multikueue' },
    status: {
      startTime: '2026-11-24T12:00:01Z',
      completionTime: '2026-11-24T12:00:09Z',
      active: 1,
      succeeded: 2,
      failed: 3,
      conditions: [
        { type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'm', lastTransitionTime: '2026-11-24T12:00:08Z' },
      ],
    },
  })
  assert.deepEqual(job, {
    name: 'task-1',
    uid: 'u-1',
    resourceVersion: '17',
    generation: 3,
    createdMs: Date.UTC(2026, 10, 24, 12),
    deletedMs: Date.UTC(2026, 10, 24, 12, 5),
    labels: {
      'jobhook.dev/worker': 'w',
      'labels.jobhook.dev/team': 'web',
      'app.kubernetes.io/name': 'jobhook-task',
      'kueue.x-k8s.io/queue-name': 'q',
    },
    annotations: { 'task-id': 't-1', stop: '{}' },
    held: true,
    suspended: true,
    parallelism: 0,
    activeDeadlineSeconds: 1,
    ttlSecondsAfterFinished: 60,
    managedByOther: true,
    startMs: Date.UTC(2026, 10, 24, 12, 0, 1),
    completionMs: Date.UTC(2026, 10, 24, 12, 0, 9),
    active: 1,
    succeeded: 2,
    failed: 3,
    conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'm', atMs: Date.UTC(2026, 10, 24, 12, 0, 8) }],
  })
})

test('a Job with nothing but a name has the defaults of the API', () => {
  const job = projectJob({ metadata: meta })
  assert.deepEqual(
    [job.suspended, job.parallelism, job.held, job.managedByOther, job.activeDeadlineSeconds],
    [false, 1, false, false, null],
  )
  assert.deepEqual([job.createdMs, job.deletedMs, job.startMs, job.active, job.conditions], [0, null, null, 0, []])
  assert.equal(job.retriesDisruption, undefined)
})

test('the Job controller’s own managedBy is nobody else', () => {
  assert.equal(projectJob({ metadata: meta, spec: { managedBy: 'kubernetes.io/job-controller' } }).managedByOther, false)
})

test('a Job that ignores disruptions says so; one that only ignores exit codes does not', () => {
  const policy = (rule: object) => projectJob({ metadata: meta, spec: { podFailurePolicy: { rules: [rule] } } }).retriesDisruption
  assert.equal(policy({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }), true)
  assert.equal(policy({ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }), undefined)
  assert.equal(policy({ action: 'Ignore', onExitCodes: { operator: 'In', values: [42] } }), undefined)
})

test('containers come in the order they run, each with its role, whatever the order of the statuses', () => {
  const pod = projectPod({
    metadata: {
      ...meta,
      ownerReferences: [
        { kind: 'Thing', uid: 'other' },
        { kind: 'Job', uid: 'j-1', controller: true },
      ],
    },
    spec: {
      nodeName: 'n1',
      initContainers: [
        { name: 'copy-sidecar-0', image: 's' },
        { name: 'proxy', image: 'p', restartPolicy: 'Always' },
        { name: 'setup', image: 'i' },
      ],
      containers: [
        { name: 'helper', image: 'h' },
        { name: 'task', image: 'i' },
      ],
    },
    status: {
      phase: 'Running',
      nominatedNodeName: 'n2',
      containerStatuses: [
        {
          name: 'task',
          restartCount: 2,
          state: { running: { startedAt: '2026-11-24T12:00:01Z' } },
          lastState: { terminated: { exitCode: 1 } },
        },
      ],
      initContainerStatuses: [
        { name: 'setup', state: { waiting: { reason: 'PodInitializing' } } },
        { name: 'copy-sidecar-0', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      ],
    },
  })
  assert.deepEqual(
    pod.containers.map(({ name, role, state, restarts }) => [name, role, state?.kind ?? null, restarts]),
    [
      ['copy-sidecar-0', 'init', 'terminated', 0],
      ['proxy', 'sidecar', null, 0],
      ['setup', 'init', 'waiting', 0],
      ['helper', 'other', null, 0],
      ['task', 'task', 'running', 2],
    ],
  )
  assert.equal(pod.containers[4]?.lastState?.kind, 'terminated')
  assert.deepEqual([pod.jobUid, pod.node, pod.nominatedNode, pod.phase, pod.gone], ['j-1', 'n1', 'n2', 'Running', false])
})

test('an init container called task is not the task', () => {
  const pod = projectPod({ metadata: meta, spec: { initContainers: [{ name: 'task' }], containers: [{ name: 'main' }] } })
  assert.deepEqual(
    pod.containers.map(({ role }) => role),
    ['init', 'other'],
  )
})

test('when a Pod’s deletion was asked for is its deletionTimestamp less the grace period', () => {
  const pod = projectPod({ metadata: { ...meta, deletionTimestamp: '2026-11-24T12:00:40Z', deletionGracePeriodSeconds: 30 } })
  assert.deepEqual([pod.deletedMs, pod.deletionGraceSeconds], [Date.UTC(2026, 10, 24, 12, 0, 10), 30])
  const forced = projectPod({ metadata: { ...meta, deletionTimestamp: '2026-11-24T12:00:40Z', deletionGracePeriodSeconds: 0 } })
  // The kubelet's last deletion has 0 too and overwrites the time: the request may be as old as the Pod's grace period (30 s by default).
  assert.deepEqual([forced.deletedMs, forced.deletionGraceSeconds], [Date.UTC(2026, 10, 24, 12, 0, 10), 0])
  const quick = projectPod({
    metadata: { ...meta, deletionTimestamp: '2026-11-24T12:00:40Z', deletionGracePeriodSeconds: 0 },
    spec: { terminationGracePeriodSeconds: 5 },
  })
  assert.equal(quick.deletedMs, Date.UTC(2026, 10, 24, 12, 0, 35))
  assert.equal('deletionGraceSeconds' in projectPod({ metadata: meta }), false)
})

test('of a Pod’s conditions only those that decide are kept', () => {
  const types = [
    'Initialized',
    'Ready',
    'ContainersReady',
    'PodScheduled',
    'PodReadyToStartContainers',
    'DisruptionTarget',
    'example.org/gate',
  ]
  const pod = projectPod({ metadata: meta, status: { conditions: types.map((type) => ({ type, status: 'True' })) } })
  assert.deepEqual(
    pod.conditions.map(({ type }) => type),
    ['PodScheduled', 'PodReadyToStartContainers', 'DisruptionTarget'],
  )
})

test('a zero time is no time, whoever’s zero it is', () => {
  for (const startedAt of ['1970-01-01T00:00:00Z', '0001-01-01T00:00:00Z', null, '', 'soon', 12]) {
    const state = container({ running: { startedAt } })?.state
    assert.deepEqual(state, { kind: 'running', startedMs: null })
  }
})

test('a terminated container: code, signal, reason, message, times', () => {
  assert.deepEqual(
    container({
      terminated: {
        exitCode: 143,
        signal: 15,
        reason: 'Error',
        message: 'bye',
        startedAt: '2026-11-24T12:00:01Z',
        finishedAt: '2026-11-24T12:00:02Z',
      },
    })?.state,
    {
      kind: 'terminated',
      exitCode: 143,
      signal: 15,
      reason: 'Error',
      message: 'bye',
      startedMs: Date.UTC(2026, 10, 24, 12, 0, 1),
      finishedMs: Date.UTC(2026, 10, 24, 12, 0, 2),
    },
  )
})

test('a termination without an exit code is not taken for a success', () => {
  assert.equal(container({ terminated: { reason: 'Completed' } })?.state, null)
})

test('an object without name or uid is refused: there is nothing to file it under', () => {
  for (const raw of [
    null,
    undefined,
    1,
    'x',
    [],
    {},
    { metadata: {} },
    { metadata: { name: 'a' } },
    { metadata: { uid: 'a' } },
    { metadata: { name: '', uid: '' } },
  ]) {
    assert.throws(() => projectJob(raw), TypeError)
    assert.throws(() => projectPod(raw), TypeError)
  }
})

test('any JSON under a name and uid can be read', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom('labels', 'annotations', 'finalizers', 'ownerReferences', 'creationTimestamp', 'deletionTimestamp'),
        fc.jsonValue(),
      ),
      (spec, status, extra) => {
        const raw = { metadata: { ...extra, ...meta }, spec, status }
        const job = projectJob(raw)
        const pod = projectPod(raw)
        assert.equal(job.name, pod.name)
        for (const ms of [job.createdMs, job.deletedMs, job.startMs, pod.createdMs, pod.deletedMs])
          assert.ok(ms === null || Number.isFinite(ms))
      },
    ),
    { numRuns: 300 },
  )
})

test('the same text is kept once for thousands of objects, and a stream of new texts does not pile up', () => {
  const node = () => projectPod({ metadata: meta, spec: { nodeName: ['node', 'with', 'a', 'long', 'name'].join('-') } }).node
  assert.equal(node(), node())
  for (let i = 0; i < 10_000; i++) projectPod({ metadata: meta, spec: { nodeName: `node-${i}` } })
  assert.equal(node(), 'node-with-a-long-name')
})
