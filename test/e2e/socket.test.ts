// The seed worker's own wire end to end: a control plane that speaks nothing but it. On the embedded cluster or the real one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startEmbedded } from '../../src/embedded/index.ts'
import { type ClusterAccess, openCluster } from '../support/cluster.ts'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { startReceiver } from '../support/receiver.ts'
import { type SocketPlane, startSocketPlane } from '../support/socket.ts'
import { until } from '../support/wait.ts'

const KEY = 'socket-key-0123456789'
const patient = { timeoutMs: 90_000 }
const UNTIL_TOLD = 'trap "exit 0" TERM; while true; do sleep 0.1; done'
const folder = mkdtempSync(join(tmpdir(), 'jobhook-socket-'))
let cluster: ClusterAccess
let closeEmbedded = async (): Promise<void> => {}

before(async () => {
  let kubeconfigFile = process.env.JOBHOOK_TEST_KUBECONFIG
  if (!kubeconfigFile) {
    kubeconfigFile = join(folder, 'embedded.kubeconfig')
    const embedded = await startEmbedded({ kubeconfigFile })
    closeEmbedded = () => embedded.close()
  }
  cluster = openCluster(kubeconfigFile)
})
after(async () => {
  await cluster?.close()
  await closeEmbedded()
  rmSync(folder, { recursive: true, force: true })
})

/** Nothing but the socket: no webhook, no callback URL. REST only so that the test can look. */
function start(workerId: string, plane: SocketPlane, more: Record<string, unknown> = {}): Promise<Jobhook> {
  return startJobhook(
    {
      worker_id: workerId,
      webhook: {},
      backend: { kubernetes: { kubeconfig: cluster.kubeconfigFile, default_image: 'docker.io/library/busybox:1.36' } },
      leader_election: { lease_duration: '3s' },
      callback: { schedule: [0, 1, 1, 1, 1, 1, 1] },
      socket: { url: plane.url, token: { env: 'WARP_API_KEY' } },
      ...more,
    },
    { WARP_API_KEY: KEY },
  )
}

const connected = (plane: SocketPlane) => until('it is connected', () => plane.open() > 0, patient)
const verdictOf = (plane: SocketPlane, taskId: string) =>
  until(`the verdict of ${taskId}`, () => plane.of(taskId, 'task_completed', 'task_failed')[0], patient)
const reported = (jobhook: Jobhook, taskId: string) =>
  until(
    `${taskId} is reported`,
    async () => (await jobhook.rest('GET', `/v1/tasks/${taskId}`)).body.delivery?.state === 'delivered',
    patient,
  )

test('task_claimed at once, then task_completed or task_failed, no task_started; a cancelled task is task_completed with CANCELLED', async () => {
  const plane = await startSocketPlane(KEY)
  const workerId = freshWorkerId('wire')
  const jobhook = await start(workerId, plane)
  await connected(plane)
  assert.deepEqual(plane.handshakes[0], {
    path: `/api/v1/selfhosted/worker/ws?worker_id=${encodeURIComponent(workerId)}`,
    authorization: `Bearer ${KEY}`,
    status: 101,
  })
  plane.send(shellTask('ws-1', 'echo hello', { execution_id: 'e-1' }))
  plane.send(shellTask('ws-2', 'exit 3'))
  plane.send(shellTask('ws-3', UNTIL_TOLD))
  plane.send({ type: 'task_assignment', data: { task_id: 'ws-4', command: 'not a list' } })
  plane.send({ type: 'something_new' })
  const claimed = await until('ws-1 is claimed', () => plane.of('ws-1', 'task_claimed')[0])
  assert.deepEqual(claimed.data, { task_id: 'ws-1', execution_id: 'e-1', worker_id: workerId })
  assert.match((await until('ws-4 is rejected', () => plane.of('ws-4', 'task_rejected')[0])).data.reason, /\/data\/command/)
  assert.deepEqual((await verdictOf(plane, 'ws-1')).type, 'task_completed')
  const failed = await verdictOf(plane, 'ws-2')
  assert.deepEqual([failed.type, failed.data.exit_code, failed.data.failure_reason], ['task_failed', 3, 'container_exit'])
  await until('ws-3 runs', async () => (await jobhook.rest('GET', '/v1/tasks/ws-3')).body.state === 'running', patient)
  plane.send({ type: 'task_cancellation', data: { task_id: 'ws-3' } })
  const cancelled = await verdictOf(plane, 'ws-3')
  assert.deepEqual([cancelled.type, cancelled.data.task_state], ['task_completed', 'CANCELLED'])
  for (const id of ['ws-1', 'ws-2', 'ws-3']) await reported(jobhook, id)
  assert.ok(plane.received.every(({ type }) => type !== 'task_started'))
  assert.match((await jobhook.rest('GET', '/readyz?verbose')).body, /\[\+\] socket: connected/)
  assert.match(jobhook.log(), /"audit":true,"who":null,"action":"submit","from":"ws:[^"]+","via":"socket","task_id":"ws-1"/)
  assert.match(jobhook.log(), /"audit":true,"who":null,"action":"cancel","from":"ws:[^"]+","via":"socket","task_id":"ws-3"/)
  assert.equal(await jobhook.stop(), 0)
  await plane.close()
})

test('a redelivered assignment is claimed again and runs once; beyond the limit it is rejected in the wire’s own words', async () => {
  const plane = await startSocketPlane(KEY)
  const workerId = freshWorkerId('again')
  const jobhook = await start(workerId, plane, { max_concurrent_tasks: 1 })
  await connected(plane)
  plane.send(shellTask('again-1', UNTIL_TOLD))
  await until('claimed', () => plane.of('again-1', 'task_claimed').length === 1)
  plane.send(shellTask('again-1', UNTIL_TOLD))
  await until('claimed again', () => plane.of('again-1', 'task_claimed').length === 2)
  plane.send(shellTask('again-2', 'true'))
  const rejected = await until('the other is rejected', () => plane.of('again-2', 'task_rejected')[0])
  assert.equal(rejected.data.reason, 'worker at maximum concurrency')
  assert.equal((await cluster.jobsOf(workerId)).length, 1)
  plane.send({ type: 'task_cancellation', data: { task_id: 'again-1' } })
  await verdictOf(plane, 'again-1')
  await jobhook.stop()
  await plane.close()
})

test('many assignments at once, the socket dropped while their verdicts come: each is claimed and runs once, each verdict arrives', async () => {
  const plane = await startSocketPlane(KEY)
  const workerId = freshWorkerId('many')
  const jobhook = await start(workerId, plane)
  await connected(plane)
  // One real node takes half a second a Pod.
  const ids = Array.from({ length: process.env.JOBHOOK_TEST_KUBECONFIG ? 40 : 150 }, (_, index) => `many-${index}`)
  for (const id of ids) plane.send(shellTask(id, 'true'))
  await until('each is claimed', () => ids.every((id) => plane.of(id, 'task_claimed').length > 0), patient)
  await until('some verdicts have come', () => plane.received.filter(({ type }) => type === 'task_completed').length > 20, patient)
  plane.drop()
  await until('every verdict', () => ids.every((id) => plane.of(id, 'task_completed').length > 0), patient)
  await until(
    'all are reported',
    async () => (await jobhook.metric('jobhook_deliveries_total', { slot: 'verdict', result: 'delivered' })) === ids.length,
    patient,
  )
  assert.equal((await cluster.jobsOf(workerId)).length, ids.length)
  assert.ok(ids.every((id) => new Set(plane.of(id, 'task_completed').map(({ data }) => JSON.stringify(data))).size === 1))
  await jobhook.stop()
  await plane.close()
})

test('the socket drops before the verdict, and again right after it was sent: it comes on the next connection, the same each time', async () => {
  const plane = await startSocketPlane(KEY)
  const jobhook = await start(freshWorkerId('drop'), plane)
  await connected(plane)
  plane.send(shellTask('drop-1', 'sleep 1; exit 4'))
  await until('claimed', () => plane.of('drop-1', 'task_claimed')[0])
  const cut: string[] = []
  plane.cut = (message) => {
    if (message.data.task_id !== 'drop-1' || cut.length === 2) return false
    cut.push(JSON.stringify(message.data))
    return true
  }
  plane.drop()
  const verdict = await verdictOf(plane, 'drop-1')
  assert.equal(verdict.data.exit_code, 4)
  assert.deepEqual(cut, [JSON.stringify(verdict.data), JSON.stringify(verdict.data)])
  await reported(jobhook, 'drop-1')
  await jobhook.stop()
  await plane.close()
})

test('a verdict whose pong never comes is not counted as delivered', async () => {
  const plane = await startSocketPlane(KEY)
  const jobhook = await start(freshWorkerId('mute'), plane, { socket: { url: plane.url, token: KEY, ping: '500ms' } })
  await connected(plane)
  plane.send(shellTask('mute-1', 'true'))
  plane.pongs = false
  await until(
    'it is sent more than once, on another connection',
    () => {
      const verdicts = plane.of('mute-1', 'task_completed')
      return new Set(verdicts.map(({ connection }) => connection)).size >= 2
    },
    patient,
  )
  assert.equal((await jobhook.rest('GET', '/v1/tasks/mute-1')).body.delivery.state, 'owed')
  plane.pongs = true
  await reported(jobhook, 'mute-1')
  await jobhook.stop()
  await plane.close()
})

test('kill -9 while a task runs and the control plane is away: after a restart the verdict arrives', async () => {
  const plane = await startSocketPlane(KEY)
  const workerId = freshWorkerId('restart')
  const first = await start(workerId, plane)
  await connected(plane)
  plane.send(shellTask('restart-1', 'sleep 2; exit 5'))
  await until('claimed', () => plane.of('restart-1', 'task_claimed')[0])
  await first.kill()
  const [job] = await cluster.jobsOf(workerId)
  assert.deepEqual(job.metadata.finalizers, ['jobhook.dev/report'])
  await until('it ends while nobody watches', async () => ((await cluster.jobsOf(workerId))[0].status?.failed ?? 0) > 0, patient)
  const second = await start(workerId, plane)
  const verdict = await verdictOf(plane, 'restart-1')
  assert.equal(verdict.data.exit_code, 5)
  await reported(second, 'restart-1')
  assert.equal(plane.of('restart-1', 'task_completed', 'task_failed').length, 1)
  await second.stop()
  await plane.close()
})

test('two replicas: one is connected; when it goes, the other one is', async () => {
  const plane = await startSocketPlane(KEY)
  const workerId = freshWorkerId('pair')
  const [first, second] = await Promise.all([start(workerId, plane), start(workerId, plane)])
  await connected(plane)
  assert.equal(plane.open(), 1)
  const leader = (await first.metric('jobhook_leader')) === 1 ? first : second
  const other = leader === first ? second : first
  plane.send(shellTask('pair-1', 'sleep 2'))
  await until('claimed', () => plane.of('pair-1', 'task_claimed')[0])
  assert.equal(await leader.stop(), 0)
  await verdictOf(plane, 'pair-1')
  await reported(other, 'pair-1')
  assert.equal(await other.metric('jobhook_socket_connected'), 1)
  await other.stop()
  await plane.close()
})

test('a refused key is told; with a callback URL the verdict goes there, not over the socket', async () => {
  const plane = await startSocketPlane('another key')
  const receiver = await startReceiver(CALLBACK_SECRET)
  const workerId = freshWorkerId('key')
  const jobhook = await start(workerId, plane, { callback: { url: receiver.url, secrets: [CALLBACK_SECRET] } })
  await until('it says so', async () =>
    /\[!\] socket: the token was refused \(401\)/.test((await jobhook.rest('GET', '/readyz?verbose')).body),
  )
  assert.ok(!jobhook.log().includes(KEY))
  await jobhook.stop()
  const right = await startSocketPlane(KEY)
  const again = await start(workerId, right, { callback: { url: receiver.url, secrets: [CALLBACK_SECRET] } })
  await connected(right)
  right.send(shellTask('key-1', 'true'))
  await until('the callback', () => receiver.verdicts('key-1')[0], patient)
  assert.deepEqual(
    right.of('key-1').map(({ type }) => type),
    ['task_claimed'],
  )
  await again.stop()
  for (const each of [plane, right, receiver]) await each.close()
})

test('a cancellation right behind its assignment is not lost, although a Secret is written before the Job', async () => {
  const plane = await startSocketPlane(KEY)
  const jobhook = await start(freshWorkerId('behind'), plane)
  await connected(plane)
  plane.send(shellTask('behind-1', UNTIL_TOLD, { env_vars: { A: 'a-value' } }))
  plane.send({ type: 'task_cancellation', data: { task_id: 'behind-1' } })
  await until('claimed', () => plane.of('behind-1', 'task_claimed')[0])
  const verdict = await until('the verdict', () => plane.of('behind-1', 'task_completed', 'task_failed')[0], { timeoutMs: 60_000 })
  assert.equal(verdict.data.task_state, 'CANCELLED')
  await jobhook.stop()
  await plane.close()
})
