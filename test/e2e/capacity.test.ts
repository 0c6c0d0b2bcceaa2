// How many tasks at once: refused, queued, or left to Kueue. On the embedded cluster or the real one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startEmbedded } from '../../src/embedded/index.ts'
import { type ClusterAccess, openCluster } from '../support/cluster.ts'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const patient = { timeoutMs: 90_000 }
const UNTIL_TOLD = 'trap "exit 0" TERM; while true; do sleep 0.1; done'
const folder = mkdtempSync(join(tmpdir(), 'jobhook-capacity-'))
let cluster: ClusterAccess
let receiver: Receiver
let closeEmbedded = async (): Promise<void> => {}

before(async () => {
  let kubeconfigFile = process.env.JOBHOOK_TEST_KUBECONFIG
  if (!kubeconfigFile) {
    kubeconfigFile = join(folder, 'embedded.kubeconfig')
    const embedded = await startEmbedded({ kubeconfigFile })
    closeEmbedded = () => embedded.close()
  }
  cluster = openCluster(kubeconfigFile)
  receiver = await startReceiver(CALLBACK_SECRET)
})
after(async () => {
  await receiver?.close()
  await cluster?.close()
  await closeEmbedded()
  rmSync(folder, { recursive: true, force: true })
})

function start(workerId: string, limits: Record<string, unknown>, kubernetes: Record<string, unknown> = {}): Promise<Jobhook> {
  return startJobhook({
    worker_id: workerId,
    backend: { kubernetes: { kubeconfig: cluster.kubeconfigFile, default_image: 'docker.io/library/busybox:1.36', ...kubernetes } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1] },
    leader_election: { lease_duration: '3s' },
    limits,
  })
}

const verdictOf = (taskId: string) => until(`the verdict of ${taskId}`, () => receiver.verdicts(taskId)[0], patient)
const started = (taskId: string) => receiver.of(taskId).some((message) => message.type === 'task_started')

test('reject: a burst of 20 at a limit of 3 makes 3 Jobs; the others hear 429 with Retry-After, and get in once there is room', async () => {
  const jobhook = await start(freshWorkerId('reject'), { max_concurrent_tasks: 3, overflow: 'reject' })
  const ids = Array.from({ length: 20 }, (_, index) => `reject-${index}`)
  const answers = await Promise.all(ids.map((id) => jobhook.webhook(shellTask(id, UNTIL_TOLD))))
  const taken = ids.filter((_, index) => answers[index]?.status === 202)
  assert.equal(taken.length, 3)
  for (const answer of answers.filter(({ status }) => status !== 202)) {
    assert.deepEqual([answer.status, answer.body.code], [429, 'at_capacity'])
    const seconds = Number(answer.headers['retry-after'])
    assert.ok(seconds >= 1 && seconds <= 300, `Retry-After: ${answer.headers['retry-after']}`)
  }
  assert.match((await jobhook.rest('GET', '/readyz?verbose')).body, /capacity: 3 of 3 places taken/)
  // A repeat of one that was taken is no new task.
  assert.equal((await jobhook.webhook(shellTask(taken[0] ?? '', UNTIL_TOLD))).status, 202)
  await jobhook.webhook({ type: 'task_cancellation', data: { task_id: taken[0] } })
  await verdictOf(taken[0] ?? '')
  await until('one more is taken', async () => (await jobhook.webhook(shellTask('reject-more', 'true'))).status === 202)
  for (const id of taken.slice(1)) await jobhook.webhook({ type: 'task_cancellation', data: { task_id: id } })
  await Promise.all([...taken, 'reject-more'].map(verdictOf))
  await jobhook.stop()
})

test('queue: everything is taken, never more than the limit run, the higher priority goes first, and the place is told', async () => {
  const workerId = freshWorkerId('queue')
  const jobhook = await start(workerId, { max_concurrent_tasks: 2, overflow: 'queue' })
  for (const id of ['queue-a', 'queue-b']) assert.equal((await jobhook.webhook(shellTask(id, UNTIL_TOLD))).status, 202)
  await until('both run', () => started('queue-a') && started('queue-b'), patient)
  await jobhook.webhook(shellTask('queue-low', 'true', { priority: -5 }))
  await jobhook.webhook(shellTask('queue-mid', 'true'))
  await jobhook.webhook(shellTask('queue-high', 'true', { priority: 5 }))
  const position = async (id: string) => (await jobhook.rest('GET', `/v1/tasks/${id}`)).body
  await until('all three wait', async () => (await position('queue-low')).queue_position === 3)
  assert.deepEqual(
    [await position('queue-high'), await position('queue-mid')].map((task) => [task.state, task.queue_position, task.message]),
    [
      ['queued', 1, 'its turn: number 1 in the queue'],
      ['queued', 2, 'its turn: number 2 in the queue'],
    ],
  )
  assert.equal((await position('queue-a')).queue_position, null)

  // A queued task that is cancelled ends without ever having had a Pod.
  const cancelled = await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'queue-mid' } })
  assert.deepEqual(cancelled.body.cancelled, ['queue-mid'])
  const verdict = await verdictOf('queue-mid')
  assert.deepEqual([verdict.data.task_state, started('queue-mid')], ['CANCELLED', false])
  await until('the others move up', async () => (await position('queue-low')).queue_position === 2)

  await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'queue-a' } })
  const order = (await Promise.all(['queue-high', 'queue-low'].map(verdictOf))).map(({ atMs }) => atMs)
  assert.ok((order[0] ?? 0) < (order[1] ?? 0), 'the higher priority ended first')
  await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'queue-b' } })
  await verdictOf('queue-b')
  await jobhook.stop()
})

test('queue: two replicas, one killed: 24 tasks run once each, at no moment more than 4 of them', async () => {
  const workerId = freshWorkerId('strict')
  const limits = { max_concurrent_tasks: 4, overflow: 'queue' }
  const [first, second] = await Promise.all([start(workerId, limits), start(workerId, limits)])
  const ids = Array.from({ length: 24 }, (_, index) => `strict-${index}`)
  const answers = await Promise.all(ids.map((id, index) => (index % 2 ? first : second).webhook(shellTask(id, 'sleep 1'))))
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202])
  let most = 0
  let watching = true
  const watch = (async () => {
    while (watching) {
      // A place is free once the container has ended; the Job's own condition may lag behind by seconds.
      const running = (await cluster.podsOf(workerId)).filter((pod) => /^(Pending|Running)$/.test(pod.status?.phase))
      most = Math.max(most, running.length)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  await until('some have ended', () => ids.filter((id) => receiver.verdicts(id).length > 0).length >= 6, patient)
  const leader = (await first.metric('jobhook_leader')) === 1 ? first : second
  await leader.kill()
  await until('every verdict', () => ids.every((id) => receiver.verdicts(id).length > 0), patient)
  watching = false
  await watch
  assert.ok(most <= 4, `${most} at once`)
  assert.ok(ids.every((id) => new Set(receiver.verdicts(id).map((message) => message.id)).size === 1))
  assert.deepEqual([...new Set(ids.map((id) => receiver.verdicts(id)[0]?.type))], ['task_completed'])
  await (leader === first ? second : first).stop()
})

test('queue: a full queue answers 429', async () => {
  const jobhook = await start(freshWorkerId('full'), { max_concurrent_tasks: 1, overflow: 'queue', max_queued_tasks: 2 })
  const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => jobhook.webhook(shellTask(`full-${index}`, UNTIL_TOLD))))
  const taken = answers.flatMap(({ status }, index) => (status === 202 ? [`full-${index}`] : []))
  assert.equal(taken.length, 3)
  assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [202, 429])
  await Promise.all(taken.map((id) => jobhook.webhook({ type: 'task_cancellation', data: { task_id: id } })))
  await Promise.all(taken.map(verdictOf))
  await jobhook.stop()
})

test('Pods that find no node: beyond limits.max_pending_pods 429, told in /readyz?verbose and the metrics, until one has gone', async () => {
  const nowhere = { pod_template: { containers: [{ name: 'task' }], nodeSelector: { 'jobhook.dev/no-such-node': 'x' } } }
  const jobhook = await start(freshWorkerId('pending'), { max_pending_pods: 2 }, nowhere)
  for (const id of ['pending-1', 'pending-2']) assert.equal((await jobhook.webhook(shellTask(id, 'true'))).status, 202)
  const refused = await jobhook.webhook(shellTask('pending-3', 'true'))
  assert.deepEqual([refused.status, refused.body.code, refused.headers['retry-after']], [429, 'at_capacity', '10'])
  assert.match(refused.body.detail, /limits\.max_pending_pods/)
  const verbose = await until('it is told', async () => {
    const { body } = await jobhook.rest('GET', '/readyz?verbose')
    return /2 of 2 waiting for their Pods to start; no new work is asked for/.test(body) ? body : null
  })
  assert.match(verbose, /^\[!\] capacity: 2 tasks, no limit, 2 of 2/m)
  assert.deepEqual([await jobhook.metric('jobhook_pending_pods'), await jobhook.metric('jobhook_cluster_pressure')], [2, 1])
  await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'pending-1' } })
  await until('there is room', async () => (await jobhook.webhook(shellTask('pending-3', 'true'))).status === 202, patient)
  for (const id of ['pending-2', 'pending-3']) await jobhook.webhook({ type: 'task_cancellation', data: { task_id: id } })
  await Promise.all(['pending-1', 'pending-2', 'pending-3'].map(verdictOf))
  await jobhook.stop()
})

test('kueue: jobhook leaves suspending to it: admitted, evicted and admitted again a task reports once; cancelled while it waits it never starts', async () => {
  const workerId = freshWorkerId('kueue')
  const jobhook = await start(workerId, { max_concurrent_tasks: 1, overflow: 'kueue', kueue_queue: 'team-a' })
  const task = async (id: string) => (await jobhook.rest('GET', `/v1/tasks/${id}`)).body
  // More than the limit: Kueue's quota decides, not ours.
  for (const id of ['kueue-1', 'kueue-2']) assert.equal((await jobhook.webhook(shellTask(id, 'sleep 3'))).status, 202)
  await until('both wait', async () => (await task('kueue-1')).state === 'queued' && (await task('kueue-2')).state === 'queued')
  const name = (await task('kueue-1')).job
  const job = await cluster.getJob(name)
  assert.deepEqual([job.spec.suspend, job.metadata.labels['kueue.x-k8s.io/queue-name']], [true, 'team-a'])

  await cluster.patchJob(name, { spec: { suspend: false } })
  await until('it runs', async () => (await task('kueue-1')).state === 'running', patient)
  await cluster.patchJob(name, { spec: { suspend: true } })
  await until('its Pod is gone', async () => (await cluster.podsOf(workerId)).length === 0, patient)
  await until('it waits again', async () => (await task('kueue-1')).state === 'queued', patient)
  assert.equal(receiver.verdicts('kueue-1').length, 0)
  await cluster.patchJob(name, { spec: { suspend: false } })
  const verdict = await verdictOf('kueue-1')
  assert.deepEqual([verdict.type, verdict.data.exit_code], ['task_completed', 0])

  await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'kueue-2' } })
  assert.equal((await verdictOf('kueue-2')).data.task_state, 'CANCELLED')
  const other = (await task('kueue-2')).job
  assert.equal((await cluster.getJob(other)).spec.suspend, true)
  // When Kueue admits what was cancelled, nothing starts.
  await cluster.patchJob(other, { spec: { suspend: false } })
  const failed = (each: { type: string; status: string }): boolean => each.type === 'Failed' && each.status === 'True'
  await until('it ends', async () => ((await cluster.getJob(other)).status.conditions ?? []).some(failed), patient)
  assert.deepEqual([receiver.of('kueue-2').length, new Set(receiver.verdicts('kueue-1').map(({ id }) => id)).size], [1, 1])
  await jobhook.stop()
})
