// Waits for a task's end by asking for it again and again, with a line that says how it stands. Not for: the verdict itself, which the service makes.
import type { TaskRecord } from '../model/task.ts'
import { type CallFailure, type Client, taskPath } from './client.ts'
import { painterFor, type Style } from './colour.ts'
import { fit, printable } from './text.ts'

/** States after which nothing changes. */
export const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

export type Waited = { kind: 'ended'; task: TaskRecord } | { kind: 'failed'; failure: CallFailure } | { kind: 'interrupted' }

const FIRST_MS = 200
const EVERY_MS = 2_000
/** A restart of the service, or of what is in front of it, must not end a wait of hours. */
const OUTAGE_MS = 5 * 60_000

export async function waitForEnd(client: Client, task: TaskRecord, signal: AbortSignal): Promise<Waited> {
  const line = progressLine()
  let current = task
  let delayMs = FIRST_MS
  let failingSinceMs: number | null = null
  try {
    while (!ENDED.has(current.state)) {
      line.show(current, failingSinceMs === null ? null : 'no answer; trying again')
      await pause(delayMs, signal)
      delayMs = Math.min(EVERY_MS, delayMs * 1.5)
      const called = await client.call<TaskRecord>('GET', taskPath(task.id), { signal })
      if (called.ok) {
        current = called.value
        failingSinceMs = null
        continue
      }
      const mayPass = called.failure.status === 0 || called.failure.status === 429 || called.failure.status >= 500
      failingSinceMs ??= Date.now()
      if (!mayPass || Date.now() - failingSinceMs > OUTAGE_MS) return { kind: 'failed', failure: called.failure }
    }
    return { kind: 'ended', task: current }
  } catch (error) {
    if (signal.aborted) return { kind: 'interrupted' }
    throw error
  } finally {
    line.clear()
  }
}

/** One line that is written over on a terminal; elsewhere a line for each change of state. */
function progressLine(): { show(task: TaskRecord, trouble: string | null): void; clear(): void } {
  const { stderr } = process
  const live = stderr.isTTY === true && process.env.TERM !== 'dumb'
  const startedMs = Date.now()
  let last = ''
  return {
    show(task, trouble) {
      const state = `${task.task_id}: ${task.state}${trouble ? ` (${trouble})` : task.message && task.state !== 'running' ? ` (${task.message})` : ''}`
      if (live) {
        const text = fit(printable(`${state}, ${Math.round((Date.now() - startedMs) / 1000)} s`), (stderr.columns || 80) - 1)
        stderr.write(`\r\u001b[2K${text}`)
      } else if (`${task.state}${trouble}` !== last) stderr.write(`${printable(state)}\n`)
      last = `${task.state}${trouble}`
    },
    clear() {
      if (live && last !== '') stderr.write('\r\u001b[2K')
    },
  }
}

/** How it ended, in one line, for standard error. */
export function endLine(task: TaskRecord): string {
  const exit = task.exit_code === null ? '' : `, exit code ${task.exit_code}`
  const reason = task.reason === null ? '' : ` (${task.reason})`
  const text = printable(
    `${task.task_id}: ${task.state}${reason}${exit}${task.state === 'failed' && task.message ? `\n  ${task.message}` : ''}`,
  )
  // `printable` escapes the line break too; it is ours.
  return painterFor(process.stderr)(stateStyle(task.state), text.replace('\\u000a', '\n'))
}

export function stateStyle(state: string): Style {
  if (state === 'completed') return 'green'
  if (state === 'failed') return 'red'
  if (state === 'cancelled' || state === 'stopping') return 'yellow'
  return state === 'running' ? 'cyan' : 'dim'
}

/** The task's exit code as this command's own; a task that did not complete never gives 0. */
export function exitCodeOf(task: TaskRecord): number {
  if (task.state === 'completed') return 0
  return task.exit_code === null || task.exit_code === 0 ? 1 : task.exit_code
}

export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
