// Starts the cluster's processes: each in its own session with its own log, entered in the ledger at once, and watched for a sudden end.
// Stopping them is stop.ts's work.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LedgerFile } from './ledger.ts'

export interface ProcessSpec {
  name: string
  command: string
  args: string[]
  env?: NodeJS.ProcessEnv
  /** More logs than the process's own output, shown when it fails. */
  extraLogs?: string[]
}

export interface Running {
  name: string
  pid: number
  logs: string[]
  /** Null while it runs; then how it ended, in words. */
  ended: string | null
}

export interface Processes {
  folder: string
  start(spec: ProcessSpec): Running
  /** The first process that ended by itself, if any. */
  firstEnded(): Running | null
  /** From here on an end is expected, and no longer reported. */
  expectEnd(): void
}

export class ComponentEnded extends Error {
  readonly component: Running
  constructor(component: Running) {
    super(`${component.name} ended by itself: ${component.ended}`)
    this.component = component
  }
}

export function createProcesses(ledger: LedgerFile, onUnexpectedEnd: (component: Running) => void): Processes {
  const all: Running[] = []
  let expected = false
  return {
    folder: ledger.folder,
    start(spec) {
      const log = join(ledger.folder, 'logs', `${spec.name}.log`)
      const output = openSync(log, 'a')
      const child = spawn(spec.command, spec.args, { detached: true, stdio: ['ignore', output, output], env: spec.env ?? process.env })
      closeSync(output)
      const running: Running = { name: spec.name, pid: child.pid ?? 0, logs: [log, ...(spec.extraLogs ?? [])], ended: null }
      if (child.pid !== undefined) ledger.add(child.pid, spec.name, false)
      const end = (how: string) => {
        if (!expected && ledger.read().restartable?.includes(spec.name)) return
        running.ended ??= how
        if (!expected) onUnexpectedEnd(running)
      }
      child.once('error', (error) => end(`could not be started: ${error.message}`))
      child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`))
      child.unref()
      all.push(running)
      return running
    },
    firstEnded: () => all.find((running) => running.ended !== null) ?? null,
    expectEnd() {
      expected = true
    },
  }
}

/** The last lines of a component's logs, for a person. */
export function logTails(component: Running, lines = 10): string {
  return component.logs.map((log) => `--- end of ${log}\n${lastLines(log, lines)}`).join('\n')
}

function lastLines(log: string, lines: number): string {
  try {
    return readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .map((line) => line.slice(0, 300))
      .join('\n')
  } catch {
    return '(no such file)'
  }
}
