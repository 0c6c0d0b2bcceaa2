// A task that has not started: what it waits for, from when that counts, and what it fails of when the time is up. The table's deadlines: create
// 60 s, schedule 120 s, pull 600 s, prepare 300 s; a Pod without troubles is created at 12:00:01 and has its node at 12:00:02.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { condition, exited, type Look, line, look, ms, type PodSketch, running, scheduled, unschedulable, waiting } from './raw.ts'

const NOT_FOUND =
  'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/i:1": failed to resolve reference: registry.example/i:1: not found'
const UNAUTHORIZED = 'failed to resolve reference "registry.example/i:1": unexpected status from HEAD request: 401 Unauthorized'
const DOCKER_HUB =
  'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'
const REFUSED = 'dial tcp 127.0.0.1:1: connect: connection refused'
const TOO_MANY = 'toomanyrequests: You have reached your pull rate limit'
const MISSING_KEY = 'couldn’t find key TOKEN in Secret agents/task-1'.replace('’', "'")

const ready = condition('PodReadyToStartContainers', 'True', '12:00:10')
const unready = condition('PodReadyToStartContainers', 'False', '12:00:02')
const creating = waiting('ContainerCreating')
const initialising = waiting('PodInitializing')

const pod = (task: PodSketch['task'], more: PodSketch = {}): PodSketch => ({ phase: 'Pending', ...(task ? { task } : {}), ...more })
const waitsFor = (reason: string, message?: string, more: PodSketch = {}): PodSketch => pod(waiting(reason, message), more)

type Row = [what: string, look: Look, expected: string]

// biome-ignore format: a row a line
const rows: Row[] = [
  // Waiting for a Pod.
  ['suspended by us: in the queue', { job: { suspended: true } }, 'queued'],
  ['in the queue for hours', { job: { suspended: true }, now: '18:00:00' }, 'queued'],
  ['served a moment ago', { now: '12:00:59' }, 'pending until 12:01:00'],
  ['served, and no Pod within its time', { now: '12:01:00' }, 'stop job_create'],
  ['served late', { job: { started: '12:00:40' }, now: '12:01:30' }, 'pending until 12:01:40'],
  ['served, and a quota is in the way', { hint: { jobEventMessage: 'exceeded quota: pods' }, now: '12:00:59' }, 'pending until 12:01:00'],
  ['not served yet: the controller is behind, which is no fault of the task', { job: { started: null }, now: '12:30:00' }, 'pending until 13:00:00'],
  ['not served for an hour', { job: { started: null }, now: '13:00:00' }, 'stop job_create'],
  ['not served, but an Event says that a quota is used up', { job: { started: null }, hint: { jobEventMessage: 'exceeded quota: pods' }, now: '12:01:00' }, 'stop job_create'],
  ['somebody looked, and no Event accuses the task', { job: { started: null }, hint: {}, now: '12:30:00' }, 'pending until 13:00:00'],
  ['released from the queue, the controller has not noticed', { job: { started: null, says: [['Suspended', 'JobSuspended', '12:00:00']] }, now: '15:00:00' }, 'pending'],
  ['released from the queue after hours', { job: { started: '15:00:00', resumed: '15:00:00' }, now: '15:00:30' }, 'pending until 15:01:00'],
  ['released, and a quota is in the way', { job: { started: null, says: [['Suspended', 'JobSuspended', '12:00:00']] }, hint: { jobEventMessage: 'exceeded quota' }, now: '15:00:00' }, 'stop job_create'],
  ['run by another controller elsewhere', { job: { managedBy: 'kueue.x-k8s.io/multikueue' }, now: '18:00:00' }, 'pending'],

  // Waiting for a node.
  ['a fresh Pod without any condition', { pod: pod(undefined, { node: null, conditions: [] }) }, 'pending until 12:02:01'],
  ['no node yet', { pod: pod(undefined, { node: null, conditions: [unschedulable] }) }, 'pending until 12:02:01'],
  ['no node in time', { pod: pod(undefined, { node: null, conditions: [unschedulable] }), now: '12:02:01' }, 'stop unschedulable'],
  ['a node is being cleared for it', { pod: pod(undefined, { node: null, nominated: 'n2', conditions: [unschedulable] }), now: '12:02:01' }, 'pending until 12:15:01'],
  ['and never was', { pod: pod(undefined, { node: null, nominated: 'n2', conditions: [unschedulable] }), now: '12:15:01' }, 'stop unschedulable'],
  ['an autoscaler is making a node', { pod: pod(undefined, { node: null, conditions: [unschedulable] }), hint: { scaleUpAtMs: ms('12:01:30') }, now: '12:02:01' }, 'pending until 12:03:30'],
  ['an autoscaler said so again and again', { pod: pod(undefined, { node: null, conditions: [unschedulable] }), hint: { scaleUpAtMs: ms('12:14:00') }, now: '12:14:59' }, 'pending until 12:15:01'],
  ['an autoscaler gave up', { pod: pod(undefined, { node: null, conditions: [unschedulable] }), hint: { scaleUpAtMs: ms('12:00:30') }, now: '12:02:30' }, 'stop unschedulable'],
  ['a shorter cap', { pod: pod(undefined, { node: null, nominated: 'n2', conditions: [unschedulable] }), deadlines: { autoscalerCapSeconds: 180 }, now: '12:03:01' }, 'stop unschedulable'],
  ['a cap below the deadline does not shorten it', { pod: pod(undefined, { node: null, nominated: 'n2', conditions: [unschedulable] }), deadlines: { autoscalerCapSeconds: 10 } }, 'pending until 12:02:01'],
  ['behind a scheduling gate', { pod: pod(undefined, { node: null, conditions: [condition('PodScheduled', 'False', '12:00:01', 'SchedulingGated')] }), now: '18:00:00' }, 'pending'],
  ['bound by hand, without the scheduler’s condition', { pod: pod(creating, { conditions: [] }) }, 'pending until 12:10:01'],

  // Volumes, network, images that say nothing yet.
  ['volumes and network', { pod: pod(creating, { conditions: [scheduled, unready] }) }, 'pending until 12:05:02'],
  ['a volume that never mounts', { pod: pod(creating, { conditions: [scheduled, unready] }), now: '12:05:02' }, 'stop volume_mount'],
  ['the same with init containers', { pod: pod(initialising, { init: { setup: initialising }, conditions: [scheduled, unready] }), now: '12:05:02' }, 'stop volume_mount'],
  ['an image on its way', { pod: pod(creating, { conditions: [scheduled, ready] }) }, 'pending until 12:10:10'],
  ['an image that takes too long', { pod: pod(creating, { conditions: [scheduled, ready] }), now: '12:10:10' }, 'stop image_pull'],
  ['an older kubelet, without that condition', { pod: pod(creating) }, 'pending until 12:10:02'],
  ['no container status yet', { pod: pod(undefined) }, 'pending until 12:10:02'],

  // Images.
  ['ErrImagePull, the registry does not answer', { pod: waitsFor('ErrImagePull', REFUSED) }, 'pending until 12:10:02'],
  ['ImagePullBackOff, the registry does not answer', { pod: waitsFor('ImagePullBackOff', `Back-off pulling image: ErrImagePull: ${ REFUSED }`), now: '12:10:01' }, 'pending until 12:10:02'],
  ['for the whole deadline', { pod: waitsFor('ImagePullBackOff', `Back-off pulling image: ErrImagePull: ${ REFUSED }`), now: '12:10:02' }, 'stop image_pull'],
  ['a rate limit is no reason to hurry', { pod: waitsFor('ErrImagePull', TOO_MANY) }, 'pending until 12:10:02'],
  ['ImagePullBackOff as older kubelets say it, without a cause', { pod: waitsFor('ImagePullBackOff', 'Back-off pulling image "registry.example/i:1"') }, 'pending until 12:10:02'],
  ['ErrImagePull, not found: a minute', { pod: waitsFor('ErrImagePull', NOT_FOUND) }, 'pending until 12:01:02'],
  ['not found, after that minute', { pod: waitsFor('ImagePullBackOff', NOT_FOUND), now: '12:01:02' }, 'stop image_pull'],
  ['not found, and a deadline shorter than that minute', { pod: waitsFor('ErrImagePull', NOT_FOUND), deadlines: { pullSeconds: 20 }, now: '12:00:22' }, 'stop image_pull'],
  ['unauthorized: a minute', { pod: waitsFor('ErrImagePull', UNAUTHORIZED) }, 'pending until 12:01:02'],
  ['unauthorized, after that minute', { pod: waitsFor('ErrImagePull', UNAUTHORIZED), now: '12:01:02' }, 'stop image_pull'],
  ['one or the other, as Docker Hub says it', { pod: waitsFor('ErrImagePull', DOCKER_HUB), now: '12:01:02' }, 'stop image_pull'],
  ['the image’s turn came later: the minute counts from then', { pod: waitsFor('ErrImagePull', NOT_FOUND, { conditions: [scheduled, condition('PodReadyToStartContainers', 'True', '12:00:50')] }), now: '12:01:02' }, 'pending until 12:01:50'],
  ['InvalidImageName: at once, nearly', { pod: waitsFor('InvalidImageName', 'Failed to apply default image tag "UPPER": couldn’t parse'), now: '12:00:06' }, 'pending until 12:00:07'],
  ['InvalidImageName', { pod: waitsFor('InvalidImageName', 'Failed to apply default image tag'), now: '12:00:07' }, 'stop invalid_image'],
  ['ErrImageNeverPull', { pod: waitsFor('ErrImageNeverPull', 'Container image is not present with pull policy of Never'), now: '12:00:07' }, 'stop image_pull'],
  ['RegistryUnavailable', { pod: waitsFor('RegistryUnavailable') }, 'pending until 12:10:02'],
  ['ImageInspectError', { pod: waitsFor('ImageInspectError', 'Failed to inspect image'), now: '12:10:02' }, 'stop image_pull'],
  ['SignatureValidationFailed', { pod: waitsFor('SignatureValidationFailed', 'image pull failed because the signature validation failed'), now: '12:01:02' }, 'stop image_pull'],
  ['the image of a sidecar', { pod: pod(initialising, { init: { 'copy-sidecar-0': waiting('ErrImagePull', NOT_FOUND) } }), now: '12:01:02' }, 'stop image_pull'],

  // Creating and starting the container.
  ['a key that is missing: a minute', { pod: waitsFor('CreateContainerConfigError', MISSING_KEY) }, 'pending until 12:01:02'],
  ['a key that stays missing', { pod: waitsFor('CreateContainerConfigError', MISSING_KEY), now: '12:01:02' }, 'stop container_create'],
  ['a Secret that is missing', { pod: waitsFor('CreateContainerConfigError', 'secret "task-1" not found'), now: '12:01:02' }, 'stop container_create'],
  ['an image that would run as root', { pod: waitsFor('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root'), now: '12:01:02' }, 'stop container_create'],
  ['CreateContainerError', { pod: waitsFor('CreateContainerError', 'context deadline exceeded') }, 'pending until 12:05:02'],
  ['CreateContainerError for the whole deadline', { pod: waitsFor('CreateContainerError', 'context deadline exceeded'), now: '12:05:02' }, 'stop container_create'],
  ['CreateContainerError, for there is no such command', { pod: waitsFor('CreateContainerError', 'executable file `nope` not found in $PATH: No such file or directory'), now: '12:01:02' }, 'stop container_start'],
  ['RunContainerError', { pod: waitsFor('RunContainerError', 'failed to start container'), now: '12:05:02' }, 'stop container_start'],
  ['PostStartHookError', { pod: waitsFor('PostStartHookError', 'command exited with 1'), now: '12:05:02' }, 'stop container_start'],
  ['a reason nobody knows is kept waiting', { pod: waitsFor('QuantumFlux', 'odd') }, 'pending until 12:05:02'],
  ['but not for ever', { pod: waitsFor('QuantumFlux', 'odd'), now: '12:05:02' }, 'stop container_create'],

  // Init containers.
  ['a sidecar’s files are being copied', { pod: pod(initialising, { init: { 'copy-sidecar-0': running('12:00:20'), setup: initialising } }) }, 'pending until 12:05:20'],
  ['for too long', { pod: pod(initialising, { init: { 'copy-sidecar-0': running('12:00:20') } }), now: '12:05:20' }, 'stop sidecar_prep'],
  ['the setup command runs', { pod: pod(initialising, { init: { 'copy-sidecar-0': exited(0), setup: running('12:00:25') } }) }, 'pending until 12:05:25'],
  ['the setup command hangs', { pod: pod(initialising, { init: { setup: running('12:00:25') } }), now: '12:05:25' }, 'stop setup_command'],
  ['an init container of the template hangs', { pod: pod(initialising, { init: { wait: running('12:00:25') } }), now: '12:05:25' }, 'stop init_container'],
  ['a native sidecar that never gets up', { pod: pod(initialising, { init: { '*proxy': waiting('CrashLoopBackOff', 'back-off 40s') } }), now: '12:05:02' }, 'stop init_container'],
  ['a native sidecar is up, the task’s image comes', { pod: pod(initialising, { init: { '*proxy': running('12:00:30') } }) }, 'pending until 12:10:30'],
  ['after the preparation the image has its own time', { pod: pod(creating, { init: { setup: exited(0, 'Completed', '12:04:00') } }), now: '12:04:10' }, 'pending until 12:14:00'],
  ['all in all no more than one pull and one preparation', { pod: pod(creating, { init: { setup: exited(0, 'Completed', '12:09:00') } }), now: '12:09:10' }, 'pending until 12:15:02'],
  ['and then it is over', { pod: pod(creating, { init: { setup: exited(0, 'Completed', '12:09:00') } }), now: '12:15:02' }, 'stop image_pull'],
]

for (const [what, sketch, expected] of rows) {
  test(`${what}: ${expected}`, () => assert.equal(line(look(sketch)), expected))
}

// biome-ignore format: a row a line
const says: [what: string, look: Look, text: RegExp][] = [
  ['an image: which, and whose', { pod: waitsFor('ErrImagePull', NOT_FOUND) }, /registry\.example\/i:1 \(container task\) was not found in the registry: ErrImagePull: .*not found/],
  ['credentials', { pod: waitsFor('ErrImagePull', UNAUTHORIZED) }, /refuses our credentials/],
  ['which key of which Secret', { pod: waitsFor('CreateContainerConfigError', MISSING_KEY) }, /couldn't find key TOKEN in Secret agents\/task-1/],
  ['the scheduler’s own words', { pod: pod(undefined, { node: null, conditions: [unschedulable] }) }, /a node: 0\/3 nodes are available: 3 Insufficient cpu/],
  ['the quota', { job: { started: null }, hint: { jobEventMessage: 'exceeded quota: pods' }, now: '12:00:30' }, /exceeded quota: pods/],
  ['a mount', { pod: pod(creating, { conditions: [scheduled, unready] }), hint: { podEventMessage: 'MountVolume.SetUp failed' } }, /volumes and network on node n1: MountVolume\.SetUp failed/],
  ['a word nobody knows', { pod: waitsFor('QuantumFlux', 'odd') }, /unknown state QuantumFlux: odd/],
]
for (const [what, sketch, text] of says) {
  test(`who looks at a waiting task is told ${what}`, () => {
    const outcome = look(sketch)
    assert.equal(outcome.kind, 'live')
    if (outcome.kind === 'live') assert.match(outcome.waitingFor ?? '', text)
  })
}

test('what a kubelet says at length is cut, on one line', () => {
  const outcome = look({ pod: waitsFor('ErrImagePull', `${'very long\n'.repeat(1000)}not found`), now: '12:30:00' })
  assert.equal(outcome.kind, 'stop')
  if (outcome.kind === 'stop') assert.ok(outcome.message.length < 700 && !outcome.message.includes('\n'), outcome.message)
})
