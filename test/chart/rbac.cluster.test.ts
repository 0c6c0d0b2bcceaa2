// The chart's Role is enough and no more: jobhook goes through its flows as the ServiceAccount that helm renders, and the audit log is read.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { calledFailed } from '../support/called-failed.ts'
import { CALLBACK_SECRET, type Jobhook, shellTask, startJobhook, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { startPolled } from '../support/polled.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { startSocketPlane } from '../support/socket.ts'
import { until } from '../support/wait.ts'
import { type Identity, installIdentity, type Request, requestsOf } from './identity.ts'
import { createSpace, noCluster, ROOT, type Space } from './support.ts'

const skip =
  noCluster ||
  (process.env.JOBHOOK_TEST_NODE === 'real' ? false : 'needs containers') ||
  (existsSync(process.env.JOBHOOK_TEST_AUDIT_LOG ?? '') ? false : 'needs the audit log')

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

  const configOf = (index: number) => ({
    worker_id: ['one', 'two'][index],
    cluster: 'kubernetes',
    backend: { kubernetes: { kubeconfig: identities[index]?.kubeconfig, default_image: 'docker.io/library/busybox:1.36' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1, 2, 5, 5] },
    deadlines: { drain_delay: '100ms', schedule: '3s', pull: '3s' },
    leader_election: { lease_duration: '3s' },
  })

  async function start(index: number, more: Record<string, unknown> = {}): Promise<Jobhook> {
    const jobhook = await startJobhook({ ...configOf(index), ...more })
    running.add(jobhook)
    return jobhook
  }

  /** A command of jobhook under the first identity. */
  function command(...args: string[]): Promise<{ code: number | null; output: string }> {
    const file = join(folder, 'config.yaml')
    writeFileSync(file, stringify({ ...configOf(0), webhook: { secrets: [WEBHOOK_SECRET] } }))
    const child = spawn(process.execPath, ['src/main.ts', ...args, '--config', file], { cwd: ROOT, env: { PATH: process.env.PATH } })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
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
    const left = await first.webhook(shellTask('left', 'sleep 600'))
    await take(first, shellTask('no-image', 'exit 0', { docker_image: 'registry.example/absent:1' }))
    await take(first, shellTask('survives', 'sleep 6; exit 4', { env_vars: { KEY: 'value' } }))
    await until('they run', () => receiver.of('cancelled')[0] && receiver.of('left')[0], patient)
    const job = `/apis/batch/v1/namespaces/${space.name}/jobs/${left.body.data.id}/status`
    await space.api.patch(job, JSON.parse(calledFailed()))
    await first.webhook({ type: 'task_cancellation', data: { task_id: 'cancelled' } })
    assert.equal((await verdict('completes')).type, 'task_completed')
    const failed = await verdict('fails')
    assert.equal(failed.data.exit_code, 3)
    assert.match(failed.data.detail.log_tail, /why/)
    assert.equal((await verdict('cancelled')).data.task_state, 'CANCELLED')
    assert.equal((await verdict('left')).data.failure_reason, 'deleted')
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

  test('is enough for assignments that come by long poll and by socket, and for those that wait in a queue', {
    timeout: 200_000,
  }, async () => {
    const token = 'token-0123456789abcdef0123456789abcdef'
    const [polled, plane] = [await startPolled(() => token), await startSocketPlane(token)]
    after(() => Promise.all([polled.close(), plane.close()]))
    const jobhook = await start(0, {
      limits: { max_concurrent_tasks: 1, overflow: 'queue' },
      poll: { url: polled.url, token },
      socket: { url: plane.url, token },
    })
    await until('the socket is open', () => plane.open() > 0, patient)
    await take(jobhook, shellTask('first', 'sleep 3'))
    await take(jobhook, shellTask('queued', 'exit 0'))
    polled.board.put('one', 'm-1', shellTask('polled', 'exit 0'))
    plane.send(shellTask('socketed', 'exit 0'))
    for (const taskId of ['polled', 'socketed', 'queued']) assert.equal((await verdict(taskId)).type, 'task_completed')
    assert.equal(await jobhook.stop(), 0)
    running.delete(jobhook)
  })

  test('is enough for jobhook doctor and jobhook release', { timeout: 120_000 }, async () => {
    const doctor = await command('doctor')
    assert.equal(doctor.code, 0, doctor.output)
    const released = await command('release', '--delete-ledger')
    assert.equal(released.code, 0, released.output)
  })

  test('was never too little: the audit log has no refusal', () => {
    // Doctor tries a Pod by dry-run in case an administrator runs it; the service's account may not, and should not.
    const tried = ({ right, userAgent }: Request) => right === 'pods create' && userAgent.startsWith('jobhook-doctor/')
    const refused = identities.flatMap(({ user }) => requestsOf(user)).filter((each) => each.status === 403 && !tried(each))
    assert.deepEqual(refused, [])
  })

  test('was never too much: every right was used', () => {
    const [identity] = identities
    const used = new Set(requestsOf(identity?.user ?? '').map(({ right }) => right))
    const idle = identity?.rights.filter((right) => !used.has(right))
    assert.deepEqual(idle, [], `used: ${[...used].sort().join(', ')}`)
  })
})
