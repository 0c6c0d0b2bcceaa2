// Starts the real service as its own process and talks to it as a control plane and a REST caller would.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { request } from 'undici'
import { stringify } from 'yaml'
import { createSigner, generateSecret } from '../../src/lib/standard-webhooks.ts'
import { processBasics } from './environment.ts'
import { until } from './wait.ts'

export const WEBHOOK_SECRET = generateSecret()
export const CALLBACK_SECRET = generateSecret()
export const TOKEN = 'test-token-0123456789abcdef'

/** Whatever a failed test leaves behind is ended with its file: a child that runs on would keep the runner waiting. */
const started = new Set<ChildProcess>()
const folders = new Set<string>()
after(() => {
  for (const child of started) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const ROOT = join(import.meta.dirname, '../..')
const signer = createSigner([WEBHOOK_SECRET])

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
  body: any
}

export interface Jobhook {
  url: string
  pid: number
  /** Everything it has logged so far. */
  log(): string
  /** Sends a signed message. `options` spoils it on purpose. */
  webhook(message: unknown, options?: { id?: string; headers?: Record<string, string>; raw?: Buffer }): Promise<Answer>
  rest(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  metric(name: string, labels?: Record<string, string>): Promise<number>
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** A target to run on: the embedded cluster, or the real one that `npm run test:cluster` brought up. */
export function clusterConfig(): { config: Record<string, unknown>; env: Record<string, string>; real: boolean } {
  const kubeconfig = process.env.JOBHOOK_TEST_KUBECONFIG
  if (kubeconfig)
    return {
      config: { cluster: 'kubernetes', backend: { kubernetes: { kubeconfig, default_image: 'docker.io/library/busybox:1.36' } } },
      env: {},
      real: true,
    }
  return { config: { cluster: 'embedded', backend: { kubernetes: { default_image: 'local' } } }, env: {}, real: false }
}

/** `ready: false`: returns as soon as it listens. */
export async function startJobhook(
  config: Record<string, unknown>,
  env: Record<string, string> = {},
  { ready = true }: { ready?: boolean } = {},
): Promise<Jobhook> {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-test-'))
  folders.add(folder)
  const configFile = join(folder, 'config.yaml')
  const addressFile = join(folder, 'address')
  writeFileSync(
    configFile,
    stringify({
      listen: '127.0.0.1:0',
      webhook: { secrets: [WEBHOOK_SECRET] },
      api: { tokens: [{ name: 'test', token: TOKEN, scopes: ['admin'] }] },
      deadlines: { drain_delay: '100ms' },
      ...(config.cluster === 'embedded' ? { embedded: { kubeconfig_file: join(folder, 'embedded.kubeconfig') } } : {}),
      ...config,
    }),
  )
  const child = spawn(process.execPath, ['src/main.ts', 'serve', '--config', configFile, '--address-file', addressFile], {
    cwd: ROOT,
    env: { ...processBasics(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.add(child)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const exited = new Promise<number | null>((resolve) =>
    child.once('exit', (code) => {
      started.delete(child)
      resolve(code)
    }),
  )
  const url = await until('jobhook listens', () => {
    if (child.exitCode !== null) throw new Error(`jobhook ended with ${child.exitCode}:\n${output}`)
    return readFileSync(addressFile, 'utf8').trim()
  }).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw new Error(`jobhook did not start:\n${output.slice(-4_000)}`, { cause: error })
  })
  if (ready) {
    await until('jobhook is ready', async () => (await request(`${url}/readyz`)).statusCode === 200).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw new Error(`jobhook did not get ready:\n${output.slice(-4_000)}`, { cause: error })
    })
  }
  return {
    url,
    pid: child.pid ?? 0,
    log: () => output,
    webhook: (message, options = {}) => sendWebhook(url, message, options),
    async rest(method, path, body, headers = {}) {
      const response = await request(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.statusCode, headers: response.headers, body: parse(await response.body.text()) }
    },
    async metric(name, labels = {}) {
      const text = await (await request(`${url}/metrics`)).body.text()
      return sumMetric(text, name, labels)
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async stop() {
      end(child)
      const code = await exited
      return code
    },
  }
}

function end(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
}

let counter = 0
export async function sendWebhook(
  url: string,
  message: unknown,
  options: { id?: string; headers?: Record<string, string>; raw?: Buffer } = {},
): Promise<Answer> {
  const raw = options.raw ?? Buffer.from(JSON.stringify(message))
  const id = options.id ?? `msg_${process.pid}_${++counter}`
  const timestamp = Math.floor(Date.now() / 1000)
  const response = await request(`${url}/v1/webhook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signer.sign(id, timestamp, raw),
      ...options.headers,
    },
    body: raw,
  })
  return { status: response.statusCode, headers: response.headers, body: parse(await response.body.text()) }
}

/** Sums the samples of a Prometheus text whose labels include the given ones. */
export function sumMetric(text: string, name: string, labels: Record<string, string>): number {
  let sum = 0
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !/^[{ ]/.test(line.slice(name.length))) continue
    if (Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`))) sum += Number(line.slice(line.lastIndexOf(' ')))
  }
  return sum
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** An assignment that runs a shell script: as a container on a real node, as a local process on the embedded cluster. */
export function shellTask(
  taskId: string,
  script: string,
  more: Record<string, unknown> = {},
): { type: 'task_assignment'; data: Record<string, unknown> } {
  return { type: 'task_assignment', data: { task_id: taskId, command: ['/bin/sh', '-c'], args: [script], ...more } }
}

/** A worker id of this run's own, so that tests sharing a namespace do not see each other's tasks. */
export function freshWorkerId(name: string): string {
  return `${name}-${process.pid}-${Date.now().toString(36)}`
}
