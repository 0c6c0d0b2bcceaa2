// REST beyond the one path: filters, selectors, pages that stay right while tasks come, ids with slashes, methods, what a caller gets wrong.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { LABELS } from '../../src/lib/metrics.ts'
import { clusterConfig, freshWorkerId, type Jobhook, startJobhook, TOKEN } from '../support/jobhook.ts'
import { until } from '../support/wait.ts'

const target = clusterConfig()
let jobhook: Jobhook

before(async () => {
  jobhook = await startJobhook({ worker_id: freshWorkerId('rest'), ...target.config })
})
after(async () => {
  await jobhook?.stop()
})

const SLEEP = { command: ['/bin/sh', '-c'], args: ["trap 'exit 143' TERM; sleep 60 & wait $!"] }
const TRUE = { command: ['/bin/sh', '-c'], args: ['true'] }
const submit = (body: Record<string, unknown>, headers = {}) => jobhook.rest('POST', '/v1/tasks', body, headers)
const idsOf = async (query: string): Promise<string[]> => {
  const { status, body } = await jobhook.rest('GET', `/v1/tasks?${query}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body.items.map((task: { task_id: string }) => task.task_id).sort()
}

test('tasks are found by label selectors and by several states', async () => {
  await submit({ task_id: 'web-1', ...SLEEP, labels: { team: 'web', tier: 'front' } })
  await submit({ task_id: 'web-2', ...TRUE, labels: { team: 'web' } })
  await submit({ task_id: 'db-1', ...TRUE, labels: { team: 'db' } })
  await until('they are listed and the short ones have ended', async () => (await idsOf('state=completed')).length === 2, {
    timeoutMs: 60_000,
  })
  const selected = (label: string) => idsOf(`label=${encodeURIComponent(label)}`)
  assert.deepEqual(await selected('team=web'), ['web-1', 'web-2'])
  assert.deepEqual(await selected('team in (web, db),!tier'), ['db-1', 'web-2'])
  assert.deepEqual(await selected('team!=web'), ['db-1'])
  assert.deepEqual(await selected('tier'), ['web-1'])
  assert.deepEqual(await idsOf('state=completed,running&label=team%3Dweb'), await idsOf('state=completed&state=running&label=team%3Dweb'))
  assert.deepEqual(await idsOf('state=failed,cancelled'), [])
})

test('pages stay right while tasks come: each task that was there is given once, newest first', async () => {
  for (let n = 1; n <= 5; n++) await submit({ task_id: `page-${n}`, ...TRUE, labels: { page: 'yes' } })
  await until('listed', async () => (await idsOf('label=page')).length === 5)
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const { body } = await jobhook.rest('GET', `/v1/tasks?label=page&limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
    seen.push(...body.items.map((task: { task_id: string }) => task.task_id))
    cursor = body.next_cursor
    // Created later, so it belongs to a page that was given already.
    if (seen.length === 2) await submit({ task_id: 'page-late', ...TRUE, labels: { page: 'late' } })
  } while (cursor !== null)
  assert.deepEqual(seen.filter((id) => id !== 'page-late').sort(), ['page-1', 'page-2', 'page-3', 'page-4', 'page-5'])
  assert.equal(new Set(seen).size, seen.length)
})

test('a task is found by its percent-encoded task_id at once, whatever characters it has', async () => {
  for (const taskId of ['group/7?x=1#y', '100 %', 'größe/🚀', 'task-like-a-job-name-aaaaaaaaaaaaaaaa']) {
    const { body } = await submit({ task_id: taskId, ...TRUE })
    const found = await jobhook.rest('GET', `/v1/tasks/${encodeURIComponent(taskId)}`)
    assert.deepEqual([found.status, found.body.id, found.body.task_id], [200, body.id, taskId])
  }
})

test('the newest execution answers for a task_id', async () => {
  const first = await submit({ task_id: 'again', execution_id: 'first', ...TRUE })
  // Kubernetes' times are whole seconds.
  await until('the next second', () => Date.now() >= Date.parse(first.body.times.created) + 1_000)
  const { body } = await submit({ task_id: 'again', execution_id: 'second', ...TRUE })
  await until('both are known', async () => (await idsOf('')).filter((id) => id === 'again').length === 2)
  assert.equal((await jobhook.rest('GET', '/v1/tasks/again')).body.id, body.id)
})

test('Idempotency-Key gives the same task; with other content it is a conflict that points into the body', async () => {
  const first = await submit(TRUE, { 'idempotency-key': 'once' })
  const again = await submit({ ...TRUE, title: null, labels: null }, { 'idempotency-key': 'once' })
  assert.deepEqual([again.status, again.body.id, again.headers['jobhook-duplicate']], [202, first.body.id, 'true'])
  const other = await submit(SLEEP, { 'idempotency-key': 'once' })
  assert.deepEqual([other.status, other.body.code, other.body.errors[0].pointer], [409, 'conflict', '/args'])
})

test('HEAD answers as GET does, without a body; another method is told which there are', async () => {
  const call = (method: string, path: string) =>
    request(`${jobhook.url}${path}`, { method: method as 'GET', headers: { authorization: `Bearer ${TOKEN}` } })
  for (const path of ['/v1/tasks', '/livez', '/metrics', '/openapi.json', '/docs/problems']) {
    const head = await call('HEAD', path)
    assert.deepEqual([head.statusCode, await head.body.text()], [200, ''], path)
    const put = await call('PUT', path)
    const { code } = (await put.body.json()) as { code: string }
    assert.deepEqual([put.statusCode, code], [405, 'method_not_allowed'], path)
    assert.match(String(put.headers.allow), /GET/)
    assert.match(String(put.headers.allow), /HEAD/)
  }
  const { headers } = await call('PUT', '/v1/tasks/x')
  assert.equal(headers.allow, 'GET, HEAD, DELETE')
})

const mistakes: [query: string, pointer: string, says: RegExp][] = [
  ['/v1/tasks?limit=0', '/limit', /at least 1/],
  ['/v1/tasks?limit=1001', '/limit', /at most 1000/],
  ['/v1/tasks?limit=ten', '/limit', /an integer/],
  ['/v1/tasks?limit=1e2', '/limit', /an integer/],
  ['/v1/tasks?state=', '/state/0', /"queued" or "pending"/],
  ['/v1/tasks?label=team%3E3', '/label', /team=web or team in/],
  ['/v1/tasks?cursor=WzEsMl0', '/cursor', /next_cursor/],
  ['/v1/tasks?page=2', '/page', /not a known field/],
  ['/v1/deliveries?state=lost', '/state/0', /"owed" or "dead"/],
  ['/v1/deliveries?cursor=x', '/cursor', /next_cursor/],
  ['/v1/tasks/web-1/logs?tail=-1', '/tail', /at least 0/],
  ['/v1/tasks/web-1/logs?follow=maybe', '/follow', /boolean/],
  ['/v1/tasks/web-1/logs?since=yesterday', '/since', /90s, 10m/],
  ['/v1/tasks/web-1/logs?container=A_b', '/container', /container/],
]
for (const [path, pointer, says] of mistakes) {
  test(`GET ${path} is refused with the field, the problem and the remedy`, async () => {
    const { status, body } = await jobhook.rest('GET', path)
    assert.deepEqual([status, body.code, body.errors[0].pointer], [422, 'invalid_request', pointer], JSON.stringify(body))
    assert.match(body.errors[0].detail, says)
  })
}

test('the API can be read in a browser at /docs, with files of its own and scripts from nowhere else', async () => {
  const page = await jobhook.rest('GET', '/docs')
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.body, /https?:\/\/|<script>|style=/)
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'; script-src 'self'; style-src 'self'/)
  const own = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match: RegExpMatchArray) => match[1] ?? '')
  assert.ok(own.length >= 6)
  for (const path of own) assert.equal((await jobhook.rest('GET', `/${path}`)).status, 200, path)
  assert.equal((await jobhook.rest('GET', '/docs/')).headers.location, '../docs')
  assert.equal((await jobhook.rest('GET', '/docs/../package.json')).status, 404)
})

test('a replica that follows the cluster says that it is not stale', async () => {
  const text = await (await request(`${jobhook.url}/metrics`)).body.text()
  for (const resource of ['jobs', 'pods'])
    assert.match(text, new RegExp(`^jobhook_informer_stale_seconds\\{resource="${resource}"\\} 0$`, 'm'))
})

test('every problem’s type leads to its explanation on this service', async () => {
  const { body } = await jobhook.rest('GET', '/v1/tasks/no-such-task')
  assert.equal(body.code, 'not_found')
  const [path, anchor] = body.type.split('#')
  const page = (await jobhook.rest('GET', path)).body
  assert.match(page, new RegExp(`<dt id="${anchor}">`))
})

test('whatever callers send, no label of a metric takes a value from outside', async () => {
  const hostile = `hostile"} 1\\n${'x'.repeat(50)}`
  const text = (await request(`${jobhook.url}/metrics`)).body.text()
  const before = (await text).split('\n').length
  for (let n = 0; n < 20; n++) {
    const id = `${hostile} ${n}`
    await Promise.all([
      jobhook.webhook({ type: id, data: {} }),
      jobhook.webhook({ type: 'task_assignment', data: { task_id: id.slice(0, n < 3 ? 100 : 0), labels: { [`l${n}`]: 'v' }, ...TRUE } }),
      jobhook.webhook({ type: 'task_cancellation', data: { task_id: id } }),
      jobhook.rest('GET', `/v1/tasks/${encodeURIComponent(id)}`),
      jobhook.rest('GET', `/hostile/${n}/${encodeURIComponent(hostile)}`),
      jobhook.rest('GET', `/v1/tasks?state=hostile${n}`),
      request(`${jobhook.url}/v1/tasks`, { method: n % 2 ? 'PROPFIND' : 'PURGE' }).then(({ body }) => body.dump()),
    ])
  }
  const lines = (await (await request(`${jobhook.url}/metrics`)).body.text()).split('\n')
  let checked = 0
  for (const line of lines.filter((each) => each.startsWith('jobhook_'))) {
    for (const [, label = '', value = ''] of line.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) {
      if (label === 'le') continue
      assert.match(value, LABELS[label]?.values ?? /^\b$/, line)
      checked++
    }
  }
  assert.ok(checked > 100)
  assert.ok(!lines.some((line) => line.includes('hostile')))
  assert.ok(lines.length < before + 200, `${lines.length - before} lines more after 140 requests`)
})
