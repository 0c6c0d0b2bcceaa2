// The chart's Role is enough and no more: jobhook goes through its flows as the ServiceAccount that helm renders, and the audit log is read.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CALLBACK_SECRET, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { type Identity, installIdentity, requestsOf } from './identity.ts'
import { createSpace, noCluster, type Space } from './support.ts'

const skip =
  noCluster ||
  (process.env.JOBHOOK_TEST_NODE === 'real' ? false : 'needs containers') ||
  (existsSync(process.env.JOBHOOK_TEST_AUDIT_LOG ?? '') ? false : 'needs the audit log')

/** Rights that these flows do not come to, each with when jobhook does. */
const ELSEWHERE: Record<string, string> = {
  'secrets list': 'by the leader, a minute after it began to lead and every ten minutes from then',
  'secrets get': 'before the sweeper deletes a Secret that no Job names, which must be 15 min old',
  'configmaps delete': 'when the ledger drops its oldest part',
}

describe('the chart’s Role', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-rbac-'))
  const running = new Set<Jobhook>()
  let space: Space
  let receiver: Receiver
  const identities: Identity[] = []

  before(async () => {
    space = await createSpace()
    receiver = await startReceiver(CALLBACK_SECRET)
    for (const release of ['one', 'two']) identities.push(await installIdentity(space, release, folder))
  })
  after(async () => {
    for (const jobhook of running) await jobhook.stop()
    await receiver.close()
    await space.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(index: number): Promise<Jobhook> {
    const jobhook = await startJobhook({
      worker_id: ['one', 'two'][index],
      cluster: 'kubernetes',
      backend: { kubernetes: { kubeconfig: identities[index]?.kubeconfig, default_image: 'docker.io/library/busybox:1.36' } },
      callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1, 2, 5, 5] },
      deadlines: { drain_delay: '100ms', schedule: '3s', pull: '3s' },
      leader_election: { lease_duration: '3s' },
    })
    running.add(jobhook)
    return jobhook
  }

  async function take(jobhook: Jobhook, message: object): Promise<void> {
    const answer = await jobhook.webhook(message)
    assert.equal(answer.status, 202, JSON.stringify(answer.body))
  }

  const patient = { timeoutMs: 90_000 }
  const verdict = (taskId: string) => until(`the verdict of ${taskId}`, () => receiver.verdicts(taskId)[0], patient)

  test('is enough to complete, fail, cancel, give up on an image, and take up after a kill and a restart', {
    timeout: 240_000,
  }, async () => {
    const first = await start(0)
    await take(first, shellTask('completes', 'exit 0', { env_vars: { KEY: 'value' } }))
    await take(first, shellTask('fails', 'echo why; exit 3'))
    await take(first, shellTask('cancelled', 'sleep 600'))
    await take(first, shellTask('no-image', 'exit 0', { docker_image: 'registry.example/absent:1' }))
    await take(first, shellTask('survives', 'sleep 6; exit 4', { env_vars: { KEY: 'value' } }))
    await until('it runs', () => receiver.of('cancelled')[0], patient)
    await first.webhook({ type: 'task_cancellation', data: { task_id: 'cancelled' } })
    assert.equal((await verdict('completes')).type, 'task_completed')
    const failed = await verdict('fails')
    assert.equal(failed.data.exit_code, 3)
    assert.match(failed.data.detail.log_tail, /why/)
    assert.equal((await verdict('cancelled')).data.task_state, 'CANCELLED')
    assert.equal((await verdict('no-image')).data.failure_reason, 'image_pull')
    await first.kill()
    running.delete(first)
    const second = await start(0)
    assert.equal((await verdict('survives')).data.exit_code, 4)
    await until(
      'its Job is closed',
      async () => (await second.rest('GET', '/v1/tasks/survives')).body.delivery?.state === 'delivered',
      patient,
    )
    // A task that nobody knows: one live read each.
    await second.rest('GET', '/v1/tasks/not-there')
    await second.webhook({ type: 'task_cancellation', data: { task_id: 'not-there' } })
    assert.equal(await second.stop(), 0)
    running.delete(second)
  })

  test('lets two releases share a namespace: each reports its own tasks only', { timeout: 120_000 }, async () => {
    const both = await Promise.all([start(0), start(1)])
    await Promise.all(both.map((jobhook, index) => take(jobhook, shellTask(`shared-${index}`, 'exit 0'))))
    for (const index of [0, 1]) {
      const { data } = await verdict(`shared-${index}`)
      assert.equal(data.worker_id, ['one', 'two'][index])
    }
    const seen = await both[1]?.rest('GET', '/v1/tasks?limit=100')
    assert.deepEqual(
      seen?.body.items.map((task: { task_id: string }) => task.task_id),
      ['shared-1'],
    )
    for (const jobhook of both) {
      assert.equal(await jobhook.stop(), 0)
      running.delete(jobhook)
    }
  })

  test('was never too little: the audit log has no refusal', () => {
    const refused = identities.flatMap(({ user }) => requestsOf(user)).filter(({ status }) => status === 403)
    assert.deepEqual(refused, [])
  })

  test('was never too much: every right was used', () => {
    const [identity] = identities
    const used = new Set(requestsOf(identity?.user ?? '').map(({ right }) => right))
    const idle = identity?.rights.filter((right) => !used.has(right) && ELSEWHERE[right] === undefined)
    assert.deepEqual(idle, [], `used: ${[...used].sort().join(', ')}`)
  })
})
