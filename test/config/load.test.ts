// Reading the configuration: sources in order, references, and errors that name the key, the problem and the remedy.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatDuration, loadConfig, parseDuration, settingsOf } from '../../src/config/index.ts'
import { generateKeyPair, generateSecret } from '../../src/lib/standard-webhooks.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobhook-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const secret = generateSecret()
const load = (content: unknown, env: Record<string, string> = {}) => loadConfig({ file: null, content, env })
const valid = (content: unknown, env: Record<string, string> = {}) => {
  const loaded = load(content, env)
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return loaded.config
}

const broken: [what: string, content: unknown, env: Record<string, string>, key: string, says: RegExp][] = [
  ['no worker_id', {}, {}, 'worker_id', /is required/],
  ['an unknown key', { worker_id: 'w', callbak: {} }, {}, 'callbak', /did you mean callback\?/],
  ['an unknown key further in', { worker_id: 'w', callback: { secret: [] } }, {}, 'callback.secret', /did you mean secrets\?/],
  ['a backend we do not have', { worker_id: 'w', backend: { docker: {} } }, {}, 'backend.docker', /cluster: embedded/],
  [
    'a wrong type',
    { worker_id: 'w', limits: { max_concurrent_tasks: 'many' } },
    {},
    'limits.max_concurrent_tasks',
    /must be an integer \(it is a string\)/,
  ],
  ['a value that is none of the choices', { worker_id: 'w', profile: 'x' }, {}, 'profile', /"generic" or "oz"/],
  ['a duration that is none', { worker_id: 'w', deadlines: { pull: 'ten minutes' } }, {}, 'deadlines.pull', /./],
  ['a number below its bound', { worker_id: 'w', limits: { requests_in_flight: 0 } }, {}, 'limits.requests_in_flight', /at least 1/],
  ['a webhook secret that is none', { worker_id: 'w', webhook: { secrets: ['hunter2'] } }, {}, 'webhook.secrets.0', /whsec_/],
  [
    'a public key to sign with',
    { worker_id: 'w', callback: { url: 'http://x/y', secrets: [generateKeyPair().publicKey] } },
    {},
    'callback.secrets.0',
    /./,
  ],
  ['a callback URL without a secret', { worker_id: 'w', callback: { url: 'http://x/y' } }, {}, 'callback.secrets', /jobhook keys/],
  ['a callback URL that is none', { worker_id: 'w', callback: { url: 'ftp://x/y', secrets: [secret] } }, {}, 'callback.url', /http/],
  [
    'a callback URL with a password',
    { worker_id: 'w', callback: { url: 'http://u:p@x/y', secrets: [secret] } },
    {},
    'callback.url',
    /password/,
  ],
  [
    'an environment variable that is not set',
    { worker_id: 'w', webhook: { secrets: [{ env: 'NOT_SET' }] } },
    {},
    'webhook.secrets.0',
    /NOT_SET, which is not set/,
  ],
  [
    'a file that is not there',
    { worker_id: 'w', webhook: { secrets: [{ file: '/no/such/file' }] } },
    {},
    'webhook.secrets.0',
    /cannot be read/,
  ],
  [
    'a variable that is no setting',
    { worker_id: 'w' },
    { JOBHOOK_CALLBACK__URI: 'x' },
    'JOBHOOK_CALLBACK__URI',
    /did you mean JOBHOOK_CALLBACK__URL\?/,
  ],
  [
    'a token that is too short',
    { worker_id: 'w', api: { tokens: [{ name: 'a', token: 'short', scopes: ['read'] }] } },
    {},
    'api.tokens.0.token',
    /16 characters/,
  ],
  [
    'a token and its digest',
    { worker_id: 'w', api: { tokens: [{ name: 'a', token: 'x'.repeat(20), sha256: 'a'.repeat(64), scopes: ['read'] }] } },
    {},
    'api.tokens.0',
    /not both/,
  ],
  [
    'two tokens of one name',
    { worker_id: 'w', api: { tokens: [1, 2].map((n) => ({ name: 'a', token: String(n).repeat(20), scopes: ['read'] })) } },
    {},
    'api.tokens',
    /same name/,
  ],
  [
    'an old key and its new name',
    { worker_id: 'w', max_concurrent_tasks: 3, limits: { max_concurrent_tasks: 4 } },
    {},
    'max_concurrent_tasks',
    /limits\.max_concurrent_tasks/,
  ],
  [
    'another old key and its new name',
    { worker_id: 'w', backend: { kubernetes: { unschedulable_timeout: '2m' } }, deadlines: { schedule: '3m' } },
    {},
    'backend.kubernetes.unschedulable_timeout',
    /deadlines\.schedule/,
  ],
  ['a profile without what it needs', { worker_id: 'w', profile: 'oz' }, {}, 'oz.server_root_url', /profile: oz/],
  ['a list at the top', [], {}, '(file)', /mapping/],
]
for (const [what, content, env, key, says] of broken) {
  test(`${what} is an error at ${key}`, () => {
    const loaded = load(content, env)
    assert.ok(!loaded.ok)
    const problem = loaded.problems.find((each) => each.key === key)
    assert.ok(problem, JSON.stringify(loaded.problems))
    assert.match(problem.detail, says)
    assert.ok(!JSON.stringify(loaded.problems).includes('hunter2'), 'no secret in an error')
  })
}

test('every problem is told at once', () => {
  const loaded = load({ profile: 'x', limits: { overflow: 'y' }, cleanup: 'z' })
  assert.ok(!loaded.ok)
  assert.deepEqual(loaded.problems.map((problem) => problem.key).sort(), ['cleanup', 'limits.overflow', 'profile', 'worker_id'])
})

test('environment goes before the file, options before both; lists are YAML', () => {
  const env = { JOBHOOK_LISTEN: '127.0.0.1:2', JOBHOOK_LIMITS__MAX_CONCURRENT_TASKS: '7', JOBHOOK_WEBHOOK__SECRETS: `[${secret}]` }
  const loaded = loadConfig({ file: null, content: { worker_id: 'w', listen: '127.0.0.1:1' }, env, flags: { listen: '127.0.0.1:3' } })
  assert.ok(loaded.ok)
  assert.deepEqual(
    [loaded.config.listen, loaded.config.limits.max_concurrent_tasks, loaded.config.webhook.secrets],
    ['127.0.0.1:3', 7, [secret]],
  )
})

test('what Kubernetes injects for a Service named jobhook is no setting', () => {
  assert.equal(
    valid({ worker_id: 'w' }, { JOBHOOK_PORT: 'tcp://10.0.0.1:80', JOBHOOK_PORT_80_TCP_ADDR: '10.0.0.1', JOBHOOK_SERVICE_HOST: '10.0.0.1' })
      .worker_id,
    'w',
  )
})

test('secrets come from files and variables, without the line end', () => {
  const file = join(folder, 'secret')
  writeFileSync(file, `${secret}\n`)
  assert.deepEqual(valid({ worker_id: 'w', webhook: { secrets: [{ file }, { env: 'S' }] } }, { S: secret }).webhook.secrets, [
    secret,
    secret,
  ])
})

test('a file that is no YAML says where', () => {
  const file = join(folder, 'bad.yaml')
  writeFileSync(file, 'worker_id: w\n  listen: [')
  const loaded = loadConfig({ file, env: {} })
  assert.ok(!loaded.ok && /is not YAML: .*line \d+/s.test(loaded.problems[0]?.detail ?? ''), JSON.stringify(loaded))
})

test('what is no YAML is not told, by nobody: it may be a secret', () => {
  const file = join(folder, 'secret.yaml')
  const spoiled = [
    'webhook: { secrets: [top-secret-value',
    'a: *top-secret-value',
    'a: "top-secret-value',
    '- top-secret-value: [\n}',
    '!top-secret-value x: [',
  ]
  for (const text of spoiled) {
    writeFileSync(file, text)
    for (const sources of [
      { file, env: {} },
      { file: null, env: { JOBHOOK_WEBHOOK__SECRETS: text } },
    ]) {
      const loaded = loadConfig(sources)
      assert.ok(!loaded.ok)
      assert.ok(!JSON.stringify(loaded.problems).includes('top-secret-value'), JSON.stringify(loaded.problems))
    }
  }
  writeFileSync(file, 'worker_id: !top-secret-value w')
  const warned = spawnSync(process.execPath, ['src/main.ts', 'serve', '--check', '--config', file], { encoding: 'utf8' })
  assert.ok(!`${warned.stdout}${warned.stderr}`.includes('top-secret-value'), warned.stderr)
})

test('old keys mean the same as the new ones', () => {
  const old = settingsOf(
    valid({
      worker_id: 'w',
      max_concurrent_tasks: 5,
      backend: { kubernetes: { unschedulable_timeout: '90s', active_deadline_seconds: 60, ttl_seconds_after_finished: 10 } },
    }),
  )
  assert.deepEqual(
    [
      old.maxConcurrentTasks,
      old.deadlines.scheduleSeconds,
      old.deadlines.runSeconds,
      old.retentionSeconds.success,
      old.retentionSeconds.failure,
    ],
    [5, 90, 60, 10, 10],
  )
  assert.deepEqual(settingsOf(valid({ worker_id: 'w', cleanup: false })).retentionSeconds, {
    success: null,
    failure: null,
    deadLetter: null,
  })
})

for (const [text, seconds] of [
  ['30s', 30],
  ['2m', 120],
  ['8h', 28_800],
  ['1h30m', 5_400],
  ['500ms', 0.5],
  ['7d', 604_800],
  ['2', null],
  ['', null],
  ['-1s', null],
  ['1 h', null],
] as const) {
  test(`the duration ${JSON.stringify(text)} is ${seconds === null ? 'none' : `${seconds} s`}`, () =>
    assert.equal(parseDuration(text), seconds))
}

test('durations are written short', () => {
  assert.deepEqual([0.25, 30, 90, 28_800, 270_000].map(formatDuration), ['250ms', '30s', '1m30s', '8h', '75h'])
})
