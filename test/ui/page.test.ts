// The page by HTTP, without a browser: the login and what its cookie is good for, scopes, other sites, what works without a script.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, startJobhook, TOKEN } from '../support/jobhook.ts'
import { somePast, writePast } from '../support/past.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const READER = 'reader-token-0123456789'
const SENDER = 'sender-token-0123456789'
let jobhook: Jobhook
let receiver: Receiver

const folder = mkdtempSync(join(tmpdir(), 'jobhook-ui-'))

before(async () => {
  const workerId = freshWorkerId('ui')
  writePast(join(folder, 'state'), workerId, somePast(102, 3_600))
  receiver = await startReceiver(CALLBACK_SECRET)
  receiver.answer = () => 500
  jobhook = await startJobhook({
    worker_id: workerId,
    cluster: 'embedded',
    embedded: { kubeconfig_file: join(folder, 'kubeconfig'), data_dir: join(folder, 'state') },
    backend: { kubernetes: { default_image: 'local' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0] },
    api: {
      tokens: [
        { name: 'admin', token: TOKEN, scopes: ['admin'] },
        { name: 'reader', token: READER, scopes: ['read'] },
        { name: 'sender', token: SENDER, scopes: ['submit'] },
      ],
    },
  })
})
after(async () => {
  await jobhook?.stop()
  await receiver?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Answered {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answered> {
  const response = await request(`${jobhook.url}${path}`, {
    method: method as 'GET',
    headers: { accept: 'text/html', ...headers },
    body: body ?? null,
  })
  return { status: response.statusCode, headers: response.headers, text: await response.body.text() }
}

function logIn(token: string, headers: Record<string, string> = { origin: jobhook.url }, next = '/ui/tasks'): Promise<Answered> {
  const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers }
  return ask('POST', '/ui/login', form, new URLSearchParams({ token, next }).toString())
}

async function cookieOf(token: string): Promise<string> {
  const { headers } = await logIn(token)
  return String(headers['set-cookie']).split(';')[0] ?? ''
}

async function submit(taskId: string, script: string, title: string | null = null): Promise<string> {
  const { body } = await jobhook.rest('POST', '/v1/tasks', {
    task_id: taskId,
    ...(title === null ? {} : { task: { title } }),
    command: ['/bin/sh', '-c'],
    args: [script],
    env_vars: { A: 'SECRET-VALUE' },
  })
  return body.id
}

test('who is not logged in is led to the login and back; what no browser asked for is a problem', async () => {
  const led = await ask('GET', '/ui/tasks?state=failed')
  assert.deepEqual([led.status, led.headers.location], [303, '/ui/login?next=%2Fui%2Ftasks%3Fstate%3Dfailed'])
  assert.equal((await ask('GET', '/ui/tasks', { accept: '*/*' })).status, 401)
  const form = await ask('GET', '/ui/login?next=/ui/tasks')
  assert.match(form.text, /<input type="hidden" name="next" value="\/ui\/tasks">/)
  const followed = await ask('GET', '/ui', { 'sec-fetch-site': 'cross-site' })
  assert.match(followed.text, /http-equiv="refresh"/, 'a link from elsewhere: the cookie comes with the next request only')
})

test('the login: a cookie that scripts and other sites do not get, without the token in it', async () => {
  const { status, headers } = await logIn(TOKEN)
  assert.deepEqual([status, headers.location], [303, '/ui/tasks'])
  const cookie = String(headers['set-cookie'])
  assert.match(cookie, /^jobhook_[0-9a-f]{8}=[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/)
  assert.ok(!cookie.includes(TOKEN))
  const byTls = await logIn(TOKEN, { origin: jobhook.url, 'x-forwarded-proto': 'https' })
  assert.match(String(byTls.headers['set-cookie']), /; Secure$/)
  const wrong = await logIn('wrong-wrong-wrong')
  assert.equal(wrong.status, 401)
  assert.match(wrong.text, /role="alert">This service does not know this token/)
  const lacking = await logIn(SENDER)
  assert.equal(lacking.status, 403)
  assert.match(lacking.text, /lacks the scope read/)
  assert.equal((await logIn(TOKEN, { origin: 'https://evil.example' })).status, 403)
  assert.equal((await logIn(TOKEN, {})).status, 403)
  for (const next of ['https://evil.example', '//evil.example', '/uix', '/ui\\evil', 'javascript:alert(1)'])
    assert.equal((await logIn(TOKEN, { origin: jobhook.url }, next)).headers.location, '/ui', next)
  const out = await ask('POST', '/ui/logout', {
    origin: jobhook.url,
    cookie: await cookieOf(TOKEN),
    'content-type': 'application/x-www-form-urlencoded',
  })
  assert.match(String(out.headers['set-cookie']), /=; Path=\/; Max-Age=0/)
  assert.ok(jobhook.log().includes('"action":"login"'))
  assert.ok(!jobhook.log().includes(TOKEN))
})

test('by cookie alone nothing can be changed: it takes the page’s header and its origin', async () => {
  const id = await submit('kept', 'trap "exit 143" TERM; while true; do sleep 0.1; done')
  const cookie = await cookieOf(TOKEN)
  const page = { 'x-jobhook-page': '1' }
  const refused: [what: string, headers: Record<string, string>][] = [
    ['nothing but the cookie', { cookie }],
    ['no header', { cookie, origin: jobhook.url }],
    ['no origin', { cookie, ...page }],
    ['another origin', { cookie, ...page, origin: 'https://evil.example' }],
    ['another site, says the browser', { cookie, ...page, origin: jobhook.url, 'sec-fetch-site': 'cross-site' }],
    ['a token that may only read', { cookie: await cookieOf(READER), ...page, origin: jobhook.url }],
  ]
  for (const [what, headers] of refused) assert.equal((await ask('DELETE', `/v1/tasks/${id}`, headers)).status, 403, what)
  const changed = cookie.slice(0, -2) + (cookie.at(-2) === 'A' ? 'B' : 'A') + cookie.slice(-1)
  assert.equal((await ask('DELETE', `/v1/tasks/${id}`, { cookie: changed, ...page, origin: jobhook.url })).status, 401)
  assert.notEqual((await jobhook.rest('GET', `/v1/tasks/${id}`)).body.state, 'stopping')
  assert.equal((await ask('DELETE', `/v1/tasks/${id}`, { cookie, ...page, origin: jobhook.url })).status, 202)
})

test('a task’s page without a script: what became of it, its timeline, its report, its manifest, and no secret', async () => {
  const title = '<img src=x onerror=alert(1)>'
  const id = await submit('dead', 'echo "$A"; exit 3', title)
  await until('its report is dead', async () => (await jobhook.rest('GET', `/v1/tasks/${id}`)).body.delivery.state === 'dead')
  const [admin, reader] = [await cookieOf(TOKEN), await cookieOf(READER)]
  const { status, text, headers } = await ask('GET', `/ui/tasks/${id}`, { cookie: admin })
  assert.equal(status, 200)
  const parts = [
    /container_exit/,
    /exit code <span class="number">3</,
    /<svg class="timeline"/,
    /report-dead/,
    /data-replay=/,
    /data-log\b/,
    /data-cancel-dialog/,
  ]
  for (const part of parts) assert.match(text, part)
  assert.ok(!text.includes(title) && text.includes('&lt;img src=x'))
  assert.match(String(headers['content-security-policy']), /default-src 'none'; script-src 'self'; style-src 'self'/)
  assert.doesNotMatch(text, /<script>|<style|\sstyle=|\son\w+="/)
  const manifest = await ask('GET', `/ui/tasks/${id}/manifest`, { cookie: reader })
  assert.match(manifest.text, /kind: Job|secretKeyRef/)
  assert.ok(![text, manifest.text].some((page) => page.includes('SECRET-VALUE')))
  const seen = (await ask('GET', `/ui/tasks/${id}`, { cookie: reader })).text
  for (const button of [/data-replay=/, /data-cancel-dialog/, /data-log\b/])
    assert.doesNotMatch(seen, button, 'a token that may only read sees no button')
  const list = await ask('GET', '/ui/deliveries', { cookie: admin })
  assert.match(list.text, /report-dead[\s\S]*data-replay=/)
  const overview = await ask('GET', '/ui', { cookie: reader })
  assert.match(overview.text, /Dead letters<\/dt><dd class="number"><a class="failed-text" href="\/ui\/deliveries">/)
  assert.equal((await ask('GET', '/ui/tasks/nothing', { cookie: reader })).status, 404)
})

test('the list without a script: filters, search and pages are links and forms', async () => {
  const cookie = await cookieOf(READER)
  const rowsOf = (text: string): number => text.match(/class="cell-task"/g)?.length ?? 0
  const first = await ask('GET', '/ui/tasks?search=run-1', { cookie })
  assert.equal(rowsOf(first.text), 100)
  const older = /href="(\/ui\/tasks\?[^"]+)">Older/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  assert.equal(rowsOf((await ask('GET', older, { cookie })).text), 2)
  assert.equal(rowsOf((await ask('GET', '/ui/tasks?search=run-10077', { cookie })).text), 1)
  assert.equal(rowsOf((await ask('GET', '/ui/tasks?state=failed&search=dead', { cookie })).text), 1)
  const bad = await ask('GET', '/ui/tasks?label=%28%28', { cookie })
  assert.equal(bad.status, 422)
  assert.match(bad.text, /cannot be read at/)
})

test('the page’s files are kept for good under their hash, and nothing else is served', async () => {
  const { text } = await ask('GET', '/ui/login')
  const [style = ''] = /\/ui\/assets\/[0-9a-f]{16}\/app\.css/.exec(text) ?? []
  const css = await ask('GET', style)
  assert.deepEqual(
    [css.status, css.headers['content-type'], css.headers['cache-control']],
    [200, 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
  )
  assert.equal((await ask('GET', style.replace(/[0-9a-f]{16}/, '0000000000000000'))).headers['cache-control'], 'no-store')
  for (const name of ['../session.ts', '..%2fsession.ts', 'nothing.js'])
    assert.equal((await ask('GET', `/ui/assets/x/${name}`)).status, 404, name)
})
