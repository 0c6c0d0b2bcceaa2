// What somebody might try on the running service: forged signatures, poisoned JSON, fields that would be more than text, paths that lead elsewhere, lines
// in the log that are none. One service, tables of attempts.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHmac, generateKeyPairSync, sign as signEd25519 } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createSigner, generateKeyPair } from '../../src/lib/standard-webhooks.ts'
import { type ClusterAccess, openCluster } from '../support/cluster.ts'
import { clusterConfig, freshWorkerId, type Jobhook, shellTask, startJobhook, TOKEN, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { exchange, statuses } from '../support/raw.ts'

/** What ends a line, steers a terminal or turns text around. */
const STEERING = /(?!\n)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
const SECRET = 'canary-secret-value-5d1f'
const folder = mkdtempSync(join(tmpdir(), 'jobhook-attacks-'))
const { privateKey, publicKey } = generateKeyPair()
const target = clusterConfig()
let jobhook: Jobhook
let cluster: ClusterAccess

before(async () => {
  const kubeconfigFile = process.env.JOBHOOK_TEST_KUBECONFIG ?? join(folder, 'embedded.kubeconfig')
  jobhook = await startJobhook({
    worker_id: freshWorkerId('attacks'),
    ...target.config,
    ...(target.real ? {} : { embedded: { kubeconfig_file: kubeconfigFile } }),
    webhook: { secrets: [WEBHOOK_SECRET, publicKey] },
    log_level: 'debug',
  })
  cluster = openCluster(kubeconfigFile)
})
after(async () => {
  await jobhook?.stop()
  await cluster?.close()
  rmSync(folder, { recursive: true, force: true })
})

const nowSeconds = Math.floor(Date.now() / 1000)
const body = Buffer.from(JSON.stringify(shellTask('signed', 'true')))
const hmac = (key: string | Buffer, id = 'msg_1', bytes: Buffer = body): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${nowSeconds}.`).update(bytes).digest('base64')}`
const keyBytes = (key: string): Buffer => Buffer.from(key.slice(6), 'base64')
const good = createSigner([WEBHOOK_SECRET]).sign('msg_1', nowSeconds, body)
const goodV1a = createSigner([privateKey]).sign('msg_1', nowSeconds, body)
const stranger = generateKeyPairSync('ed25519').privateKey
const strangers = signEd25519(null, Buffer.concat([Buffer.from(`msg_1.${nowSeconds}.`), body]), stranger).toString('base64')
const changed = Buffer.from(body.toString().replace('signed', 'forged'))

const signatures: [what: string, signature: string, more?: { id?: string; raw?: Buffer; timestamp?: number }, status?: number][] = [
  ['the public key used as a shared secret, its bytes', hmac(keyBytes(publicKey))],
  ['the public key used as a shared secret, its text', hmac(publicKey)],
  ['the shared secret’s text instead of its bytes', hmac(WEBHOOK_SECRET)],
  ['an empty shared secret', hmac('')],
  ['a v1 signature called v1a', good.replace('v1,', 'v1a,')],
  ['a v1a signature called v1', goodV1a.replace('v1a,', 'v1,')],
  ['an ed25519 signature by somebody else', `v1a,${strangers}`],
  ['an ed25519 signature of zeros', `v1a,${Buffer.alloc(64).toString('base64')}`],
  ['a signature of zeros', `v1,${Buffer.alloc(32).toString('base64')}`],
  ['half a signature', `v1,${good.slice(3, 20)}`],
  ['a version that does not exist', good.replace('v1,', 'v2,')],
  ['no version: none', 'none,AAAA'],
  ['the signature of another message', hmac(keyBytes(WEBHOOK_SECRET), 'msg_2')],
  ['the signature sent again with a changed body', good, { raw: changed }],
  ['the v1a signature sent again with a changed body', goodV1a, { raw: changed }],
  ['the signature sent again under another id', good, { id: 'msg_2' }],
  ['the signature sent again with another time', good, { timestamp: nowSeconds + 1 }],
  ['the dot of the signed text moved into the id', hmac(keyBytes(WEBHOOK_SECRET), 'msg_1'), { id: `msg_1.${nowSeconds}` }, 400],
  ['the signature twice, joined as two headers are', `${good}, ${good}`, {}, 400],
]
for (const [what, signature, { id = 'msg_1', raw = body, timestamp = nowSeconds } = {}, status = 401] of signatures) {
  test(`${what}: ${status}`, async () => {
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature }
    const answer = await jobhook.webhook(null, { raw, headers })
    assert.equal(answer.status, status, JSON.stringify(answer.body))
    assert.ok(!JSON.stringify(answer.body).includes(keyBytes(WEBHOOK_SECRET).toString('base64')))
  })
}

test('webhook headers sent twice, on the wire: 400, though one of them is good', async () => {
  for (const twice of ['webhook-id: msg_2', 'webhook-timestamp: 1', 'webhook-signature: v1,AAAA']) {
    const lines = [
      'POST /v1/webhook HTTP/1.1',
      'Host: a',
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ]
    const own = ['webhook-id: msg_1', `webhook-timestamp: ${nowSeconds}`, `webhook-signature: ${good}`]
    assert.deepEqual(statuses(await exchange(jobhook.url, `${[...lines, ...own, twice].join('\r\n')}\r\n\r\n${body}`)), [400], twice)
  }
})

test('the very same request again is the very same task', async () => {
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(nowSeconds), 'webhook-signature': `${good} ${goodV1a}` }
  const [first, again] = [await jobhook.webhook(null, { raw: body, headers }), await jobhook.webhook(null, { raw: body, headers })]
  assert.deepEqual([first.status, again.status], [202, 202])
  assert.deepEqual(again.body, first.body)
  assert.equal(again.headers['jobhook-duplicate'], 'true')
})

const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const jsons: [what: string, data: string, status: number][] = [
  ['__proto__ instead of fields', '{"__proto__":{"task_id":"evil","polluted":"yes"}}', 422],
  ['constructor.prototype', '{"task_id":"json-1","command":["true"],"constructor":{"prototype":{"polluted":"yes"}}}', 202],
  ['__proto__ beside fields', '{"task_id":"json-2","command":["true"],"__proto__":{"polluted":"yes","docker_image":"evil:1"}}', 202],
  ['__proto__ in task', '{"task_id":"json-3","command":["true"],"task":{"__proto__":{"title":"polluted"}}}', 202],
  ['__proto__ as a variable', '{"task_id":"json-4","command":["true"],"env_vars":{"__proto__":"x"}}', 202],
  ['__proto__ as a label', '{"task_id":"json-5","command":["true"],"labels":{"__proto__":"x"}}', 202],
  [
    'toString and valueOf as labels',
    '{"task_id":"json-6","command":["true"],"labels":{"toString":"x","valueOf":"y","hasOwnProperty":"z"}}',
    202,
  ],
  ['63 levels', `{"task_id":"json-7","command":["true"],"x":${deep(61)}}`, 202],
  ['70 levels', `{"task_id":"json-8","command":["true"],"x":${deep(70)}}`, 422],
  ['20,000 levels', `{"task_id":"json-8","command":["true"],"x":${deep(20_000)}}`, 422],
  ['20,000 levels of arrays', `{"task_id":"json-8","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 422],
  ['1e400', '{"task_id":"json-8","command":["true"],"timeout_seconds":1e400}', 422],
  ['an exponent of a billion', '{"task_id":"json-8","command":["true"],"priority":1e1000000000}', 422],
  ['2^53 + 1', '{"task_id":"json-8","command":["true"],"priority":9007199254740993}', 422],
  ['a number of 10,000 digits', `{"task_id":"json-8","command":["true"],"timeout_seconds":${'9'.repeat(10_000)}}`, 422],
  ['a fraction of a second', '{"task_id":"json-8","command":["true"],"timeout_seconds":1.5}', 422],
  ['half of nothing of a core, rounded up', '{"task_id":"json-12","command":["true"],"instance_shape":{"vcpus":5e-324}}', 202],
  ['minus zero', '{"task_id":"json-9","command":["true"],"priority":-0}', 202],
  ['a lone surrogate in a value', '{"task_id":"json-8","command":["true"],"env_vars":{"A":"\\ud800"}}', 422],
  ['a lone surrogate in a key', '{"task_id":"json-8","command":["true"],"labels":{"\\udc00":"a"}}', 422],
  ['surrogates the wrong way round', '{"task_id":"json-8","command":["\\udc00\\ud800"]}', 422],
  ['NUL in the id', '{"task_id":"json\\u0000-8","command":["true"]}', 422],
  ['NUL in an argument', '{"task_id":"json-8","command":["true","a\\u0000b"]}', 422],
  ['NUL in a variable', '{"task_id":"json-8","command":["true"],"env_vars":{"A":"a\\u0000b"}}', 422],
  ['a field twice: the last counts', '{"task_id":"json-8","task_id":"json-10","command":["true"]}', 202],
  [
    '10,000 unknown fields',
    `{"task_id":"json-11","command":["true"],${Array.from({ length: 10_000 }, (_, at) => `"f${at}":1`).join(',')}}`,
    202,
  ],
  [
    '10,000 labels',
    `{"task_id":"json-8","command":["true"],"labels":{${Array.from({ length: 10_000 }, (_, at) => `"f${at}":"1"`).join(',')}}}`,
    422,
  ],
  ['a string instead of data', '"__proto__"', 422],
]
for (const [what, data, status] of jsons) {
  test(`${what}: ${status}, by the webhook and by REST`, async () => {
    const webhook = await jobhook.webhook(null, { raw: Buffer.from(`{"type":"task_assignment","data":${data}}`) })
    assert.equal(webhook.status, status, JSON.stringify(webhook.body).slice(0, 500))
    const length = Buffer.byteLength(data)
    const head = `POST /v1/tasks HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
    const text = await exchange(jobhook.url, head + data)
    // By REST a task_id may be left out.
    assert.deepEqual(statuses(text), [what.startsWith('__proto__ instead') ? 202 : status], text.slice(0, 800))
    assert.doesNotMatch(text, /polluted|evil/)
  })
}

test('after all that, an ordinary task is an ordinary task', async () => {
  const { body: task } = await jobhook.rest('POST', '/v1/tasks', { task_id: 'ordinary', command: ['true'] })
  assert.equal(task.polluted, undefined)
  const job = await cluster.getJob(task.id)
  assert.doesNotMatch(JSON.stringify(job), /polluted|evil/)
})

const injected: [what: string, data: Record<string, unknown>, pointer: string][] = [
  ['a label of Kubernetes’ own', { labels: { 'app.kubernetes.io/managed-by': 'me' } }, '/labels/app.kubernetes.io~1managed-by'],
  ['a label of jobhook’s own', { labels: { 'jobhook.dev/worker': 'other' } }, '/labels/jobhook.dev~1worker'],
  ['a label with a selector in it', { labels: { team: 'web,jobhook.dev/worker=other' } }, '/labels/team'],
  ['a label with a line end', { labels: { team: 'web\nx: y' } }, '/labels/team'],
  ['a variable with a value in its name', { env_vars: { 'A=B': 'c' } }, '/env_vars/A=B'],
  ['a variable with a line end in its name', { env_vars: { 'A\nB': 'c' } }, '/env_vars/A\nB'],
  ['an image with an argument', { docker_image: 'a:1 --privileged' }, '/docker_image'],
  ['an image with a line end', { docker_image: 'a:1\nprivileged: true' }, '/docker_image'],
  ['a mount over the root', { additional_sidecars: [{ image: 'a:1', mount_path: '/' }] }, '/additional_sidecars/0/mount_path'],
  ['a mount that climbs', { additional_sidecars: [{ image: 'a:1', mount_path: '/mnt/../etc' }] }, '/additional_sidecars/0/mount_path'],
  ['a mount with a colon', { additional_sidecars: [{ image: 'a:1', mount_path: '/mnt:/etc' }] }, '/additional_sidecars/0/mount_path'],
]
for (const [what, data, pointer] of injected) {
  test(`${what} is refused at ${pointer}`, async () => {
    const { status, body: problem } = await jobhook.rest('POST', '/v1/tasks', { task_id: 'injected', command: ['true'], ...data })
    assert.equal(status, 422, JSON.stringify(problem))
    assert.deepEqual(
      problem.errors.map((error: { pointer: string }) => error.pointer),
      [pointer],
    )
  })
}

test('what a task calls itself stays text: in the Job, on the terminal and in the log, where a line is a line', async () => {
  const title = 'x\n{"level":"error","msg":"forged"}\r\n\u001b[2J\u001b]0;title\u0007\u009b31m\u2028---\nkind: ClusterRole'
  const taskId = `id {{ .Values.x }} $(PATH) %0a"},{"audit":true\u2028\u202e`
  const { status, body: task } = await jobhook.rest('POST', '/v1/tasks', { task_id: taskId, command: ['true'], task: { title } })
  assert.equal(status, 202, JSON.stringify(task))
  assert.deepEqual([task.task_id, task.title], [taskId, title])
  const job = await cluster.getJob(task.id)
  assert.deepEqual([job.metadata.annotations['jobhook.dev/task-id'], job.metadata.annotations['jobhook.dev/title']], [taskId, title])
  await jobhook.rest('POST', '/v1/tasks', { task_id: taskId, command: ['false'], task: { title } })
  await jobhook.rest('GET', `/v1/tasks/${encodeURIComponent(`\u001b[2J\n${taskId}`)}`)
  const shown = spawnSync(process.execPath, ['src/main.ts', 'tasks', task.id], {
    encoding: 'utf8',
    env: { ...process.env, JOBHOOK_URL: jobhook.url, JOBHOOK_TOKEN: TOKEN },
  })
  assert.match(shown.stdout, /forged/)
  assert.doesNotMatch(shown.stdout, STEERING)
  const lines = jobhook.log().trimEnd().split('\n')
  for (const line of lines) assert.equal(typeof JSON.parse(line).msg, 'string', line)
  assert.doesNotMatch(jobhook.log(), STEERING)
  assert.ok(lines.some((line) => JSON.parse(line).task_id === taskId))
})

const paths = [
  '/v1/tasks/..',
  '/v1/tasks/%2e%2e',
  '/v1/tasks/..%2f..%2fsecrets',
  '/v1/tasks/..%2F..%2F..%2Fapi%2Fv1%2Fnamespaces',
  '/v1/tasks/%2e%2e%2f%2e%2e%2fsecrets/logs',
  '/v1/tasks/x%00',
  '/v1/tasks/x%0d%0aHost:%20evil',
  '/v1/tasks/x%3fwatch=true',
  '/v1/tasks/x%23y',
  '/v1/tasks/x%5c..%5cy',
  '/v1/tasks/%ff%fe',
  '/v1/tasks/%c0%ae%c0%ae%2f',
  '/v1/tasks/x/logs?container=..%2f..%2fsecrets',
  '/v1/tasks/x/logs?container=task%26follow%3dtrue',
  '/v1/tasks/x/logs?tail=-1',
  '/v1/tasks?label=a%3db%26limit%3d1%0a',
  '/v1/tasks/x;y/logs',
  '/v1//tasks/x',
  '/v1/tasks/../../metrics',
  '/docs/../v1/tasks',
  '/docs/%2e%2e/%2e%2e/etc/passwd',
  '/docs/..%2f..%2fpackage.json',
]
test('a path that leads elsewhere leads nowhere', async () => {
  for (const path of paths) {
    const text = await exchange(
      jobhook.url,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    )
    assert.ok([400, 404, 422].includes(statuses(text)[0] ?? 0), `${path}: ${text.slice(0, 300)}`)
  }
  assert.doesNotMatch(jobhook.log(), /request failed/)
})

test('a secret in the wrong place, whatever the place, is in no answer and no line of the log', async () => {
  const wrong = [
    { task_id: { a: SECRET } },
    { task_id: SECRET.repeat(20) },
    { task_id: 'secret', env_vars: SECRET },
    { task_id: 'secret', env_vars: { A: [SECRET] } },
    { task_id: 'secret', env_vars: { A: `${SECRET}\u0000` } },
    { task_id: 'secret', env_vars: { A: SECRET.repeat(8_000) } },
    { task_id: 'secret', docker_image: `${SECRET} ` },
    { task_id: 'secret', timeout_seconds: SECRET },
    { task_id: 'secret', labels: { team: `${SECRET}!` } },
    { task_id: 'secret', callback_url: `https://user:${SECRET}@control.example/${SECRET}?token=${SECRET}` },
    { task_id: 'secret', args: [{ SECRET }] },
    { task_id: 'secret', additional_sidecars: [{ image: SECRET, mount_path: `relative/${SECRET}` }] },
    [SECRET],
    SECRET,
  ]
  for (const data of wrong) {
    for (const answer of [
      await jobhook.webhook({ type: 'task_assignment', data }),
      await jobhook.rest('POST', '/v1/tasks', data),
      await jobhook.rest('POST', '/v1/render', data),
    ]) {
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${JSON.stringify(data).slice(0, 100)}`)
      assert.ok(!JSON.stringify(answer.body).includes(SECRET), JSON.stringify(answer.body))
    }
  }
  await jobhook.webhook({ type: SECRET })
  await jobhook.webhook(null, { raw: Buffer.from(`{"type": ${SECRET}}`) })
  await jobhook.rest('GET', '/v1/tasks', undefined, { authorization: `Bearer ${SECRET}` })
  const accepted = await jobhook.rest('POST', '/v1/tasks', { task_id: 'keeps', command: ['true'], env_vars: { TOKEN: SECRET } })
  assert.equal(accepted.status, 202)
  assert.equal(
    (await jobhook.rest('POST', '/v1/tasks', { task_id: 'keeps', command: ['false'], env_vars: { TOKEN: `${SECRET}2` } })).status,
    409,
  )
  assert.ok(!jobhook.log().includes(SECRET))
  assert.ok(!JSON.stringify(await cluster.getJob(accepted.body.id)).includes(SECRET))
})
