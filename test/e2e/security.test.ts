// What every answer carries and what every mutation leaves in the log: safe headers, no CORS, who did what from where.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { clusterConfig, freshWorkerId, type Jobhook, shellTask, startJobhook, TOKEN } from '../support/jobhook.ts'
import { until } from '../support/wait.ts'

let jobhook: Jobhook
before(async () => {
  jobhook = await startJobhook({ worker_id: freshWorkerId('security'), ...clusterConfig().config, trust_proxy: ['127.0.0.0/8'] })
})
after(() => jobhook?.stop())

/** The audit lines so far. */
function audited(taskId: string): Record<string, unknown>[] {
  const lines = jobhook
    .log()
    .split('\n')
    .filter((line) => line.includes('"audit":true'))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((entry) => entry.task_id === taskId)
}

const answers: [what: string, path: string, options: Parameters<typeof request>[1], status: number][] = [
  ['health', '/livez', {}, 200],
  ['metrics', '/metrics', {}, 200],
  ['the API document', '/openapi.json', {}, 200],
  ['a page', '/docs/problems', {}, 200],
  ['a list', '/v1/tasks', { headers: { authorization: `Bearer ${TOKEN}` } }, 200],
  ['no token', '/v1/tasks', {}, 401],
  ['no such path', '/nowhere', {}, 404],
  ['no such method', '/v1/webhook', { method: 'PUT' }, 405],
  ['a bad percent-encoding', '/v1/tasks/%zz', {}, 400],
  [
    'a body that is no JSON',
    '/v1/tasks',
    { method: 'POST', body: '{', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' } },
    400,
  ],
  ['an unsigned webhook', '/v1/webhook', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }, 400],
]
for (const [what, path, options, status] of answers) {
  test(`${what} (${status}): not sniffed, not framed, not kept, no other site let in`, async () => {
    const origin = { origin: 'https://elsewhere.example' }
    const answer = await request(`${jobhook.url}${path}`, { ...options, headers: { ...(options?.headers as object), ...origin } })
    await answer.body.dump()
    const { headers } = answer
    assert.equal(answer.statusCode, status)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(String(headers['content-security-policy']), /default-src '(none|self)'/)
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cache-control'], 'no-store')
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('access-control-') || name === 'server' || name === 'x-powered-by'),
      [],
    )
  })
}

test('a browser of another site that asks for leave gets none', async () => {
  for (const path of ['/v1/tasks', '/v1/webhook']) {
    const headers = {
      origin: 'https://elsewhere.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    }
    const answer = await request(`${jobhook.url}${path}`, { method: 'OPTIONS', headers })
    await answer.body.dump()
    assert.equal(answer.statusCode, 405)
    assert.deepEqual(
      Object.keys(answer.headers).filter((name) => name.startsWith('access-control-')),
      [],
    )
  }
})

test('each mutation is in the log once: who, what, from where, by which request', async () => {
  const client = { 'x-forwarded-for': '192.0.2.7' }
  assert.equal((await jobhook.webhook(shellTask('pushed', 'sleep 60'), { id: 'msg_audit', headers: client })).status, 202)
  assert.equal((await jobhook.webhook(shellTask('pushed', 'sleep 60'), { id: 'msg_again', headers: client })).status, 202)
  assert.equal((await jobhook.webhook(shellTask('pushed', 'false'), { id: 'msg_other', headers: client })).status, 409)
  assert.equal((await jobhook.rest('POST', '/v1/tasks', { task_id: 'asked', command: ['sleep', '60'] }, client)).status, 202)
  assert.equal((await jobhook.rest('DELETE', '/v1/tasks/asked', undefined, client)).status, 202)
  const cancellation = { type: 'task_cancellation', data: { task_id: 'pushed' } }
  assert.deepEqual((await jobhook.webhook(cancellation, { id: 'msg_cancel', headers: client })).body.cancelled, ['pushed'])
  await until('all are told', () => audited('pushed').length >= 2 && audited('asked').length >= 2)
  const short = (taskId: string) =>
    audited(taskId).map(({ who, action, via, from, execution_id, message_id }) => ({ who, action, via, from, execution_id, message_id }))
  const same = { from: '192.0.2.7' }
  assert.deepEqual(short('pushed'), [
    { who: null, action: 'submit', via: 'webhook', ...same, execution_id: 'pushed', message_id: 'msg_audit' },
    { who: null, action: 'cancel', via: 'webhook', ...same, execution_id: 'pushed', message_id: 'msg_cancel' },
  ])
  assert.deepEqual(short('asked'), [
    { who: 'test', action: 'submit', via: 'rest', ...same, execution_id: 'asked', message_id: undefined },
    { who: 'test', action: 'cancel', via: 'rest', ...same, execution_id: 'asked', message_id: undefined },
  ])
  for (const entry of [...audited('pushed'), ...audited('asked')]) assert.match(String(entry.request_id), /^req_/)
})
