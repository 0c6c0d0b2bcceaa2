// The example control plane, as its own process, against a stand-in for jobhook that lives in this test only: it answers as the test says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { State, TaskRecord } from '../../examples/control-plane/ledger.ts'
import { createSigner, createVerifier, generateSecret } from '../../src/lib/standard-webhooks.ts'

const MAIN = fileURLToPath(new URL('../../examples/control-plane/main.ts', import.meta.url))
const DEADLINE_MS = 20_000
const accepted = (id: string): Answer => ({ status: 202, body: { type: 'task_claimed', data: { task_id: id, id: `job-${id}` } } })

interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

interface Received {
  headers: IncomingHttpHeaders
  body: string
  verified: boolean
}

test('it pushes a signed assignment and remembers the Job that it became', async (t) => {
  const stage = await start(t, [accepted('t-1')])
  await stage.submit({ task_id: 't-1', task: { title: 'Fix the build' } })
  const record = await stage.task('t-1', (task) => task.accepted !== null)
  assert.equal(record.accepted?.job, 'job-t-1')
  assert.equal(record.title, 'Fix the build')
  assert.equal(stage.received[0]?.verified, true)
  assert.deepEqual(JSON.parse(stage.received[0]?.body ?? ''), {
    type: 'task_assignment',
    data: { task_id: 't-1', task: { title: 'Fix the build' } },
  })
})

test('a broken connection, 503 and 429 are tried again under the same id until accepted, each attempt signed anew', async (t) => {
  const stage = await start(t, [
    { status: 0 },
    { status: 503, headers: { 'retry-after': '0' } },
    { status: 429, headers: { 'retry-after': '1' } },
    { status: 500 },
    accepted('t-1'),
  ])
  await stage.submit({ task_id: 't-1' })
  const record = await stage.task('t-1', (task) => task.accepted !== null)
  assert.equal(record.attempts, 5)
  assert.equal(new Set(stage.received.map(({ headers }) => headers['webhook-id'])).size, 1)
  assert.ok(stage.received.every(({ verified }) => verified))
  assert.equal(record.refused, null)
})

test('a refusal is final: it is not sent again, and its reason is kept', async (t) => {
  const problem = { type: 'about:blank', title: 'The request does not fit the schema', status: 422, detail: 'no image' }
  const stage = await start(t, [{ status: 422, body: problem }, accepted('t-1')])
  await stage.submit({ task_id: 't-1' })
  const record = await stage.task('t-1', (task) => task.refused !== null)
  assert.deepEqual([record.refused?.status, record.refused?.detail], [422, 'The request does not fit the schema: no image'])
  assert.equal(stage.received.length, 1)
})

test('a second delivery has the same id and bytes, and a recognised repeat is counted', async (t) => {
  const stage = await start(t, [accepted('t-1'), { ...accepted('t-1'), headers: { 'jobhook-duplicate': 'true' } }])
  await stage.submit({ task_id: 't-1' })
  await stage.task('t-1', (task) => task.accepted !== null)
  assert.equal((await stage.post('/tasks/t-1/redeliver')).status, 200)
  const record = await stage.task('t-1', (task) => task.repeats_recognised === 1)
  assert.equal(record.attempts, 2)
  const [first, second] = stage.received
  assert.deepEqual([second?.headers['webhook-id'], second?.body], [first?.headers['webhook-id'], first?.body])
})

test('a cancellation is pushed as its own message', async (t) => {
  const stage = await start(t, [accepted('t-1'), { status: 202, body: { task_id: 't-1', cancelled: ['t-1'] } }])
  await stage.submit({ task_id: 't-1' })
  await stage.task('t-1', (task) => task.accepted !== null)
  assert.equal((await stage.post('/tasks/t-1/cancel')).status, 200)
  assert.deepEqual(JSON.parse(stage.received[1]?.body ?? ''), { type: 'task_cancellation', data: { task_id: 't-1' } })
  assert.equal((await stage.post('/tasks/t-2/cancel')).status, 404)
})

test('callbacks are verified, kept, and counted once however often they come', async (t) => {
  const stage = await start(t, [accepted('t-1')])
  await stage.submit({ task_id: 't-1' })
  const failed = { type: 'task_failed', data: { task_id: 't-1', failure_reason: 'container_exit', exit_code: 3, message: 'exit 3' } }
  assert.equal(
    await stage.callback('started-1', { type: 'task_started', data: { task_id: 't-1', started_at: '2026-11-24T00:00:00Z' } }),
    200,
  )
  for (const id of ['verdict-1', 'verdict-1']) assert.equal(await stage.callback(id, failed), 200)
  const record = await stage.task('t-1', (task) => task.deliveries.length === 3)
  assert.equal(record.started?.webhook_id, 'started-1')
  assert.deepEqual([record.verdict?.kind, record.verdict?.failure_reason, record.verdict?.exit_code], ['failed', 'container_exit', 3])
  assert.deepEqual(
    record.deliveries.map(({ webhook_id, repeat }) => [webhook_id, repeat]),
    [
      ['started-1', false],
      ['verdict-1', false],
      ['verdict-1', true],
    ],
  )
})

test('a cancelled task is a task_completed with task_state CANCELLED', async (t) => {
  const stage = await start(t, [accepted('t-1')])
  await stage.submit({ task_id: 't-1' })
  await stage.callback('verdict-1', { type: 'task_completed', data: { task_id: 't-1', task_state: 'CANCELLED', message: 'cancelled' } })
  assert.equal((await stage.task('t-1', (task) => task.verdict !== null)).verdict?.kind, 'cancelled')
})

test('it can lose its first answer after storing a verdict, as a crash would', async (t) => {
  const stage = await start(t, [accepted('t-1')])
  await stage.submit({ task_id: 't-1' }, { loses_first_answer: true })
  const done = { type: 'task_completed', data: { task_id: 't-1', message: 'done' } }
  assert.deepEqual([await stage.callback('verdict-1', done), await stage.callback('verdict-1', done)], [500, 200])
  assert.deepEqual((await stage.task('t-1', (task) => task.deliveries.length === 2)).deliveries[1]?.repeat, true)
})

test('a forged callback is refused with 401, one for an unknown task with 410, and both are on record', async (t) => {
  const stage = await start(t, [])
  assert.equal(await stage.callback('m-1', { type: 'task_completed', data: { task_id: 't-9' } }, generateSecret()), 401)
  assert.equal(await stage.callback('m-2', { type: 'task_completed', data: { task_id: 't-9' } }), 410)
  assert.deepEqual(
    (await stage.state()).refused_callbacks.map(({ status }) => status),
    [401, 410],
  )
})

interface AfterHook {
  after(clean: () => void | Promise<void>): void
}

/** Starts the stand-in, which gives `answers` one after the other (status 0 breaks the connection), and the control plane. */
async function start(t: AfterHook, answers: Answer[]) {
  const secrets = { webhook: generateSecret(), callback: generateSecret() }
  const verifier = createVerifier([secrets.webhook])
  const received: Received[] = []
  const standIn = createServer(async (request, response) => {
    const body = await buffer(request)
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
    const verified = verifier.verify({ id, timestamp, signature }, body, Date.now() / 1000).ok && request.url === '/v1/webhook'
    received.push({ headers: request.headers, body: body.toString(), verified })
    const answer = answers[received.length - 1] ?? { status: 500 }
    if (answer.status === 0) return request.socket.destroy()
    return response
      .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      .end(JSON.stringify(answer.body ?? {}))
  }).listen(0, '127.0.0.1')
  await once(standIn, 'listening')

  const folder = mkdtempSync(join(tmpdir(), 'jobhook-test-'))
  writeFileSync(join(folder, 'jobhook'), `127.0.0.1:${(standIn.address() as AddressInfo).port}\n`)
  const child = spawn(
    process.execPath,
    [MAIN, '--port', '0', '--address-file', join(folder, 'address'), '--jobhook-address-file', join(folder, 'jobhook')],
    {
      env: { ...process.env, CONTROL_PLANE_WEBHOOK_SECRET: secrets.webhook, CONTROL_PLANE_CALLBACK_SECRET: secrets.callback },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  t.after(async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM')
      assert.deepEqual(await once(child, 'exit'), [0, null])
    }
    standIn.closeAllConnections()
    standIn.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const address = await eventually(async () => (await readFile(join(folder, 'address'), 'utf8')) || null)
  const post = (path: string, body?: unknown) =>
    fetch(`${address}${path}`, { method: 'POST', body: body === undefined ? null : JSON.stringify(body) })
  const state = async () => (await (await fetch(`${address}/state`)).json()) as State
  return {
    received,
    post,
    state,
    async submit(assignment: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<void> {
      assert.equal((await post('/tasks', { assignment, ...more })).status, 202)
    },
    /** The task's record, once it satisfies the condition. */
    task: (id: string, condition: (task: TaskRecord) => boolean): Promise<TaskRecord> =>
      eventually(async () => (await state()).tasks.find((task) => task.task_id === id && condition(task)) ?? null),
    async callback(id: string, message: unknown, secret = secrets.callback): Promise<number> {
      const body = JSON.stringify(message)
      const timestamp = Math.floor(Date.now() / 1000)
      const signature = createSigner([secret]).sign(id, timestamp, body)
      const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature }
      return (await fetch(`${address}/hooks/tasks`, { method: 'POST', headers, body })).status
    },
  }
}

async function eventually<T>(check: () => Promise<T | null>): Promise<T> {
  const deadlineMs = Date.now() + DEADLINE_MS
  for (;;) {
    const found = await check().catch(() => null)
    if (found !== null) return found
    if (Date.now() > deadlineMs) throw new Error(`not within ${DEADLINE_MS} ms: ${check}`)
    await delay(20)
  }
}
