// Ends that are hard to cause with real containers: written into the status of Pods on kwok nodes, as the kubelet, the scheduler or a controller
// would write them, on the real control plane with its real Job controller.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CALLBACK_SECRET, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type OwnNamespace, ownNamespace } from '../support/real.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const skip = process.env.JOBHOOK_TEST_KWOK === '1' ? false : 'needs kwok nodes: JOBHOOK_TEST_KWOK is not 1'
const NOW = (): string => `${new Date().toISOString().slice(0, 19)}Z`

type Status = Record<string, unknown>
const ended = (exitCode: number, reason: string, more: Status = {}): Status => ({
  containerStatuses: [
    {
      name: 'task',
      image: 'x',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode, reason, startedAt: NOW(), finishedAt: NOW(), ...more } },
    },
  ],
})
const waiting = (reason: string, message: string): Status => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'task', image: 'x', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason, message } } }],
})
const disrupted = (reason: string, message: string): Status => ({
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: NOW() }],
})

interface Row {
  what: string
  /** What is written into the Pod's status. */
  status: () => Status
  /** Then the Pod is deleted, as whoever disrupts it does. */
  deleted?: boolean
  reason: string
  exitCode: number | null
  retryable: boolean
}

const rows: Row[] = [
  {
    what: 'was evicted for using too much of its node’s disk',
    status: () => ({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: ephemeral-storage.',
      ...disrupted('TerminationByKubelet', 'The node was low on resource'),
      ...ended(137, 'Error'),
    }),
    reason: 'evicted',
    exitCode: 137,
    retryable: true,
  },
  {
    what: 'was on a node that shut down',
    status: () => ({
      phase: 'Failed',
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      ...disrupted('TerminationByKubelet', 'Pod was terminated in response to imminent node shutdown.'),
      ...ended(143, 'Error'),
    }),
    reason: 'node_shutdown',
    exitCode: 143,
    retryable: true,
  },
  {
    what: 'was preempted by a Pod of higher priority',
    status: () => disrupted('PreemptionByScheduler', 'default-scheduler: preempting to accommodate a higher priority pod'),
    deleted: true,
    reason: 'preempted',
    exitCode: null,
    retryable: true,
  },
  {
    what: 'was drained from its node through the eviction API',
    status: () => disrupted('EvictionByEvictionAPI', 'Eviction API: evicting'),
    deleted: true,
    reason: 'evicted',
    exitCode: null,
    retryable: true,
  },
  {
    what: 'was on a node that got a NoExecute taint',
    status: () => disrupted('DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint'),
    deleted: true,
    reason: 'node_lost',
    exitCode: null,
    retryable: true,
  },
  {
    what: 'used more memory than its limit',
    status: () => ({ phase: 'Failed', ...ended(137, 'OOMKilled') }),
    reason: 'container_oom',
    exitCode: 137,
    retryable: false,
  },
  {
    what: 'could not be started',
    status: () => ({ phase: 'Failed', ...ended(128, 'ContainerCannotRun', { message: 'exec format error' }) }),
    reason: 'container_start',
    exitCode: 128,
    retryable: false,
  },
  {
    what: 'was killed by a signal',
    status: () => ({ phase: 'Failed', ...ended(134, 'Error') }),
    reason: 'container_exit',
    exitCode: 134,
    retryable: false,
  },
  {
    what: 'waits for an image it may not read',
    status: () =>
      waiting(
        'ImagePullBackOff',
        'Back-off pulling image "x": ErrImagePull: pull access denied, repository does not exist or may require authorization: unauthorized',
      ),
    reason: 'image_pull',
    exitCode: null,
    retryable: false,
  },
  {
    what: 'lacks a key of its ConfigMap',
    status: () => waiting('CreateContainerConfigError', "couldn't find key token in ConfigMap jobs/settings"),
    reason: 'container_create',
    exitCode: null,
    retryable: false,
  },
]

let own: OwnNamespace
let receiver: Receiver
let jobhook: Jobhook
const idOf = (row: Row): string => `kwok-${rows.indexOf(row)}`

before(
  async () => {
    if (skip) return
    own = await ownNamespace('kwok-failures')
    receiver = await startReceiver(CALLBACK_SECRET)
    jobhook = await startJobhook({
      worker_id: 'kwok-failures',
      backend: {
        kubernetes: {
          kubeconfig: own.kubeconfig,
          default_image: 'docker.io/library/busybox:1.36',
          pod_template: {
            containers: [{ name: 'task' }],
            nodeSelector: { type: 'kwok' },
            tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
          },
        },
      },
      callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
      deadlines: { pull: '5s', prepare: '5s' },
    })
    await Promise.all(
      rows.map(async (row) => {
        const accepted = await jobhook.webhook(shellTask(idOf(row), 'true'))
        assert.equal(accepted.status, 202, JSON.stringify(accepted.body))
        const selector = ['-l', `batch.kubernetes.io/job-name=${accepted.body.data.id}`]
        const pod = await until(
          `${row.what}: its Pod runs`,
          () => own.kubectl(['get', 'pod', ...selector, '--field-selector=status.phase=Running', '-o', 'name']).trim(),
          { timeoutMs: 60_000, everyMs: 200 },
        )
        own.kubectl(['patch', pod, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: row.status() })])
        if (row.deleted) own.kubectl(['delete', pod, '--wait=false'])
      }),
    )
  },
  { timeout: 120_000 },
)

after(async () => {
  await jobhook?.stop()
  await receiver?.close()
  own?.remove()
})

for (const row of rows) {
  test(`a task that ${row.what}: ${row.reason}`, { skip }, async () => {
    const { type, data } = await until(`the verdict of ${row.what}`, () => receiver.verdicts(idOf(row))[0], { timeoutMs: 100_000 })
    const seen = JSON.stringify(data)
    assert.deepEqual(
      [type, data.failure_reason, data.exit_code, data.retryable],
      ['task_failed', row.reason, row.exitCode, row.retryable],
      seen,
    )
    assert.equal(receiver.verdicts(idOf(row)).length, 1)
  })
}
