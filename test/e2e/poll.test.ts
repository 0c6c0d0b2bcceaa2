// The long poll end to end: assignments fetched from the example control plane's own server side, on the embedded cluster or the real one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startEmbedded } from '../../src/embedded/index.ts'
import { type ClusterAccess, openCluster } from '../support/cluster.ts'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type Polled, startPolled } from '../support/polled.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const patient = { timeoutMs: 90_000 }
const UNTIL_TOLD = 'trap "exit 0" TERM; while true; do sleep 0.1; done'
const folder = mkdtempSync(join(tmpdir(), 'jobhook-poll-'))
const tokenFile = join(folder, 'token')
let token = 'poll-token-1'
let cluster: ClusterAccess
let receiver: Receiver
let polled: Polled
let closeEmbedded = async (): Promise<void> => {}

before(async () => {
  writeFileSync(tokenFile, `${token}\n`)
  let kubeconfigFile = process.env.JOBHOOK_TEST_KUBECONFIG
  if (!kubeconfigFile) {
    kubeconfigFile = join(folder, 'embedded.kubeconfig')
    const embedded = await startEmbedded({ kubeconfigFile })
    closeEmbedded = () => embedded.close()
  }
  cluster = openCluster(kubeconfigFile)
  receiver = await startReceiver(CALLBACK_SECRET)
  polled = await startPolled(() => token)
})
after(async () => {
  await receiver?.close()
  await polled?.close()
  await cluster?.close()
  await closeEmbedded()
  rmSync(folder, { recursive: true, force: true })
})

function start(workerId: string, more: Record<string, unknown> = {}): Promise<Jobhook> {
  return startJobhook({
    worker_id: workerId,
    backend: { kubernetes: { kubeconfig: cluster.kubeconfigFile, default_image: 'docker.io/library/busybox:1.36' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1] },
    leader_election: { lease_duration: '3s' },
    poll: { url: polled.url, token: { file: tokenFile } },
    ...more,
  })
}

const entry = (id: string) => polled.board.entries().find((each) => each.id === id)
const done = (id: string, result: string) => until(`${id} is ${result}`, () => entry(id)?.result === result, patient)
const verdictOf = (taskId: string) => until(`the verdict of ${taskId}`, () => receiver.verdicts(taskId)[0], patient)

test('assignments and cancellations are fetched, carried out and acknowledged by their ids; what is malformed is said to be invalid', async () => {
  const workerId = freshWorkerId('poll')
  const jobhook = await start(workerId)
  polled.board.put(workerId, 'm-1', shellTask('poll-1', 'echo hello'))
  polled.board.put(workerId, 'm-2', shellTask('poll-2', UNTIL_TOLD))
  polled.board.put(workerId, 'm-3', { type: 'task_assignment', data: { task_id: 7 } })
  await Promise.all([done('m-1', 'claimed'), done('m-2', 'claimed'), done('m-3', 'invalid')])
  assert.match(entry('m-3')?.reason ?? '', /^invalid_request: \/data\/task_id/)
  assert.equal((await verdictOf('poll-1')).type, 'task_completed')
  await until('poll-2 runs', () => receiver.of('poll-2')[0], patient)
  polled.board.put(workerId, 'm-4', { type: 'task_cancellation', data: { task_id: 'poll-2' } })
  await done('m-4', 'cancelled')
  assert.equal((await verdictOf('poll-2')).data.task_state, 'CANCELLED')
  assert.match((await jobhook.rest('GET', '/readyz?verbose')).body, /\[\+\] long-poll: polling/)
  assert.ok((await jobhook.metric('jobhook_submissions_total', { via: 'poll', result: 'claimed' })) >= 2)
  const audit = jobhook
    .log()
    .split('\n')
    .filter((line) => line.includes('"audit":true'))
    .join('\n')
  assert.match(audit, /"action":"submit","from":"http:\/\/127[^"]+","via":"poll","task_id":"poll-1".*"message_id":"m-1"/)
  assert.match(audit, /"action":"cancel","from":"http:\/\/127[^"]+","via":"poll","task_id":"poll-2".*"message_id":"m-4"/)
  assert.equal(await jobhook.stop(), 0)
})

test('push and poll of the same 20 tasks at once, two replicas, acks lost and one replica stopped in between: each runs once', async () => {
  const workerId = freshWorkerId('both')
  const [first, second] = await Promise.all([start(workerId), start(workerId)])
  let lost = 0
  // Every second ack is lost on its way, and sent again.
  polled.intercept = (request) => {
    if (!request.url?.endsWith('/ack') || lost++ % 2 === 1) return false
    request.socket.destroy()
    return true
  }
  const messages = Array.from({ length: 20 }, (_, index) => shellTask(`both-${index}`, 'sleep 0.5'))
  messages.forEach((message, index) => {
    polled.board.put(workerId, `both-${index}`, message)
  })
  const pushed = await Promise.all(messages.map((message, index) => (index % 2 ? first : second).webhook(message)))
  assert.deepEqual([...new Set(pushed.map(({ status }) => status))], [202])
  const leader = (await first.metric('jobhook_leader')) === 1 ? first : second
  assert.equal(await leader.stop(), 0)
  polled.intercept = () => false
  await Promise.all(messages.map((_, index) => done(`both-${index}`, 'claimed')))
  await Promise.all(messages.map((message) => verdictOf(String(message.data.task_id))))
  assert.equal((await cluster.jobsOf(workerId)).length, 20)
  for (const { data } of messages) assert.equal(new Set(receiver.verdicts(String(data.task_id)).map(({ id }) => id)).size, 1)
  await (leader === first ? second : first).stop()
})

test('two pollers and a pusher, messages handed out again and again, replicas stopped and killed in between: each task runs once', async () => {
  const workerId = freshWorkerId('again')
  const replicas = await Promise.all([start(workerId), start(workerId)])
  // No ack arrives at all, for longer than a poller tries to send one: every message comes again, to this poller or to the next.
  polled.intercept = (request) => {
    if (!request.url?.endsWith('/ack')) return false
    request.socket.destroy()
    return true
  }
  const messages = Array.from({ length: 20 }, (_, index) => shellTask(`again-${index}`, 'sleep 0.5', { env_vars: { A: 'a-value' } }))
  messages.forEach((message, index) => {
    polled.board.put(workerId, `again-${index}`, message)
  })
  const push = async (): Promise<void> => {
    const answers = await Promise.all(messages.flatMap((message) => replicas.map((replica) => replica.webhook(message).catch(() => null))))
    assert.deepEqual([...new Set(answers.flatMap((answer) => (answer ? [answer.status] : [])))], [202])
  }
  const handedOut = () => Math.min(...messages.map((_, index) => entry(`again-${index}`)?.handedOut ?? 0))
  const leader = async () => ((await replicas[0]?.metric('jobhook_leader')) === 1 ? 0 : 1)
  await push()
  for (const [times, end] of [
    [2, (jobhook: Jobhook) => jobhook.kill()],
    [3, (jobhook: Jobhook) => jobhook.stop()],
  ] as const) {
    await until(`each was handed out ${times} times`, () => handedOut() >= times, patient)
    const index = await leader()
    await end(replicas[index] as Jobhook)
    replicas[index] = await start(workerId)
    await push()
  }
  await until('each was handed out four times', () => handedOut() >= 4, patient)
  polled.intercept = () => false
  await Promise.all(messages.map((_, index) => done(`again-${index}`, 'claimed')))
  await Promise.all(messages.map((message) => verdictOf(String(message.data.task_id))))
  assert.equal((await cluster.jobsOf(workerId)).length, messages.length)
  for (const { data } of messages) {
    const verdicts = receiver.verdicts(String(data.task_id))
    assert.deepEqual([...new Set(verdicts.map(({ id, type }) => `${id} ${type}`))], [`${verdicts[0]?.id} task_completed`])
  }
  for (const replica of replicas) assert.equal(await replica.stop(), 0)
})

test('only the leader polls, and only one request at a time', async () => {
  const workerId = freshWorkerId('one')
  const replicas = await Promise.all([start(workerId), start(workerId)])
  await until('a request waits', () => polled.waiting() === 1)
  const verbose = await Promise.all(replicas.map(async (replica) => (await replica.rest('GET', '/readyz?verbose')).body as string))
  assert.deepEqual(verbose.map((text) => /long-poll: (polling|not polling)/.exec(text)?.[1]).sort(), ['not polling', 'polling'])
  assert.equal(polled.waiting(), 1)
  await Promise.all(replicas.map((replica) => replica.stop()))
  await until('nobody waits', () => polled.waiting() === 0)
})

test('at capacity nothing is asked for; as many as fit are taken when there is room again', async () => {
  const workerId = freshWorkerId('full')
  const jobhook = await start(workerId, { limits: { max_concurrent_tasks: 2 } })
  for (const id of ['full-1', 'full-2', 'full-3', 'full-4']) polled.board.put(workerId, id, shellTask(id, UNTIL_TOLD))
  const taken = await until('two are claimed', () => {
    const claimed = polled.board.entries().filter(({ id, result }) => id.startsWith('full-') && result === 'claimed')
    return claimed.length === 2 ? claimed : null
  })
  await until('it says so', async () => /long-poll: waiting for capacity/.test((await jobhook.rest('GET', '/readyz?verbose')).body))
  assert.equal(polled.waiting(), 0)
  assert.equal(polled.board.entries().filter(({ id, handedOut }) => id.startsWith('full-') && handedOut > 0).length, 2)
  for (const { id } of taken) await jobhook.webhook({ type: 'task_cancellation', data: { task_id: id } })
  await until(
    'the other two are claimed',
    () => ['full-1', 'full-2', 'full-3', 'full-4'].every((id) => entry(id)?.result === 'claimed'),
    patient,
  )
  for (const id of ['full-3', 'full-4']) await jobhook.webhook({ type: 'task_cancellation', data: { task_id: id } })
  await jobhook.stop()
})

test('a refused token is told in the log and by /readyz?verbose without failing it; a rotated file is taken up without a restart', async () => {
  const workerId = freshWorkerId('token')
  writeFileSync(tokenFile, 'an-old-token')
  const jobhook = await start(workerId)
  polled.board.put(workerId, 'token-1', shellTask('token-1', 'true'))
  await until('it says so', async () =>
    /\[!\] long-poll: the control plane refused the token \(401\)/.test((await jobhook.rest('GET', '/readyz?verbose')).body),
  )
  assert.equal((await jobhook.rest('GET', '/readyz')).status, 200)
  assert.match(jobhook.log(), /check poll\.token/)
  assert.ok(!jobhook.log().includes('an-old-token'))
  token = 'poll-token-2'
  writeFileSync(tokenFile, token)
  await done('token-1', 'claimed')
  await verdictOf('token-1')
  await jobhook.stop()
})

test('answers that refuse, are no JSON or too large do not end the polling', async () => {
  const workerId = freshWorkerId('sick')
  const answers: ((response: import('node:http').ServerResponse) => void)[] = [
    (response) => response.writeHead(503, { 'retry-after': '1' }).end(),
    (response) => response.writeHead(200).end('<html>'),
    (response) => response.writeHead(200).end(Buffer.alloc(17 * 1024 * 1024, 'x')),
  ]
  polled.intercept = (request, response) => {
    if (!request.url?.includes(encodeURIComponent(workerId)) || !request.url.endsWith('/lease')) return false
    const answer = answers.shift()
    answer?.(response)
    return answer !== undefined
  }
  const jobhook = await start(workerId)
  polled.board.put(workerId, 'sick-1', shellTask('sick-poll', 'true'))
  await done('sick-1', 'claimed')
  polled.intercept = () => false
  await verdictOf('sick-poll')
  await jobhook.stop()
})

test('a message without an id is left out and told; the others of its lease are carried out', async () => {
  const workerId = freshWorkerId('no-id')
  let acked = ''
  let handedOut = false
  polled.intercept = (request, response) => {
    const ack = request.url?.endsWith('/ack')
    if (!ack && handedOut) return false
    response.setHeader('content-type', 'application/json')
    if (ack) {
      request.on('data', (bytes: Buffer) => {
        acked += bytes
      })
      response.end('{}')
      return true
    }
    handedOut = true
    const messages = [
      shellTask('no-id-1', 'true'),
      { ...shellTask('no-id-2', 'true'), id: 7 },
      { id: 'm-1', ...shellTask('no-id-3', 'true') },
      null,
    ]
    response.end(JSON.stringify({ lease: 'l-1', expires_in: 60, messages }))
    return true
  }
  const jobhook = await start(workerId)
  assert.equal((await verdictOf('no-id-3')).type, 'task_completed')
  polled.intercept = () => false
  assert.deepEqual(JSON.parse(acked), { lease: 'l-1', results: [{ id: 'm-1', result: 'claimed' }] })
  assert.equal((await cluster.jobsOf(workerId)).length, 1)
  assert.match(jobhook.log(), /"messages":3,"msg":"long poll: messages without an id were left out; each needs one"/)
  await jobhook.stop()
})

test('a cancellation in the same lease as its assignment is not lost', async () => {
  const workerId = freshWorkerId('same')
  polled.board.put(workerId, 'same-1', shellTask('same-1', UNTIL_TOLD, { env_vars: { A: 'a-value' } }))
  polled.board.put(workerId, 'same-2', { type: 'task_cancellation', data: { task_id: 'same-1' } })
  const jobhook = await start(workerId)
  await Promise.all([done('same-1', 'claimed'), done('same-2', 'cancelled')])
  assert.equal((await verdictOf('same-1')).data.task_state, 'CANCELLED')
  await jobhook.stop()
})
