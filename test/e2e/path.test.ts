// The whole path as a control plane meets it, on the embedded cluster or on the real one: webhook in, Job, callback out.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CALLBACK_SECRET, clusterConfig, freshWorkerId, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const target = clusterConfig()
/** Long, but ends at once when told to: a shell that is PID 1 ignores TERM unless it traps it. */
const SLEEP = "trap 'exit 143' TERM; sleep 60 & wait $!"
const slow = { timeoutMs: 60_000 }
let receiver: Receiver
let jobhook: Jobhook

before(async () => {
  receiver = await startReceiver(CALLBACK_SECRET)
  jobhook = await startJobhook({
    worker_id: freshWorkerId('path'),
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1] },
    ...target.config,
  })
})
after(async () => {
  await jobhook?.stop()
  await receiver?.close()
})

const verdictOf = (taskId: string) => until(`the verdict of ${taskId}`, () => receiver.verdicts(taskId)[0], slow)

test('a task that ends well: 202, task_started, then task_completed with exit code 0, all signed', async () => {
  const answer = await jobhook.webhook(shellTask('ok-1', 'echo hello', { execution_id: 'e-1', task: { title: 'Say hello' } }))
  assert.equal(answer.status, 202)
  assert.deepEqual([answer.body.type, answer.body.data.task_id, answer.body.data.execution_id], ['task_claimed', 'ok-1', 'e-1'])
  assert.equal(answer.headers.location, `/v1/tasks/${answer.body.data.id}`)
  const verdict = await verdictOf('ok-1')
  assert.equal(verdict.type, 'task_completed')
  assert.equal(verdict.data.exit_code, 0)
  assert.equal(verdict.data.execution_id, 'e-1')
  assert.deepEqual(
    receiver.of('ok-1').map((message) => message.type),
    ['task_started', 'task_completed'],
  )
  assert.ok(receiver.of('ok-1').every((message) => message.verified))
  const task = await until('reported', async () => {
    const { body } = await jobhook.rest('GET', `/v1/tasks/${answer.body.data.id}`)
    return body.delivery.state === 'delivered' && body
  })
  assert.deepEqual([task.state, task.title, task.exit_code, task.delivery.attempts], ['completed', 'Say hello', 0, 1])
})

test('a task that exits with 3 fails with that exit code and the end of its log', async () => {
  await jobhook.webhook(shellTask('exit-3', 'echo about to fail; exit 3'))
  const { type, data } = await verdictOf('exit-3')
  assert.deepEqual([type, data.failure_reason, data.exit_code], ['task_failed', 'container_exit', 3])
  assert.match(data.detail.log_tail, /about to fail/)
})

test('a command that does not exist fails as container_start', async () => {
  await jobhook.webhook({ type: 'task_assignment', data: { task_id: 'no-command', command: ['/no/such/command'] } })
  const { type, data } = await verdictOf('no-command')
  assert.deepEqual([type, data.failure_reason], ['task_failed', 'container_start'])
})

test('environment variables arrive literally, by way of a Secret that is gone afterwards', async () => {
  await jobhook.webhook(
    shellTask('env-1', 'test "$GREETING" = \'$(HOME) "x" \\ ä\' && test -z "$JOBHOOK_WEBHOOK__SECRETS"', {
      env_vars: { GREETING: '$(HOME) "x" \\ ä' },
    }),
  )
  const { type, data } = await verdictOf('env-1')
  assert.equal(type, 'task_completed', JSON.stringify(data))
  assert.ok(!jobhook.log().includes('$(HOME) "x"'), 'no value of env_vars in the log')
})

test('the same assignment again is answered as a repeat and runs once; other content is a conflict that names the field', async () => {
  const message = shellTask('twice', 'sleep 1', { env_vars: { TOKEN: 'first' } })
  const first = await jobhook.webhook(message)
  const [again, fresh] = await Promise.all([
    jobhook.webhook(message),
    jobhook.webhook(shellTask('twice', 'sleep 1', { env_vars: { TOKEN: 'fresher' } })),
  ])
  const other = await jobhook.webhook(shellTask('twice', 'sleep 2', { env_vars: { TOKEN: 'first' } }))
  assert.deepEqual([first.status, again.status, fresh.status, other.status], [202, 202, 202, 409])
  assert.deepEqual(
    [first, again, fresh].map((answer) => answer.headers['jobhook-duplicate']),
    [undefined, 'true', 'true'],
  )
  assert.equal(first.body.data.id, again.body.data.id)
  assert.deepEqual(
    other.body.errors.map((error: { pointer: string }) => error.pointer),
    ['/data/args'],
  )
  await verdictOf('twice')
  const after = await jobhook.webhook(message)
  assert.deepEqual([after.status, after.headers['jobhook-duplicate']], [202, 'true'])
  assert.equal(receiver.verdicts('twice').length, 1)
})

test('the same assignment four times at the same instant runs once and each sender is told 202; one with other content is told what differs', async () => {
  const message = shellTask('at-once', 'true')
  const same = [1, 2, 3, 4].map(() => jobhook.webhook(message))
  const [other, ...answers] = await Promise.all([jobhook.webhook(shellTask('at-once', 'false')), ...same])
  const refused = [other, ...answers].filter(({ status }) => status !== 202)
  // Whichever comes first is the one that runs.
  assert.ok(refused.length === 1 || refused.length === 4, `${refused.length} refused`)
  for (const { status, body } of refused) assert.deepEqual([status, body.errors[0].pointer], [409, '/data/args'])
  await verdictOf('at-once')
  assert.equal(receiver.verdicts('at-once').length, 1)
})

test('a cancellation stops the workload before its verdict is sent', async () => {
  await jobhook.webhook(shellTask('cancel-1', 'trap "exit 0" TERM; while true; do sleep 0.1; done'))
  await until('it runs', () => receiver.of('cancel-1')[0], slow)
  const answer = await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'cancel-1' } })
  assert.deepEqual([answer.status, answer.body], [202, { task_id: 'cancel-1', cancelled: ['cancel-1'] }])
  const { type, data } = await verdictOf('cancel-1')
  assert.deepEqual([type, data.task_state], ['task_completed', 'CANCELLED'])
  const again = await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'cancel-1' } })
  assert.deepEqual([again.status, again.body.cancelled], [202, []])
})

test('a cancellation right after its assignment is not missed', async () => {
  await jobhook.webhook(shellTask('cancel-2', SLEEP))
  const answer = await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'cancel-2' } })
  assert.deepEqual(answer.body.cancelled, ['cancel-2'])
  const { data } = await verdictOf('cancel-2')
  assert.equal(data.task_state, 'CANCELLED')
})

test('a cancellation of a task nobody knows is answered with an empty list', async () => {
  const answer = await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'never-heard-of' } })
  assert.deepEqual([answer.status, answer.body], [202, { task_id: 'never-heard-of', cancelled: [] }])
})

test('a task that runs longer than its timeout is stopped and fails with task_timeout', async () => {
  await jobhook.webhook(shellTask('slow-1', SLEEP, { timeout_seconds: 1 }))
  const { type, data } = await verdictOf('slow-1')
  assert.deepEqual([type, data.failure_reason], ['task_failed', 'task_timeout'])
})

test('a heartbeat is answered with 204', async () => {
  assert.equal((await jobhook.webhook({ type: 'heartbeat' })).status, 204)
})

test('a callback that is refused twice is sent again under the same id until it is acknowledged', async () => {
  receiver.answer = (message, earlier) => (message.data.task_id === 'sick-1' && message.type !== 'task_started' && earlier < 2 ? 500 : 200)
  await jobhook.webhook(shellTask('sick-1', 'exit 1'))
  await until('three attempts', () => receiver.verdicts('sick-1').length === 3, slow)
  const attempts = receiver.verdicts('sick-1')
  assert.equal(new Set(attempts.map((message) => message.id)).size, 1)
  assert.deepEqual(
    attempts.map((message) => message.answered),
    [500, 500, 200],
  )
})

test('REST submits, lists, shows and cancels the same tasks', async () => {
  const submitted = await jobhook.rest(
    'POST',
    '/v1/tasks',
    { command: ['/bin/sh', '-c'], args: [SLEEP], labels: { team: 'web' } },
    { 'idempotency-key': 'k-1' },
  )
  assert.equal(submitted.status, 202, JSON.stringify(submitted.body))
  const { id, task_id: taskId } = submitted.body
  const repeated = await jobhook.rest(
    'POST',
    '/v1/tasks',
    { command: ['/bin/sh', '-c'], args: [SLEEP], labels: { team: 'web' } },
    { 'idempotency-key': 'k-1' },
  )
  assert.deepEqual([repeated.status, repeated.body.id, repeated.headers['jobhook-duplicate']], [202, id, 'true'])
  await until('listed', async () =>
    (await jobhook.rest('GET', '/v1/tasks?label=team=web')).body.items.some((task: { id: string }) => task.id === id),
  )
  assert.equal((await jobhook.rest('GET', `/v1/tasks/${encodeURIComponent(taskId)}`)).body.id, id)
  const cancelled = await jobhook.rest('DELETE', `/v1/tasks/${id}`)
  assert.deepEqual([cancelled.status, cancelled.body.state], [202, 'stopping'])
  await verdictOf(taskId)
  await until('ended', async () => (await jobhook.rest('GET', `/v1/tasks/${id}`)).body.state === 'cancelled', slow)
  assert.equal((await jobhook.rest('DELETE', `/v1/tasks/${id}`)).status, 200)
  assert.equal((await jobhook.rest('GET', '/v1/tasks/nothing-here')).status, 404)
})

test('paging gives every task once, newest first', async () => {
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: { items: { id: string }[]; next_cursor: string | null } = (
      await jobhook.rest('GET', `/v1/tasks?limit=3${cursor ? `&cursor=${cursor}` : ''}`)
    ).body
    seen.push(...page.items.map((task) => task.id))
    cursor = page.next_cursor
  }
  assert.ok(seen.length > 6)
  assert.equal(new Set(seen).size, seen.length)
})

test('the service says that it is alive, ready and what it has done', async () => {
  for (const path of ['/livez', '/readyz', '/startupz']) assert.equal((await jobhook.rest('GET', path)).status, 200)
  assert.match((await jobhook.rest('GET', '/readyz?verbose')).body, /informer-jobs: in step[\s\S]*leader: this replica reports/)
  assert.ok((await jobhook.metric('jobhook_submissions_total', { via: 'webhook', result: 'claimed' })) >= 8)
  assert.ok((await jobhook.metric('jobhook_deliveries_total', { slot: 'verdict', result: 'delivered' })) >= 8)
})
