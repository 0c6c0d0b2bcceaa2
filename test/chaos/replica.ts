// One replica of jobhook as a process, that can be killed and started again, with its own proxies before the API and before the control plane.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { processBasics } from '../support/environment.ts'

export interface Replica {
  name: string
  /** Where it answers; null while it is down. */
  url(): string | null
  /** Of its process; 0 while it is down. */
  pid(): number
  start(): Promise<void>
  /** Ends the process at this instant; resolves when it is gone. Does nothing when it is down. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code, or null when it had to be killed. */
  stop(): Promise<number | null>
  /** Nothing of it runs for so long, as when its machine is suspended; its connections stay open. Does nothing when it is down. */
  suspend(ms: number): Promise<void>
  /** Its machine's clock is wrong by so much from now on, also after a start. */
  setClock(wrongByMs: number): void
  /** Everything its processes have said. */
  log(): string
}

const ROOT = join(import.meta.dirname, '../..')
const CLOCK = join(import.meta.dirname, 'clock-preload.ts')
/** The termination grace period of a Pod. */
const GRACE_MS = 30_000

/** `podName`: its identity over restarts, as that of a container restarted in its Pod; null: a new one each time, as that of a new Pod. */
export function createReplica(options: { name: string; folder: string; config: object; podName: string | null; root?: string }): Replica {
  const { name, folder } = options
  const configFile = join(folder, `${name}.yaml`)
  const addressFile = join(folder, `${name}.address`)
  writeFileSync(configFile, stringify(options.config), { mode: 0o600 })
  const clockFile = join(folder, `${name}.clock`)
  writeFileSync(clockFile, '0')
  const output: string[] = []
  let child: ChildProcess | null = null
  let exited: Promise<number | null> = Promise.resolve(null)

  function url(): string | null {
    if (!child || child.exitCode !== null || child.signalCode !== null) return null
    try {
      return readFileSync(addressFile, 'utf8').trim() || null
    } catch {
      return null
    }
  }

  async function listens(): Promise<void> {
    const startedMs = Date.now()
    while (url() === null && Date.now() - startedMs < 20_000) await delay(50)
  }

  return {
    name,
    url,
    pid: () => child?.pid ?? 0,
    log: () => output.join(''),
    async start() {
      rmSync(addressFile, { force: true })
      const args = ['--import', CLOCK, 'src/main.ts', 'serve', '--config', configFile, '--address-file', addressFile]
      const current = spawn(process.execPath, args, {
        cwd: options.root ?? ROOT,
        env: { ...processBasics(), CHAOS_CLOCK_FILE: clockFile, ...(options.podName === null ? {} : { POD_NAME: options.podName }) },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = current
      for (const stream of [current.stdout, current.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk.toString('utf8')))
      exited = new Promise((resolve) => current.once('exit', (code) => resolve(code)))
      await Promise.race([exited, listens()])
      if (child === current && current.exitCode !== null && current.exitCode !== 0)
        throw new Error(`${name} ended with ${current.exitCode}: ${output.join('').slice(-1_000)}`)
    },
    async kill() {
      child?.kill('SIGKILL')
      await exited
      child = null
    },
    async suspend(ms) {
      const current = child
      current?.kill('SIGSTOP')
      await delay(ms)
      current?.kill('SIGCONT')
    },
    setClock(wrongByMs) {
      writeFileSync(clockFile, String(wrongByMs))
      if (url() !== null) child?.kill('SIGUSR2')
    },
    async stop() {
      if (!child) return null
      const current = child
      current.kill('SIGTERM')
      const patience = new AbortController()
      const overdue = delay(GRACE_MS, undefined, { signal: patience.signal })
        .then(() => current.kill('SIGKILL'))
        .catch(() => {})
      const code = await exited
      patience.abort()
      await overdue
      child = null
      return code
    },
  }
}
