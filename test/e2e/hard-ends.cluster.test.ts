// Ends that are hard to cause with real containers: on the real control plane, with its real scheduler, taint manager, eviction API and Job controller,
// and with Pod statuses written as a kubelet would write them. All at once; each is told by its verdict.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CALLBACK_SECRET, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type OwnNamespace, ownNamespace } from '../support/real.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { type HandNodes, startHandNodes } from './hand-node.ts'

const skip =
  process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG && process.env.JOBHOOK_TEST_CONTROLLERS !== '0'
    ? false
    : 'needs a real control plane: JOBHOOK_TEST_ADMIN_KUBECONFIG is not set, or no controller acts on Jobs'
const patient = { timeoutMs: 60_000, everyMs: 200 }

type Status = Record<string, unknown>
const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`
const container = (state: object): Status => ({
  containerStatuses: [{ name: 'task', image: 'x', imageID: '', ready: false, restartCount: 0, state }],
})
const running = (): Status => ({ phase: 'Running', startTime: now(), ...container({ running: { startedAt: now() } }) })
const ended = (exitCode: number, reason: string, more: Status = {}): Status => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  ...container({ terminated: { exitCode, reason, startedAt: now(), finishedAt: now(), ...more } }),
})
const waiting = (reason: string, message: string): Status => ({ phase: 'Pending', ...container({ waiting: { reason, message } }) })
const disrupted = (reason: string, message: string): Status => ({
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: now() }],
})
const refused = (reason: string, message: string): Status => ({ phase: 'Failed', reason, message, containerStatuses: [] })

interface Row {
  what: string
  /** Whether its container ran before. */
  ran: boolean
  /** What is written, or done. */
  end: Status | ((nodes: HandNodes, pod: object) => Promise<void>)
  /** `completed 0`, or `failed REASON EXIT`, and `retryable`. */
  verdict: string
}
const ran = (what: string, end: Row['end'], verdict: string): Row => ({ what, ran: true, end, verdict })
const never = (what: string, end: Row['end'], verdict: string): Row => ({ what, ran: false, end, verdict })

const rows: Row[] = [
  ran('ends well', ended(0, 'Completed'), 'completed 0'),
  ran('ends well after a child of its was killed for its memory', ended(0, 'OOMKilled'), 'completed 0'),
  ran('is killed by a signal', ended(134, 'Error'), 'failed container_exit 134'),
  ran('uses more memory than its limit', ended(137, 'OOMKilled'), 'failed container_oom 137'),
  ran(
    'is evicted for using too much of its node’s disk',
    {
      ...ended(137, 'Error'),
      reason: 'Evicted',
      message: 'The node was low on resource: ephemeral-storage.',
      ...disrupted('TerminationByKubelet', 'low on resource'),
    },
    'failed evicted 137 retryable',
  ),
  ran(
    'is on a node that shuts down',
    {
      ...ended(143, 'Error'),
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      ...disrupted('TerminationByKubelet', 'imminent node shutdown'),
    },
    'failed node_shutdown 143 retryable',
  ),
  ran(
    'cannot be found by its kubelet any more',
    ended(137, 'ContainerStatusUnknown', {
      message: 'The container could not be located when the pod was terminated',
      startedAt: null,
      finishedAt: null,
    }),
    'failed node_lost - retryable',
  ),
  ran('is drained through the eviction API', (nodes, pod) => nodes.evict(pod), 'failed evicted 143 retryable'),
  ran('is on a node that gets a NoExecute taint', (nodes, pod) => nodes.taint(pod), 'failed evicted 143 retryable'),
  ran(
    'is preempted by a Pod of higher priority',
    async (nodes, pod) => {
      await nodes.writeStatus(pod, disrupted('PreemptionByScheduler', 'default-scheduler: preempting to accommodate a higher priority pod'))
      await nodes.delete(pod)
    },
    'failed preempted 143 retryable',
  ),
  ran('has its Pod deleted by a hand', (nodes, pod) => nodes.delete(pod), 'failed deleted 143 retryable'),
  ran('has its Pod deleted by force', (nodes, pod) => nodes.delete(pod, { gracePeriodSeconds: 0 }), 'failed deleted 143 retryable'),
  ran(
    'runs past a deadline of its Pod’s own',
    { ...ended(137, 'Error'), reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' },
    'failed active_deadline 137',
  ),
  never(
    'cannot be started',
    ended(128, 'StartError', { message: 'exec: "nope": executable file not found in $PATH', startedAt: '1970-01-01T00:00:00Z' }),
    'failed container_start 128',
  ),
  never(
    'is refused by its node for want of CPU',
    refused('OutOfcpu', 'Node didn’t have enough resource: cpu'),
    'failed unschedulable - retryable',
  ),
  never(
    'is refused by a device plugin',
    refused('UnexpectedAdmissionError', 'Allocate failed due to no healthy devices present'),
    'failed unschedulable - retryable',
  ),
  never(
    'waits for an image that does not exist',
    waiting(
      'ImagePullBackOff',
      'Back-off pulling image "x": rpc error: code = NotFound desc = failed to resolve reference "x": x: not found',
    ),
    'failed image_pull -',
  ),
  never(
    'waits for an image it may not read',
    waiting('ErrImagePull', 'failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized'),
    'failed image_pull -',
  ),
  never(
    'waits for a registry that does not answer',
    waiting('ImagePullBackOff', 'dial tcp 192.0.2.1:443: i/o timeout'),
    'failed image_pull - retryable',
  ),
  never(
    'has an image whose name cannot be read',
    waiting('InvalidImageName', 'couldn’t parse image name "X": invalid reference format'),
    'failed invalid_image -',
  ),
  never(
    'has an image that is never pulled',
    waiting('ErrImageNeverPull', 'Container image "x" is not present with pull policy of Never'),
    'failed image_pull -',
  ),
  never(
    'lacks a key of its ConfigMap',
    waiting('CreateContainerConfigError', 'couldn’t find key token in ConfigMap jobs/settings'),
    'failed container_create - retryable',
  ),
  never('cannot be created', waiting('CreateContainerError', 'failed to reserve container name'), 'failed container_create - retryable'),
  never('is in a state that nobody knows', waiting('QuantumFlux', 'entangled'), 'failed container_create - retryable'),
]

let own: OwnNamespace
let nodes: HandNodes
let receiver: Receiver
let jobhook: Jobhook
const idOf = (row: Row): string => `hard-${rows.indexOf(row)}`

before(
  async () => {
    if (skip) return
    own = await ownNamespace('hard-ends')
    nodes = await startHandNodes({
      adminKubeconfig: process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? '',
      namespace: own.namespace,
      nodes: rows.length,
    })
    receiver = await startReceiver(CALLBACK_SECRET)
    jobhook = await startJobhook({
      worker_id: 'hard-ends',
      backend: {
        kubernetes: {
          kubeconfig: own.kubeconfig,
          default_image: 'docker.io/library/busybox:1.36',
          pod_template: nodes.podTemplate,
        },
      },
      callback: { url: receiver.url, secrets: [CALLBACK_SECRET], log_tail_bytes: 0 },
      deadlines: { pull: '6s', prepare: '6s' },
    })
    await Promise.all(
      rows.map(async (row) => {
        const accepted = await jobhook.webhook(shellTask(idOf(row), 'true'))
        assert.equal(accepted.status, 202, JSON.stringify(accepted.body))
        const pod = await until(`${row.what}: its Pod has a node`, () => nodes.podOf(accepted.body.data.id), patient)
        if (row.ran) {
          await nodes.writeStatus(pod, running())
          await until(`${row.what}: it is seen to run`, () => receiver.of(idOf(row))[0], patient)
        }
        if (typeof row.end === 'function') await row.end(nodes, pod)
        else await nodes.writeStatus(pod, row.end)
      }),
    )
  },
  { timeout: 180_000 },
)

after(async () => {
  await jobhook?.stop()
  await receiver?.close()
  await nodes?.close()
  own?.remove()
})

for (const row of rows) {
  test(`a task that ${row.what}: ${row.verdict}`, { skip }, async () => {
    const { type, data } = await until(`the verdict of a task that ${row.what}`, () => receiver.verdicts(idOf(row))[0], patient)
    const words = [
      data.failure_reason ? 'failed' : 'completed',
      data.failure_reason,
      data.exit_code ?? '-',
      data.retryable ? 'retryable' : null,
    ]
    assert.equal(words.filter((word) => word !== null && word !== undefined).join(' '), row.verdict, JSON.stringify(data))
    assert.equal(type, data.failure_reason ? 'task_failed' : 'task_completed')
    assert.equal(new Set(receiver.verdicts(idOf(row)).map(({ id }) => id)).size, 1)
  })
}
