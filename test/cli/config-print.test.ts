// `jobhook config print`: what takes effect, where it comes from, and that no secret is shown.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { run } from './command.ts'

const SECRETS = {
  webhook: generateSecret(),
  callback: generateSecret(),
  token: 'a-token-of-some-length',
  poll: 'a-token-for-polling',
  variable: 'hunter2hunter2',
  path: 'path-token',
}

test('each setting is printed with its value and its source, the stronger source winning, and no secret', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-print-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'jobhook.yaml')
  writeFileSync(join(folder, 'callback-secret'), SECRETS.callback)
  writeFileSync(
    file,
    `worker_id: from-file
listen: 127.0.0.1:1111
webhook: { secrets: ["${SECRETS.webhook}"] }
api: { tokens: [{ name: ci, token: ${SECRETS.token}, scopes: [read] }] }
callback: { url: "https://control.example/hooks/${SECRETS.path}", secrets: [{ file: ${join(folder, 'callback-secret')} }], timeout: 5s }
poll: { url: https://control.example, token: ${SECRETS.poll} }
backend: { kubernetes: { default_image: busybox, env: [{ name: PASSWORD, value: ${SECRETS.variable} }] } }
`,
  )
  const env = { JOBHOOK_CALLBACK__TIMEOUT: '7s', JOBHOOK_LIMITS: '{max_concurrent_tasks: 3}', JOBHOOK_LISTEN: '127.0.0.1:2222' }
  const args = ['config', 'print', '--config', file, '--listen', '127.0.0.1:3333']
  const [json, text] = await Promise.all([run([...args, '--json'], { env }), run([...args, '--only-set'], { env })])
  assert.equal(json.code, 0, json.err)
  const settings: { key: string; value: unknown; source: string }[] = JSON.parse(json.out).settings
  const rows: [key: string, value: unknown, source: string][] = [
    ['worker_id', 'from-file', 'file'],
    ['listen', '127.0.0.1:3333', '--listen'],
    ['callback.timeout', '7s', 'JOBHOOK_CALLBACK__TIMEOUT'],
    ['limits.max_concurrent_tasks', 3, 'JOBHOOK_LIMITS'],
    ['callback.url', 'https://control.example/********', 'file'],
    ['callback.secrets', [{ file: join(folder, 'callback-secret') }], 'file'],
    ['webhook.secrets', ['********'], 'file'],
    ['api.tokens', [{ name: 'ci', token: '********', scopes: ['read'] }], 'file'],
    ['backend.kubernetes.env', [{ name: 'PASSWORD', value: '********' }], 'file'],
    ['poll.url', 'https://control.example', 'file'],
    ['poll.token', '********', 'file'],
    ['retention.dedupe', '75h', 'default'],
  ]
  for (const [key, value, source] of rows) {
    const found = settings.find((setting) => setting.key === key)
    assert.deepEqual([found?.value, found?.source], [value, source], key)
  }
  assert.match(text.out, /^listen +127\.0\.0\.1:3333 +--listen$/m)
  assert.doesNotMatch(text.out, /retention/)
  for (const secret of Object.values(SECRETS)) assert.ok(!`${json.out}${text.out}`.includes(secret), secret)
})

test('an unusable configuration is explained, and nothing is printed', async () => {
  const { code, out, err } = await run(['config', 'print'], { env: { JOBHOOK_WORKER_ID: 'w1', JOBHOOK_LISTEN: 'nowhere' } })
  assert.deepEqual([code, out], [1, ''])
  assert.match(err, /listen has characters or a form/)
  assert.match((await run(['config', 'pirnt'])).err, /did you mean "print"\?/)
})
