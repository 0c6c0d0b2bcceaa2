// What can go wrong with a task, caused for real in containers on a real node, and what the control plane is told about it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { calledFailed } from '../support/called-failed.ts'
import { CALLBACK_SECRET, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type OwnNamespace, ownNamespace } from '../support/real.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const skip = process.env.JOBHOOK_TEST_NODE === 'real' ? false : 'needs containers: JOBHOOK_TEST_NODE is not real'
const IMAGE = 'docker.io/library/busybox:1.36'
const TRAPPED = "trap 'echo told to stop; exit 0' TERM; while true; do sleep 0.2; done"

interface Told {
  type: string
  state?: string
  reason?: string
  exitCode?: number | null
  says?: RegExp
  log?: RegExp
}

interface Row {
  what: string
  /** backend.kubernetes of the jobhook that runs it; the same object is the same jobhook. */
  kubernetes?: Record<string, unknown>
  data: Record<string, unknown>
  /** Done to it once it runs (or, with `early`, once it is accepted). */
  act?: (jobhook: Jobhook, id: string, taskId: string) => unknown
  early?: boolean
  told: Told
}

const sh = (script: string, more: Record<string, unknown> = {}) => ({ command: ['/bin/sh', '-c'], args: [script], ...more })
const completed = (more: Partial<Told> = {}): Told => ({ type: 'task_completed', exitCode: 0, ...more })
const failed = (reason: string, exitCode: number | null, more: Partial<Told> = {}): Told => ({
  type: 'task_failed',
  reason,
  exitCode,
  ...more,
})
const cancelled = (more: Partial<Told> = {}): Told => ({ type: 'task_completed', state: 'CANCELLED', ...more })

const plain = {}
const withSetup = { setup_command: 'echo preparing; exit 9' }
const missingKey = {
  pod_template: {
    containers: [{ name: 'task', env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'settings', key: 'absent' } } }] }],
  },
}
const missingVolume = {
  pod_template: {
    containers: [{ name: 'task', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    volumes: [{ name: 'v', configMap: { name: 'no-such-map' } }],
  },
}
const nowhere = { node_selector: { 'no-such-label': 'x' } }
const never = { image_pull_policy: 'Never' }
const lingering = { pod_template: { containers: [{ name: 'task' }, { name: 'proxy', image: IMAGE, command: ['/bin/sh', '-c', TRAPPED] }] } }
const native = {
  pod_template: {
    containers: [{ name: 'task' }],
    initContainers: [{ name: 'proxy', image: IMAGE, restartPolicy: 'Always', command: ['/bin/sh', '-c', TRAPPED] }],
  },
}
const teardown = { teardown_command: 'echo tearing down; exit 5' }

const rows: Row[] = [
  { what: 'exits with 1', data: sh('echo no; exit 1'), told: failed('container_exit', 1, { log: /no\n/ }) },
  {
    what: 'is killed by a signal of its own',
    data: sh("sh -c 'kill -SEGV $$'; exit $?"),
    told: failed('container_exit', 139, { says: /SIGSEGV/ }),
  },
  { what: 'ends with JSON in its termination message', data: sh('echo \'{"answer":42}\' > /dev/termination-log'), told: completed() },
  { what: 'has a command that does not exist', data: { command: ['/no/such/command'] }, told: failed('container_start', 128) },
  { what: 'has a command that is no program', data: { command: ['/etc'] }, told: failed('container_start', 128) },
  {
    what: 'has an image that does not exist',
    data: sh('true', { docker_image: 'registry.example/none:1' }),
    told: failed('image_pull', null),
  },
  {
    what: 'has an image reference that is none',
    data: sh('true', { docker_image: 'registry.example/UPPER/case:1' }),
    told: failed('invalid_image', null),
  },
  {
    what: 'has an image that may not be pulled',
    kubernetes: never,
    data: sh('true', { docker_image: 'registry.example/none:1' }),
    told: failed('image_pull', null, { says: /ErrImageNeverPull/ }),
  },
  {
    what: 'uses more memory than it may',
    data: sh('exec tail /dev/zero', { instance_shape: { vcpus: 1, memory_gb: 0.03 } }),
    told: { type: 'task_failed' },
  },
  {
    what: 'runs longer than its timeout',
    data: sh(TRAPPED, { timeout_seconds: 2 }),
    told: failed('task_timeout', 0, { log: /told to stop/ }),
  },
  {
    what: 'is cancelled while it runs, and exits politely',
    data: sh(TRAPPED),
    act: (jobhook, _id, taskId) => jobhook.webhook({ type: 'task_cancellation', data: { task_id: taskId } }),
    told: cancelled({ exitCode: 0 }),
  },
  {
    what: 'is cancelled before it has a Pod',
    data: sh(TRAPPED),
    early: true,
    act: (jobhook, _id, taskId) => jobhook.webhook({ type: 'task_cancellation', data: { task_id: taskId } }),
    told: cancelled(),
  },
  {
    what: 'is cancelled while it waits for a node',
    kubernetes: nowhere,
    data: sh('true'),
    early: true,
    act: (jobhook, _id, taskId) => jobhook.webhook({ type: 'task_cancellation', data: { task_id: taskId } }),
    told: cancelled({ exitCode: null }),
  },
  { what: 'finds no node', kubernetes: nowhere, data: sh('true'), told: failed('unschedulable', null, { says: /no-such-label|node/i }) },
  {
    what: 'has its Job deleted by hand',
    data: sh(TRAPPED),
    act: (_jobhook, id) => own.kubectl(['delete', 'job', id, '--wait=false']),
    told: failed('deleted', 0),
  },
  {
    what: 'has its Pod deleted by hand',
    data: sh(TRAPPED),
    act: (_jobhook, id) => own.kubectl(['delete', 'pod', '-l', `batch.kubernetes.io/job-name=${id}`, '--wait=false']),
    told: { type: 'task_failed' },
  },
  {
    what: 'is ended by Kubernetes’ own deadline',
    data: sh(TRAPPED),
    act: (_jobhook, id) => own.kubectl(['patch', 'job', id, '-p', '{"spec":{"activeDeadlineSeconds":1}}']),
    told: failed('active_deadline', 0),
  },
  {
    // Its controller says so of a Pod that it has lost sight of (seen after the end of an API server), and looks at the Job no more.
    what: 'runs on although its Job is called failed',
    data: sh(TRAPPED),
    act: (_jobhook, id) => own.kubectl(['patch', 'job', id, '--subresource=status', '-p', calledFailed()]),
    told: failed('deleted', 0),
  },
  { what: 'fails in its setup', kubernetes: withSetup, data: sh('true'), told: failed('setup_command', 9, { says: /9/ }) },
  {
    what: 'needs a key that its ConfigMap lacks',
    kubernetes: missingKey,
    data: sh('true'),
    told: failed('container_create', null, { says: /absent/ }),
  },
  { what: 'needs a volume that does not exist', kubernetes: missingVolume, data: sh('true'), told: failed('volume_mount', null) },
  { what: 'ends while another container runs on', kubernetes: lingering, data: sh('exit 4'), told: failed('container_exit', 4) },
  { what: 'ends while a native sidecar runs', kubernetes: native, data: sh('exit 0'), told: completed() },
  { what: 'ends well, but its teardown fails', kubernetes: teardown, data: sh('exit 0'), told: completed({ says: /teardown/i }) },
]

let own: OwnNamespace
let receiver: Receiver
const services = new Map<object, Jobhook>()
const jobhookOf = (row: Row): Jobhook => {
  const found = services.get(row.kubernetes ?? plain)
  assert.ok(found, 'its jobhook runs')
  return found
}
const idOf = (row: Row): string => `fail-${rows.indexOf(row)}`

before(
  async () => {
    if (skip) return
    own = await ownNamespace('failures')
    own.kubectl(['create', 'configmap', 'settings', '--from-literal=present=1'])
    receiver = await startReceiver(CALLBACK_SECRET)
    const kinds = [...new Set(rows.map((row) => row.kubernetes ?? plain))]
    await Promise.all(
      kinds.map(async (kubernetes, index) => {
        const jobhook = await startJobhook({
          worker_id: `failures-${index}`,
          backend: { kubernetes: { kubeconfig: own.kubeconfig, default_image: IMAGE, ...kubernetes } },
          callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
          deadlines: {
            ...(kubernetes === nowhere ? { schedule: '12s' } : {}),
            pull: '12s',
            prepare: '12s',
            sidecar_grace: '2s',
            drain_delay: '100ms',
          },
        })
        services.set(kubernetes, jobhook)
      }),
    )
    // All at once: each waits for its own end, so the whole takes as long as the slowest.
    await Promise.all(
      rows.map(async (row) => {
        const taskId = idOf(row)
        const jobhook = jobhookOf(row)
        const accepted = await jobhook.webhook({ ...shellTask(taskId, ''), data: { task_id: taskId, ...row.data } })
        assert.equal(accepted.status, 202, JSON.stringify(accepted.body))
        if (!row.act) return
        if (!row.early) await until(`${row.what}: it runs`, () => receiver.of(taskId)[0], { timeoutMs: 60_000 })
        await row.act(jobhook, accepted.body.data.id, taskId)
      }),
    )
  },
  { timeout: 120_000 },
)

after(async () => {
  await Promise.all([...services.values()].map((jobhook) => jobhook.stop()))
  await receiver?.close()
  own?.remove()
})

for (const row of rows) {
  test(`a task that ${row.what}: ${row.told.state ?? row.told.reason ?? row.told.type}`, { skip }, async () => {
    const { type, data } = await until(`the verdict of ${row.what}`, () => receiver.verdicts(idOf(row))[0], { timeoutMs: 110_000 })
    const { told } = row
    const seen = JSON.stringify({ type, ...data })
    assert.equal(type, told.type, seen)
    assert.equal(data.task_state, told.state, seen)
    if (told.reason !== undefined) assert.equal(data.failure_reason, told.reason, seen)
    if (told.exitCode !== undefined) assert.equal(data.exit_code, told.exitCode, seen)
    if (told.says) assert.match(seen, told.says)
    if (told.log) assert.match(data.detail?.log_tail ?? '', told.log, seen)
    assert.equal(receiver.verdicts(idOf(row)).length, 1)
  })
}

test('nothing is left over: no Secret, no held Job, no Pod that runs', { skip }, async () => {
  await until('all closed', () => own.kubectl(['get', 'jobs', '-o', 'jsonpath={.items[*].metadata.finalizers}']).trim() === '', {
    timeoutMs: 60_000,
    everyMs: 500,
  })
  assert.equal(own.kubectl(['get', 'secrets', '-o', 'name']).trim(), '')
  assert.equal(own.kubectl(['get', 'pods', '--field-selector=status.phase=Running', '-o', 'name']).trim(), '')
})
