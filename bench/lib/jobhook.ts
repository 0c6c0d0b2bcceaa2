// Starts jobhook as it runs in production: the compiled command line, `serve`, under the ServiceAccount's token, log level info into a file.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { stringify } from 'yaml'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { cpuSecondsOf, memoryOf } from './process-usage.ts'

export const WEBHOOK_SECRET = generateSecret()
const CALLBACK_SECRET = generateSecret()
export const WORKER_ID = 'bench'

const ROOT = join(import.meta.dirname, '../..')

export interface Jobhook {
  url: string
  pid: number
  /** From its start to the first 200 of /readyz. */
  readyMs: number
  cpuSeconds(): number
  memory(): { residentMb: number; peakMb: number }
  /** One sample of its metrics, summed over labels that are not named. */
  metric(name: string, labels?: string): Promise<number>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
  logFile: string
}

export interface JobhookOptions {
  folder: string
  /** Null: the embedded cluster. */
  kubeconfig: string | null
  callbackUrl: string
  /** More of the configuration, laid over ours key by key. */
  config?: Record<string, unknown>
  nodeOptions?: string[]
}

/** What every case's configuration begins with. Pods go to kwok nodes and live for a second. */
export function configOf(options: Pick<JobhookOptions, 'kubeconfig' | 'callbackUrl' | 'config'>): Record<string, unknown> {
  const { kubeconfig } = options
  return {
    worker_id: WORKER_ID,
    listen: '127.0.0.1:0',
    cluster: kubeconfig === null ? 'embedded' : 'kubernetes',
    backend: {
      kubernetes:
        kubeconfig === null
          ? { default_image: 'local' }
          : {
              kubeconfig,
              default_image: 'registry.local/task:1',
              node_selector: { type: 'kwok' },
              tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists', effect: 'NoSchedule' }],
              extra_annotations: { 'kwok.jobhook.dev/complete-after': '1s' },
            },
    },
    webhook: { secrets: [WEBHOOK_SECRET] },
    callback: { url: options.callbackUrl, secrets: [CALLBACK_SECRET] },
    deadlines: { drain_delay: '0s' },
    ...options.config,
  }
}

export async function startJobhook(options: JobhookOptions): Promise<Jobhook> {
  const folder = mkdtempSync(join(options.folder, 'jobhook-'))
  const configFile = join(folder, 'config.yaml')
  const addressFile = join(folder, 'address')
  const logFile = join(folder, 'log')
  const embedded = options.kubeconfig === null ? { embedded: { kubeconfig_file: join(folder, 'embedded.kubeconfig') } } : {}
  writeFileSync(configFile, stringify({ ...configOf(options), ...embedded }), { mode: 0o600 })
  const log = openSync(logFile, 'a')
  const started = performance.now()
  const args = [
    ...imageFlags(),
    ...(options.nodeOptions ?? []),
    join(ROOT, 'dist/src/main.js'),
    'serve',
    '--config',
    configFile,
    '--address-file',
    addressFile,
  ]
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production' } as NodeJS.ProcessEnv,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const pid = child.pid ?? 0
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => {
      process.off('exit', kill)
      resolve()
    }),
  )
  const url = await ready(started, () => child.exitCode !== null, addressFile, logFile).catch((error: unknown) => {
    kill()
    throw error
  })
  const readyMs = performance.now() - started
  return {
    url,
    pid,
    readyMs,
    logFile,
    cpuSeconds: () => cpuSecondsOf(pid),
    memory: () => memoryOf(pid),
    async metric(name, labels = '') {
      const text = await (await request(`${url}/metrics`)).body.text()
      return sumOf(text, name, labels)
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const hard = setTimeout(kill, 20_000)
      await exited
      clearTimeout(hard)
    },
  }
}

/** What the image starts Node with. */
function imageFlags(): string[] {
  const line = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1]
  return (JSON.parse(line ?? '[]') as string[]).filter((word) => word.startsWith('--'))
}

async function ready(startedMs: number, ended: () => boolean, addressFile: string, logFile: string): Promise<string> {
  while (performance.now() - startedMs < 120_000) {
    if (ended()) throw new Error(`jobhook ended:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`)
    const url = readSafely(addressFile)
    if (url !== '') {
      const answer = await request(`${url}/readyz`)
      await answer.body.dump()
      if (answer.statusCode === 200) return url
    }
    await delay(5)
  }
  throw new Error(`jobhook did not get ready:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`)
}

function readSafely(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function sumOf(text: string, name: string, labels: string): number {
  let sum = 0
  for (const line of text.split('\n')) {
    if (line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)) && line.includes(labels))
      sum += Number(line.slice(line.lastIndexOf(' ')))
  }
  return sum
}
