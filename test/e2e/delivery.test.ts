// What becomes of a report when its receiver is down, slow or back again, and of a redelivery when the Job is gone; on the embedded cluster or
// the real one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startEmbedded } from '../../src/embedded/index.ts'
import { generateKeyPair, generateSecret } from '../../src/lib/standard-webhooks.ts'
import { run } from '../cli/command.ts'
import { CALLBACK_SECRET, clusterConfig, freshWorkerId, type Jobhook, shellTask, startJobhook, TOKEN } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const patient = { timeoutMs: 120_000 }
const nextSecret = generateSecret()
const keyPair = generateKeyPair()
const target = clusterConfig()
let receiver: Receiver
let other: Receiver
let rotated: Receiver
let asymmetric: Receiver
let jobhook: Jobhook

before(async () => {
  receiver = await startReceiver(CALLBACK_SECRET)
  other = await startReceiver(CALLBACK_SECRET)
  rotated = await startReceiver(nextSecret)
  asymmetric = await startReceiver(keyPair.publicKey)
  const origin = ({ url }: Receiver): string => new URL(url).origin
  jobhook = await startJobhook(
    {
      ...target.config,
      worker_id: freshWorkerId('delivery'),
      callback: {
        url: receiver.url,
        secrets: [CALLBACK_SECRET, nextSecret, keyPair.privateKey],
        schedule: [0, 1, 1],
        timeout: '5s',
        allow_origins: [origin(other), origin(rotated), origin(asymmetric)],
        allow_private: true,
      },
      limits: { callback_connections: 2 },
      retention: { success: '1s', failure: '1h' },
    },
    target.env,
  )
})
after(async () => {
  await jobhook?.stop()
  for (const each of [receiver, other, rotated, asymmetric]) await each?.close()
})

test('a report whose receiver stays down becomes a dead letter after the schedule; a replay delivers it under the same id', async () => {
  receiver.answer = (message) => (message.data.task_id === 'dead-1' && message.type !== 'task_started' ? 500 : 200)
  await jobhook.webhook(shellTask('dead-1', 'echo why; exit 4'))
  const dead = await until(
    'the dead letter',
    async () => {
      const { body } = await jobhook.rest('GET', '/v1/deliveries?state=dead')
      return body.items.find((item: { task_id: string }) => item.task_id === 'dead-1')
    },
    patient,
  )
  const attempts = receiver.verdicts('dead-1')
  assert.deepEqual([dead.state, dead.attempts, dead.task_state, attempts.length], ['dead', 3, 'failed', 3])
  assert.equal(dead.webhook_id, attempts[0]?.id)
  assert.equal(await jobhook.metric('jobhook_dead_letters'), 1)

  receiver.answer = () => 200
  const replayed = await jobhook.rest('POST', `/v1/deliveries/${dead.id}/replay`)
  assert.deepEqual([replayed.status, replayed.body.state, replayed.body.attempts], [202, 'owed', 0])
  await until('delivered', () => receiver.verdicts('dead-1').some((message) => message.answered === 200), patient)
  const bodies = receiver.verdicts('dead-1').map((message) => JSON.stringify([message.id, message.type, message.data]))
  assert.equal(new Set(bodies).size, 1, 'the same id and the same bytes')
  assert.equal(receiver.of('dead-1').filter((message) => message.type === 'task_started').length, 1, 'a replay does not tell of the start')
  await until(
    'shown as delivered',
    async () => (await jobhook.rest('GET', '/v1/tasks/dead-1')).body.delivery.state === 'delivered',
    patient,
  )
  assert.equal(await jobhook.metric('jobhook_dead_letters'), 0)
  assert.match(jobhook.log(), /"audit":true,"who":"test","action":"replay",.*"task_id":"dead-1"/)

  const again = await jobhook.rest('POST', '/v1/deliveries/dead-1/replay')
  assert.deepEqual([again.status, again.body.code], [409, 'conflict'])
  assert.equal((await jobhook.rest('POST', '/v1/deliveries/no-such-task/replay')).status, 404)
})

test('every dead letter since a time is replayed at once', async () => {
  const since = new Date(Date.now() - 1_000).toISOString()
  const ids = ['many-1', 'many-2', 'many-3']
  receiver.answer = (message) => (ids.includes(message.data.task_id) && message.type !== 'task_started' ? 503 : 200)
  for (const id of ids) await jobhook.webhook(shellTask(id, 'exit 1'))
  await until('all dead', async () => (await jobhook.rest('GET', '/v1/deliveries?state=dead')).body.items.length === ids.length, patient)
  receiver.answer = () => 200
  const replayed = await jobhook.rest('POST', '/v1/deliveries/replay', { since })
  assert.deepEqual([replayed.status, replayed.body.replayed.length, replayed.body.failed], [202, 3, []])
  await until('all delivered', () => ids.every((id) => receiver.verdicts(id).some((message) => message.answered === 200)), patient)
  for (const bad of ['yesterday', '2026-13-99T00:00:00Z'])
    assert.equal((await jobhook.rest('POST', '/v1/deliveries/replay', { since: bad })).status, 422)
})

test('the command line lists dead reports and sends them again', async () => {
  const env = { JOBHOOK_URL: jobhook.url, JOBHOOK_TOKEN: TOKEN }
  receiver.answer = (message) => (message.data.task_id === 'by-hand-1' && message.type !== 'task_started' ? 503 : 200)
  await jobhook.webhook(shellTask('by-hand-1', 'exit 1'))
  await until('dead', async () => (await jobhook.rest('GET', '/v1/deliveries?state=dead')).body.items.length === 1, patient)
  const listed = await run(['deliveries'], { env })
  assert.equal(listed.code, 0)
  assert.match(listed.out, /^TASK .*\nby-hand-1 +failed +dead +3 .*the receiver answered 503\n$/)
  const [item] = (await run(['deliveries', '--state', 'dead', '--json'], { env })).out.split('\n').map((line) => line && JSON.parse(line))
  assert.equal(item.task_id, 'by-hand-1')
  receiver.answer = () => 200
  assert.deepEqual(await run(['deliveries', 'replay', '--since', '2h'], { env }), { code: 0, out: '1 report is sent again\n', err: '' })
  await until('delivered', () => receiver.verdicts('by-hand-1').some((message) => message.answered === 200), patient)
  await until('none left', async () => (await run(['deliveries', '--state', 'dead'], { env })).out === 'No such reports.\n', patient)
  const unknown = await run(['deliveries', 'replay', 'no-such-task'], { env })
  assert.equal(unknown.code, 1)
  assert.match(unknown.err, /no-such-task: no task has this id/)
})

test('a receiver that never answers holds up nobody else', async () => {
  receiver.answer = (message) => (String(message.data.task_id).startsWith('hang-') ? 'hang' : 200)
  // More than its lane holds, so that some must wait outside.
  for (let index = 0; index < 6; index++) await jobhook.webhook(shellTask(`hang-${index}`, 'exit 1'))
  await until(
    'the lane is full',
    () => receiver.received.filter((message) => message.data.task_id.startsWith('hang-')).length >= 2,
    patient,
  )
  for (let index = 0; index < 6; index++) {
    await jobhook.webhook(shellTask(`free-${index}`, 'exit 1', { callback_url: other.url }))
  }
  const free = Array.from({ length: 6 }, (_, index) => `free-${index}`)
  await until('the others are told', () => free.every((id) => other.verdicts(id).length === 1), patient)
  const { items } = (await jobhook.rest('GET', '/v1/deliveries?state=owed')).body
  const hanging = items.filter((item: { task_id: string }) => item.task_id.startsWith('hang-'))
  assert.equal(hanging.length, 6, 'none of those that hang was given up meanwhile')
  receiver.answer = () => 200
  await until(
    'those that hung are told in the end',
    () =>
      Array.from({ length: 6 }, (_, index) => `hang-${index}`).every((id) =>
        receiver.verdicts(id).some(({ answered }) => answered === 200),
      ),
    patient,
  )
})

test('with several signing keys a receiver may hold the old one, the new one or the public one', async () => {
  receiver.answer = () => 200
  await jobhook.webhook(shellTask('keys-old', 'true'))
  await jobhook.webhook(shellTask('keys-new', 'true', { callback_url: rotated.url }))
  await jobhook.webhook(shellTask('keys-public', 'true', { callback_url: asymmetric.url }))
  const messages = [
    await until('the old key', () => receiver.verdicts('keys-old')[0], patient),
    await until('the new key', () => rotated.verdicts('keys-new')[0], patient),
    await until('the public key', () => asymmetric.verdicts('keys-public')[0], patient),
  ]
  for (const { verified, headers } of messages) {
    assert.equal(verified, true)
    assert.deepEqual(
      String(headers['webhook-signature'])
        .split(' ')
        .map((signature) => signature.split(',')[0]),
      ['v1', 'v1', 'v1a'],
    )
  }
})

test('a redelivery after the Job was cleaned up is recognised: the same is a repeat, other content a conflict', async () => {
  receiver.answer = () => 200
  const task = shellTask('cleaned-1', 'true', { env_vars: { TOKEN: 'first' } })
  const first = await jobhook.webhook(task)
  await until('its verdict', () => receiver.verdicts('cleaned-1')[0], patient)
  await until('its Job is gone', async () => (await jobhook.rest('GET', '/v1/tasks/cleaned-1')).status === 404, patient)

  const fresh = shellTask('cleaned-1', 'true', { env_vars: { TOKEN: 'second' } })
  const repeat = await jobhook.webhook(fresh)
  assert.deepEqual([repeat.status, repeat.headers['jobhook-duplicate'], repeat.body.data.id], [202, 'true', first.body.data.id])
  const rest = await jobhook.rest('POST', '/v1/tasks', fresh.data)
  assert.deepEqual([rest.status, rest.headers['jobhook-duplicate'], rest.body.state], [202, 'true', 'completed'])
  const conflict = await jobhook.webhook(shellTask('cleaned-1', 'false', { env_vars: { TOKEN: 'x' } }))
  assert.deepEqual([conflict.status, conflict.body.code], [409, 'conflict'])
  assert.equal(receiver.verdicts('cleaned-1').length, 1)
  await until(
    'it is written down',
    async () => (await jobhook.metric('jobhook_kube_requests_total', { resource: 'configmaps', status: '201' })) > 0,
  )
  assert.ok((await jobhook.metric('jobhook_dedupe_entries')) >= 1)
  assert.equal(await jobhook.metric('jobhook_dedupe_errors_total'), 0)
})

test('the ledger outlives every replica, and each one knows what another finished', async () => {
  // The cluster must outlive the service, so the embedded one runs in this process and is reached by its kubeconfig.
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-ledger-'))
  const kubeconfigFile = join(folder, 'kubeconfig')
  const embedded = target.real ? null : await startEmbedded({ kubeconfigFile })
  const workerId = freshWorkerId('Ledger_1.x')
  const start = (): Promise<Jobhook> =>
    startJobhook({
      worker_id: workerId,
      backend: {
        kubernetes: {
          kubeconfig: process.env.JOBHOOK_TEST_KUBECONFIG ?? kubeconfigFile,
          default_image: 'docker.io/library/busybox:1.36',
        },
      },
      callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
      retention: { success: '1s' },
      leader_election: { lease_duration: '3s' },
    })
  const replicas: Jobhook[] = []
  try {
    receiver.answer = () => 200
    const [a, b] = [await start(), await start()]
    replicas.push(a, b)
    const task = shellTask('outlived-1', 'true')
    assert.equal((await a.webhook(task)).status, 202)
    for (const replica of [a, b]) {
      await until('its Job is gone', async () => (await replica.rest('GET', '/v1/tasks/outlived-1')).status === 404, patient)
      await until('it is in the ledger', async () => (await replica.metric('jobhook_dedupe_entries')) === 1, patient)
      assert.equal((await replica.webhook(task)).headers['jobhook-duplicate'], 'true')
    }
    await until(
      'it is written down',
      async () => (await a.metric('jobhook_kube_requests_total', { verb: 'create', resource: 'configmaps', status: '201' })) === 1,
      patient,
    )
    await Promise.all([a.kill(), b.kill()])
    const c = await start()
    replicas.push(c)
    const repeat = await c.webhook(task)
    assert.deepEqual([repeat.status, repeat.headers['jobhook-duplicate']], [202, 'true'])
    assert.equal((await c.webhook(shellTask('outlived-1', 'false'))).status, 409)
    assert.equal(receiver.verdicts('outlived-1').length, 1)
  } finally {
    for (const replica of replicas) await replica.stop()
    await embedded?.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
