// The service to fuzz: whole, on an embedded cluster, in a process of its own, without the rate limits that a fuzzer would only run into. Every Job is
// made suspended, for a Kueue that is not there: whatever command a fuzzer thinks of, nothing is ever run.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { stringify } from 'yaml'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { until } from '../support/wait.ts'

export const WEBHOOK_SECRET = generateSecret()
export const TOKEN = 'fuzz-token-0123456789abcdef'

/** SIGUSR2 collects garbage, so that two looks at the heap can be compared. */
const COLLECTS = ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGUSR2",()=>{gc();gc()})']

/** A machine that is busy with something else starts it slowly. */
const PATIENT = { timeoutMs: 120_000 }

export interface Fuzzed {
  url: string
  /** Everything it has logged so far. */
  log(): string
  running(): boolean
  collectGarbage(): void
  stop(): Promise<void>
}

export async function startFuzzed(): Promise<Fuzzed> {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-fuzz-'))
  const [configFile, addressFile] = [join(folder, 'config.yaml'), join(folder, 'address')]
  const config = {
    worker_id: 'fuzz',
    listen: '127.0.0.1:0',
    cluster: 'embedded',
    log_level: 'warn',
    backend: { kubernetes: { default_image: 'local' } },
    embedded: { kubeconfig_file: join(folder, 'embedded.kubeconfig') },
    webhook: { secrets: [WEBHOOK_SECRET] },
    api: { tokens: [{ name: 'fuzz', token: TOKEN, scopes: ['admin'] }] },
    callback: { allow_origins: ['https://control.example'], secrets: [generateSecret()] },
    deadlines: { drain_delay: 0 },
    limits: { overflow: 'kueue', kueue_queue: 'fuzz', requests_per_second: { webhook: 0, token: 0, address: 0 } },
  }
  writeFileSync(configFile, stringify(config))
  const main = join(import.meta.dirname, '../../src/main.ts')
  const child = spawn(process.execPath, [...COLLECTS, main, 'serve', '--config', configFile, '--address-file', addressFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // A run that is broken off must not leave it behind.
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    process.off('exit', end)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const url = await until('the service listens', () => (running() ? readFileSync(addressFile, 'utf8').trim() : null), PATIENT)
    await until('the service is ready', async () => (await request(`${url}/readyz`)).statusCode === 200, PATIENT)
    return { url, log: () => output, running, collectGarbage: () => void child.kill('SIGUSR2'), stop }
  } catch (error) {
    await stop()
    throw new Error(`the service did not start:\n${output.slice(-2_000)}`, { cause: error })
  }
}

/** Still there, still ready, and nothing went wrong that nobody had thought of. Says what is not so. */
export async function isWell({ url, log, running }: Fuzzed): Promise<boolean> {
  // Nobody receives callbacks: dead letters are as they should be.
  const errors = log()
    .split('\n')
    .filter((line) => (line.includes('"level":"error"') || /^\s+at .*\(/.test(line)) && !line.includes('becomes a dead letter'))
  const ready = running() && (await request(`${url}/readyz`).catch(() => null))?.statusCode === 200
  if (!ready) console.error(`fuzz: the service is not ready any more:\n${log().slice(-2_000)}`)
  if (errors.length > 0) console.error(`fuzz: the service logged errors:\n${errors.slice(0, 5).join('\n')}`)
  return ready && errors.length === 0
}
