// Starts the demo's other processes and ends them for certain: TERM, then KILL, each in a process group of its own so that Ctrl-C reaches only us.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

const STOP_GRACE_MS = 10_000
const POLL_MS = 30

export interface Process {
  name: string
  logFile: string
  /** How it ended, null while it runs. */
  ended(): string | null
  stop(): Promise<void>
  /** At once, without waiting: for the moment this process itself must go. */
  kill(): void
}

export function startProcess(options: { name: string; args: string[]; env: NodeJS.ProcessEnv; logFile: string }): Process {
  const log = openSync(options.logFile, 'a', 0o600)
  const child = spawn(process.execPath, options.args, { env: options.env, stdio: ['ignore', log, log], detached: true })
  closeSync(log) // the child has its own copy
  let ended: string | null = null
  const exit = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      ended ??= how
      resolve()
    }
    child.once('error', (error) => end(`could not start: ${error.message}`))
    child.once('exit', (code, signal) => end(signal ? `ended by ${signal}` : `exited with code ${code}`))
  })
  return {
    name: options.name,
    logFile: options.logFile,
    ended: () => ended,
    async stop() {
      if (ended !== null) return
      child.kill('SIGTERM')
      const grace = new AbortController()
      await Promise.race([exit, delay(STOP_GRACE_MS, undefined, { signal: grace.signal }).catch(() => undefined)])
      grace.abort()
      if (ended === null) killGroup(child)
      await exit
    },
    kill: () => {
      if (ended === null) killGroup(child)
    },
  }
}

/** The whole group, so that nothing that the process started stays behind. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

/** Waits until `check` gives something, the process has ended, or time is up; the error then ends with the process's last log lines. */
export async function waitFor<T>(
  what: string,
  process: Process,
  timeoutMs: number,
  signal: AbortSignal,
  check: () => Promise<T | null>,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs
  for (;;) {
    signal.throwIfAborted()
    const found = await check().catch(() => null)
    if (found !== null) return found
    const ended = process.ended()
    if (ended !== null) throw new Error(`${process.name} ${ended} and has not ${what}. Its last lines:\n${lastLines(process.logFile)}`)
    if (Date.now() > deadlineMs)
      throw new Error(`${process.name} has not ${what} within ${timeoutMs / 1000} s. Its last lines:\n${lastLines(process.logFile)}`)
    await delay(POLL_MS)
  }
}

/** The content of a file once it exists and is not empty. */
export async function fileContent(file: string): Promise<string | null> {
  const text = (await readFile(file, 'utf8')).trim()
  return text === '' ? null : text
}

export function lastLines(file: string, count = 15): string {
  try {
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-count)
      .map((line) => `    ${line.slice(0, 400)}`)
      .join('\n')
  } catch {
    return '    (no log)'
  }
}
