// `jobhook try`, which `helm test` runs: the whole way against a running service, and each thing that can be wrong is said.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, startJobhook, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { ROOT } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobhook-try-'))
const keys = { webhook: WEBHOOK_SECRET, callback: CALLBACK_SECRET, wrong: generateSecret() }
let jobhook: Jobhook
let port: number

before(async () => {
  for (const [name, key] of Object.entries(keys)) writeFileSync(join(folder, name), `${key}\n`)
  port = await freePort()
  jobhook = await startJobhook({
    worker_id: freshWorkerId('try'),
    cluster: 'embedded',
    backend: { kubernetes: { default_image: 'local' } },
    callback: {
      url: 'http://127.0.0.1:1/never',
      secrets: [CALLBACK_SECRET],
      allow_origins: [`http://127.0.0.1:${port}`],
      allow_private: true,
    },
  })
})
after(async () => {
  await jobhook?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function tryOut(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['src/main.ts', 'try', `--url=${jobhook.url}/v1/webhook`, ...args], { cwd: ROOT })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, output })))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: free } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return free
}

const theWholeWay = (): string[] => [
  `--secret-file=${join(folder, 'webhook')}`,
  `--callback-secret-file=${join(folder, 'callback')}`,
  `--listen=127.0.0.1:${port}`,
  `--callback-url=http://127.0.0.1:${port}/callback`,
]

test('one task goes the whole way, from signed webhook to signed callback', async () => {
  const { code, output } = await tryOut(...theWholeWay(), '--command=true')
  assert.equal(code, 0, output)
  assert.match(output, /the task completed, and its signed callback came/)
})

test('a task that fails is told with its reason', async () => {
  const { code, output } = await tryOut(...theWholeWay(), '--command=false')
  assert.equal(code, 1)
  assert.match(output, /the task did not complete: container_exit/)
})

test('a heartbeat proves address and key without a task', async () => {
  const { code, output } = await tryOut('--heartbeat', `--secret-file=${join(folder, 'webhook')}`)
  assert.equal(code, 0, output)
})

test('a wrong key is told by the service’s own answer', async () => {
  const { code, output } = await tryOut('--heartbeat', `--secret-file=${join(folder, 'wrong')}`)
  assert.equal(code, 1)
  assert.match(output, /answered 401/)
})
