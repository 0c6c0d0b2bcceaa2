// Runs the command line as a person would: another process, its output collected, ended when the test is over.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const DEADLINE_MS = 30_000

export interface Finished {
  code: number | null
  out: string
  err: string
}

export interface Running {
  out(): string
  err(): string
  /** Waits until the output so far satisfies the condition. */
  until(condition: (out: string, err: string) => boolean): Promise<void>
  signal(name: NodeJS.Signals): void
  finished: Promise<Finished>
}

export function start(args: string[], options: { env?: Record<string, string>; input?: string | Buffer; cwd?: string } = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...options.env },
    ...(options.cwd ? { cwd: options.cwd } : {}),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  const changes = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const check of changes) check()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    for (const check of changes) check()
  })
  child.stdin.on('error', () => undefined) // a command that reads no input may be gone already
  child.stdin.end(options.input ?? '')
  const finished = once(child, 'close').then(([code]) => {
    for (const check of changes) check()
    return { code: code as number | null, out, err }
  })
  return {
    out: () => out,
    err: () => err,
    until: (condition) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => settle(new Error(`not within ${DEADLINE_MS} ms; output so far:\n${out}\n${err}`)), DEADLINE_MS)
        const settle = (error?: Error): void => {
          clearTimeout(timer)
          changes.delete(check)
          if (error) reject(error)
          else resolve()
        }
        const check = (): void => {
          if (condition(out, err)) settle()
          else if (child.exitCode !== null && child.stdout.readableEnded) settle(new Error(`ended with ${child.exitCode}:\n${out}\n${err}`))
        }
        changes.add(check)
        check()
      }),
    signal: (name) => void child.kill(name),
    finished,
  }
}

export function run(args: string[], options: Parameters<typeof start>[1] = {}): Promise<Finished> {
  return start(args, options).finished
}
