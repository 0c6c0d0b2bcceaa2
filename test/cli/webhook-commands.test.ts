// keys, sign and listen together, as the developer of a control plane uses them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSigner, createVerifier, generateKeyPair, generateSecret, keyProblem } from '../../src/lib/standard-webhooks.ts'
import { type Running, run, start } from './command.ts'

const message = '{"type":"task_completed","data":{"task_id":"t-1","execution_id":"e-1","message":"it\'s done","exit_code":0}}'

test('keys prints one usable secret, and nothing else', async () => {
  const { code, out, err } = await run(['keys'])
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^whsec_[A-Za-z0-9+/]+=*\n$/)
  assert.equal(keyProblem(out.trim(), 'sign'), null)
  assert.equal(keyProblem(out.trim(), 'verify'), null)
})

test('keys --ed25519 prints a private key, then its public key', async () => {
  const { out } = await run(['keys', '--ed25519'])
  const [privateKey = '', publicKey = '', ...rest] = out.split('\n')
  assert.deepEqual(rest, [''])
  const signature = createSigner([privateKey]).sign('m', 1, 'x')
  assert.equal(createVerifier([publicKey]).verify({ id: 'm', timestamp: '1', signature }, Buffer.from('x'), 1).ok, true)
})

test('the curl command that sign prints is accepted by listen', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, "it's a task.json")
  writeFileSync(file, `${message}\r\n \n`) // line breaks at the end must arrive as they are
  const secret = generateSecret()
  const listener = await startListener(t, ['--secret', secret])
  const { out } = await run(['sign', file, '--secret', secret, '--url', listener.url, '--id', 'msg_by_hand'])
  assert.match(await shell(out), /^HTTP\/1\.1 200 /)
  await listener.running.until((lines) => /200 task_completed t-1\/e-1 exit 0 "it's done" msg_by_hand\n$/.test(lines))
})

test('what comes by standard input is signed byte for byte, too', async (t) => {
  const secret = generateSecret()
  const listener = await startListener(t, ['--json'], { WEBHOOK_SECRET: secret })
  const { out } = await run(['sign', '-', '--url', listener.url], { input: `${message}\n\n`, env: { WEBHOOK_SECRET: secret } })
  assert.match(await shell(out), /^HTTP\/1\.1 200 /)
  await listener.running.until((lines) => lines.endsWith('\n'))
  assert.deepEqual(JSON.parse(listener.running.out()).body, JSON.parse(message))
})

test('with a private key it signs v1a, and listen verifies it by the public key', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'task.json'), message)
  const pair = generateKeyPair()
  const listener = await startListener(t, ['--secret', pair.publicKey])
  const { out } = await run(['sign', 'task.json', '--secret', pair.privateKey, '--url', listener.url], { cwd: folder })
  assert.match(out, /webhook-signature: v1a,/)
  assert.match(await shell(out, folder), /^HTTP\/1\.1 200 /)
})

test('sign says what is wrong, without showing the key', async () => {
  const secret = generateSecret()
  const rows: [args: string[], code: number, message: RegExp][] = [
    [['no-such-file', '--secret', secret], 1, /cannot read no-such-file/],
    [['-'], 2, /a key is needed: --secret KEY/],
    [['-', '--secret', 'hunter2'], 2, /--secret must begin with whsec_/],
    [['-', '--secret', generateKeyPair().publicKey], 2, /public key .*cannot sign/],
    [['-', '--secret', secret, '--timestamp', '1e9'], 2, /--timestamp must be whole seconds/],
    [['-', '--secret', secret, '--id', 'a.b'], 2, /--id: .*full stop/],
    [['-', '--secret', secret, '--url', 'ftp://x'], 2, /--url .*must be a URL/],
    [['-', '--secrte', secret], 2, /did you mean --secret\?/],
    [[], 2, /FILE\|- is missing/],
  ]
  for (const [args, code, expected] of rows) {
    const result = await run(['sign', ...args], { env: { WEBHOOK_SECRET: '' } })
    assert.equal(result.code, code, args.join(' '))
    assert.match(result.err, expected)
    assert.doesNotMatch(result.err, /hunter2/)
  }
})

test('listen refuses what is not signed with its key, and says why to both sides', async (t) => {
  const listener = await startListener(t, ['--secret', generateSecret()])
  const response = await post(listener.url, generateSecret(), 'm-1')
  assert.equal(response.status, 401)
  assert.match(await response.text(), /no signature matches/)
  await listener.running.until((lines) => /401 refused: no signature matches/.test(lines))
  assert.equal((await fetch(listener.url, { method: 'POST', body: message })).status, 400)
})

test('listen --fail 3 answers 500 three times, then 200', async (t) => {
  const secret = generateSecret()
  const listener = await startListener(t, ['--secret', secret, '--fail', '3'])
  const statuses: number[] = []
  for (let attempt = 0; attempt < 5; attempt++) statuses.push((await post(listener.url, secret, 'm-1')).status)
  assert.deepEqual(statuses, [500, 500, 500, 200, 200])
  await listener.running.until((lines) => lines.split('\n').length === 6)
})

test('listen --status 503 is sick for good and tells when to come back', async (t) => {
  const secret = generateSecret()
  const listener = await startListener(t, ['--secret', secret, '--status', '503'])
  for (let attempt = 0; attempt < 3; attempt++) {
    const response = await post(listener.url, secret, 'm-1')
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1'])
  }
})

test('listen --hang --fail 1 leaves the first sender without an answer, and answers the second', async (t) => {
  const secret = generateSecret()
  const listener = await startListener(t, ['--secret', secret, '--hang', '--fail', '1'])
  const giveUp = new AbortController()
  const first = post(listener.url, secret, 'm-1', giveUp.signal)
  await listener.running.until((lines) => /no answer task_completed/.test(lines))
  giveUp.abort()
  await assert.rejects(first, /abort/)
  assert.equal((await post(listener.url, secret, 'm-1')).status, 200)
})

test('listen prints control characters from outside as text', async (t) => {
  const secret = generateSecret()
  const listener = await startListener(t, ['--secret', secret])
  const nasty = JSON.stringify({ type: 'task_failed\n', data: { task_id: '\u001b[2J\u009b', message: 'a\u202eb' } })
  await post(listener.url, secret, 'm-1', undefined, nasty)
  await listener.running.until((lines) => lines.endsWith('\n'))
  assert.match(listener.running.out(), /^[^\p{Cc}\u202e]+\n$/u)
})

test('listen says when its port is taken', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await new Promise((resolve) => taken.once('listening', resolve))
  const { code, err } = await run(['listen', '--secret', generateSecret(), '--port', String((taken.address() as AddressInfo).port)])
  assert.equal(code, 1)
  assert.match(err, /cannot listen on port .*EADDRINUSE/)
})

interface AfterHook {
  after(clean: () => void | Promise<void>): void
}

async function startListener(t: AfterHook, args: string[], env: Record<string, string> = {}): Promise<{ running: Running; url: string }> {
  const running = start(['listen', '--port', '0', ...args], { env })
  t.after(async () => {
    running.signal('SIGINT')
    assert.equal((await running.finished).code, 0)
  })
  await running.until((_out, err) => err.includes('listening on'))
  return { running, url: /http:\/\/[0-9.:]+/.exec(running.err())?.[0] ?? '' }
}

function post(url: string, secret: string, id: string, signal?: AbortSignal, body = message): Promise<Response> {
  const timestamp = Math.floor(Date.now() / 1000)
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': createSigner([secret]).sign(id, timestamp, body),
  }
  return fetch(url, { method: 'POST', headers, body, ...(signal ? { signal } : {}) })
}

function shell(command: string, cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', command], { cwd, timeout: 30_000 }, (error, out, err) =>
      error ? reject(new Error(err, { cause: error })) : resolve(out),
    )
  })
}

function temporaryFolder(t: AfterHook): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
