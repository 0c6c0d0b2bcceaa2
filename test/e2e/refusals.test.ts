// Bad input, each with its status, its stable code and a message that names the remedy; and nothing is left behind by it.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { createSigner, generateSecret } from '../../src/lib/standard-webhooks.ts'
import {
  CALLBACK_SECRET,
  clusterConfig,
  freshWorkerId,
  type Jobhook,
  shellTask,
  startJobhook,
  TOKEN,
  WEBHOOK_SECRET,
} from '../support/jobhook.ts'

const target = clusterConfig()
const workerId = freshWorkerId('refusals')
let jobhook: Jobhook
let withoutImage: Jobhook

before(async () => {
  const callback = { url: 'http://127.0.0.1:9/hooks', secrets: [CALLBACK_SECRET], types: [] }
  jobhook = await startJobhook({ worker_id: workerId, callback, ...target.config })
  const { default_image: _, ...kubernetes } = (target.config.backend as { kubernetes: Record<string, unknown> }).kubernetes
  withoutImage = await startJobhook({
    worker_id: freshWorkerId('no-image'),
    callback,
    ...target.config,
    backend: { kubernetes },
    api: { docs: false, tokens: [{ name: 'test', token: TOKEN, scopes: ['admin'] }] },
  })
})
after(async () => {
  await jobhook?.stop()
  await withoutImage?.stop()
})

const good = shellTask('fine', 'true')
const raw = Buffer.from(JSON.stringify(good))
const now = (): number => Math.floor(Date.now() / 1000)
const sign = (body: Buffer, { id = 'msg_1', timestamp = now(), secret = WEBHOOK_SECRET } = {}): Record<string, string> => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': createSigner([secret]).sign(id, timestamp, body),
})
const assignment = (data: Record<string, unknown>): unknown => ({ type: 'task_assignment', data })

interface Refused {
  what: string
  send: () => Promise<{ status: number; body: { code?: string; detail?: string; errors?: { pointer: string; detail: string }[] } }>
  status: number
  code: string
  says: RegExp
  pointer?: string
}

const flipped = Buffer.from(raw)
flipped[flipped.length - 3] = (flipped[flipped.length - 3] ?? 0) ^ 1
const invalidUtf8 = Buffer.concat([
  Buffer.from('{"type":"task_assignment","data":{"task_id":"'),
  Buffer.from([0xff, 0xfe]),
  Buffer.from('"}}'),
])
const big = Buffer.from(JSON.stringify(assignment({ task_id: 'big', args: ['x'.repeat(257 * 1024)] })))
const deep = Buffer.from(`{"type":"task_assignment","data":{"task_id":"deep","task":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}}`)
const post = (body: Buffer, headers: Record<string, string>) => jobhook.webhook(null, { raw: body, headers })

const rows: Refused[] = [
  {
    what: 'a signature by another key',
    send: () => post(raw, sign(raw, { secret: generateSecret() })),
    status: 401,
    code: 'signature_mismatch',
    says: /Signed is exactly/,
  },
  {
    what: 'a timestamp of ten minutes ago',
    send: () => post(raw, sign(raw, { timestamp: now() - 600 })),
    status: 401,
    code: 'timestamp_out_of_window',
    says: /60\d s from the server's clock|60\d s/,
  },
  { what: 'a body changed by one byte', send: () => post(flipped, sign(raw)), status: 401, code: 'signature_mismatch', says: /raw body/ },
  {
    what: 'no webhook headers',
    send: () => post(raw, { 'webhook-id': '', 'webhook-timestamp': '', 'webhook-signature': '' }),
    status: 400,
    code: 'webhook_headers',
    says: /webhook-/,
  },
  {
    what: 'a timestamp with junk behind it',
    send: () => post(raw, { ...sign(raw), 'webhook-timestamp': `${now()}junk` }),
    status: 400,
    code: 'webhook_headers',
    says: /timestamp/,
  },
  { what: '257 KiB', send: () => post(big, sign(big)), status: 413, code: 'body_too_large', says: /256 KiB/ },
  {
    what: 'bytes that are not UTF-8',
    send: () => jobhook.webhook(null, { raw: invalidUtf8 }),
    status: 400,
    code: 'invalid_encoding',
    says: /UTF-8/,
  },
  { what: 'no JSON', send: () => jobhook.webhook(null, { raw: Buffer.from('{"type":') }), status: 400, code: 'invalid_json', says: /JSON/ },
  { what: 'an empty body', send: () => jobhook.webhook(null, { raw: Buffer.alloc(0) }), status: 400, code: 'invalid_json', says: /empty/ },
  {
    what: 'text/plain',
    send: () => post(raw, { ...sign(raw), 'content-type': 'text/plain' }),
    status: 415,
    code: 'unsupported_media_type',
    says: /application\/json/,
  },
  { what: 'JSON that is an array', send: () => jobhook.webhook([]), status: 422, code: 'invalid_request', says: /object/ },
  {
    what: 'five thousand levels of nesting',
    send: () => jobhook.webhook(null, { raw: deep }),
    status: 422,
    code: 'invalid_request',
    says: /nested/,
  },
  {
    what: 'an unknown type',
    send: () => jobhook.webhook({ type: 'task_asignment', data: {} }),
    status: 422,
    code: 'invalid_request',
    says: /task_assignment, task_cancellation, heartbeat/,
    pointer: '/type',
  },
  {
    what: 'no type',
    send: () => jobhook.webhook({ data: {} }),
    status: 422,
    code: 'invalid_request',
    says: /is required/,
    pointer: '/type',
  },
  {
    what: 'no data',
    send: () => jobhook.webhook({ type: 'task_assignment' }),
    status: 422,
    code: 'invalid_request',
    says: /is required/,
    pointer: '/data',
  },
  {
    what: 'no task_id',
    send: () => jobhook.webhook(assignment({ task_id: null })),
    status: 422,
    code: 'invalid_request',
    says: /is required/,
    pointer: '/data/task_id',
  },
  {
    what: 'a field of the wrong type',
    send: () => jobhook.webhook(assignment({ task_id: 't', timeout_seconds: 'soon' })),
    status: 422,
    code: 'invalid_request',
    says: /must be an integer/,
    pointer: '/data/timeout_seconds',
  },
  {
    what: 'a task_id of 10,000 characters',
    send: () => jobhook.webhook(assignment({ task_id: 'x'.repeat(10_000) })),
    status: 422,
    code: 'invalid_request',
    says: /at most 256/,
    pointer: '/data/task_id',
  },
  {
    what: 'a task_id with a control character',
    send: () => jobhook.webhook(assignment({ task_id: 'a\nb' })),
    status: 422,
    code: 'invalid_request',
    says: /control characters/,
    pointer: '/data/task_id',
  },
  {
    what: 'a task_id with a lone surrogate',
    send: () => jobhook.webhook(assignment({ task_id: 'a\ud800b' })),
    status: 422,
    code: 'invalid_request',
    says: /surrogate/,
    pointer: '/data/task_id',
  },
  {
    what: 'an env name with =',
    send: () => jobhook.webhook(assignment({ task_id: 't', env_vars: { 'A=B': 'top-secret-value' } })),
    status: 422,
    code: 'invalid_request',
    says: /=/,
    pointer: '/data/env_vars/A=B',
  },
  {
    what: 'an env value that is no string',
    send: () => jobhook.webhook(assignment({ task_id: 't', env_vars: { A: { b: 'top-secret-value' } } })),
    status: 422,
    code: 'invalid_request',
    says: /string/,
    pointer: '/data/env_vars/A',
  },
  {
    what: 'no image from anywhere',
    send: () => withoutImage.webhook(good),
    status: 422,
    code: 'invalid_request',
    says: /default_image/,
    pointer: '/data/docker_image',
  },
  {
    what: 'a callback_url that is not allowed',
    send: () => jobhook.webhook(shellTask('cb', 'true', { callback_url: 'https://elsewhere.example/x' })),
    status: 422,
    code: 'invalid_request',
    says: /allow_origins/,
    pointer: '/data/callback_url',
  },
  {
    what: 'a label that is none',
    send: () => jobhook.webhook(shellTask('lab', 'true', { labels: { 'kueue.x-k8s.io/queue-name': 'mine' } })),
    status: 422,
    code: 'invalid_request',
    says: /label/,
    pointer: '/data/labels/kueue.x-k8s.io~1queue-name',
  },
  {
    what: 'REST without a token',
    send: () => jobhook.rest('GET', '/v1/tasks', undefined, { authorization: '' }),
    status: 401,
    code: 'unauthenticated',
    says: /Bearer/,
  },
  {
    what: 'REST with another token',
    send: () => jobhook.rest('GET', '/v1/tasks', undefined, { authorization: `Bearer ${TOKEN}x` }),
    status: 401,
    code: 'unauthenticated',
    says: /api\.tokens/,
  },
  {
    what: 'REST with an unknown state',
    send: () => jobhook.rest('GET', '/v1/tasks?state=done'),
    status: 422,
    code: 'invalid_request',
    says: /queued.*pending/,
    pointer: '/state/0',
  },
  {
    what: 'REST with a cursor of one’s own',
    send: () => jobhook.rest('GET', '/v1/tasks?cursor=abc'),
    status: 422,
    code: 'invalid_request',
    says: /next_cursor/,
    pointer: '/cursor',
  },
  { what: 'a path that does not exist', send: () => jobhook.rest('GET', '/v2/nothing'), status: 404, code: 'not_found', says: /openapi/ },
  {
    what: 'a method that does not exist',
    send: () => jobhook.rest('DELETE', '/v1/webhook'),
    status: 405,
    code: 'method_not_allowed',
    says: /POST/,
  },
]

for (const { what, send, status, code, says, pointer } of rows) {
  test(`${what}: ${status} ${code}`, async () => {
    const { status: answered, body } = await send()
    assert.deepEqual([answered, body.code], [status, code], JSON.stringify(body))
    const words = JSON.stringify(body)
    assert.match(words, says)
    assert.ok(!words.includes('top-secret-value'), 'no value in an error')
    if (pointer !== undefined)
      assert.ok(
        body.errors?.some((error) => error.pointer === pointer),
        words,
      )
  })
}

test('with api.docs: false there is no page to try the API on; what explains it stays', async () => {
  const statuses = await Promise.all(
    ['/docs', '/docs/swagger-ui.css', '/docs/problems', '/openapi.json'].map(async (path) => (await withoutImage.rest('GET', path)).status),
  )
  assert.deepEqual(statuses, [404, 404, 200, 200])
})

test('two signatures, one of them good: accepted', async () => {
  const wrong = sign(raw, { secret: generateSecret() })['webhook-signature']
  const right = sign(raw)
  assert.equal((await post(raw, { ...right, 'webhook-signature': `${wrong} ${right['webhook-signature']}` })).status, 202)
})

for (const taskId of [
  'mit 🚀 und / Schrägstrich',
  '../../etc/passwd',
  'x'.repeat(256),
  '{{ .Values.x }}',
  "'; DROP TABLE jobs; --",
  '<script>alert(1)</script>',
]) {
  test(`the task_id ${taskId.slice(0, 30)} is fine, and comes back as it was`, async () => {
    const accepted = await jobhook.webhook(shellTask(taskId, 'true'))
    assert.equal(accepted.status, 202, JSON.stringify(accepted.body))
    assert.match(accepted.body.data.id, /^task-[a-z0-9-]{1,58}$/)
    assert.equal((await jobhook.rest('GET', `/v1/tasks/${accepted.body.data.id}`)).body.task_id, taskId)
  })
}

test('bytes that are no HTTP get a problem too', async () => {
  const { hostname, port } = new URL(jobhook.url)
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write('NOT HTTP AT ALL\r\n\r\n'))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
  })
  assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*malformed_request/)
})

test('headers of 20 KiB get a problem too', async () => {
  const answer = await request(`${jobhook.url}/livez`, { headers: { 'x-big': 'x'.repeat(20_000) } })
  assert.equal(answer.statusCode, 431)
  assert.match(await answer.body.text(), /headers_too_large/)
})

test('problems say application/problem+json and carry the request’s id', async () => {
  const answer = await request(`${jobhook.url}/nowhere`)
  const body = (await answer.body.json()) as { instance: string; type: string }
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  assert.match(body.instance, /^req_/)
  assert.match(body.type, /#not_found$/)
  const page = await request(new URL(body.type, jobhook.url))
  assert.equal(page.statusCode, 200)
  assert.match(await page.body.text(), /id="not_found"/)
})

test('none of the refused requests has left a task behind', async () => {
  const { body } = await jobhook.rest('GET', '/v1/tasks?limit=1000')
  const ids = body.items.map((task: { task_id: string }) => task.task_id)
  for (const refused of ['t', 'big', 'deep', 'cb', 'lab']) assert.ok(!ids.includes(refused), `${refused} exists`)
})
