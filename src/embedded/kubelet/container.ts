/** One start of one container: its process, its log, its end by preStop, SIGTERM and SIGKILL. Knows nothing of the API. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Container } from '../types.ts'
import type { LogFile } from './log-file.ts'
import { type ProcessHandle, startProcess } from './process.ts'

export interface ContainerPlan {
  spec: Container
  words: string[]
  environment: Record<string, string>
  folder: string
  log: LogFile
  terminationFile: string
}

export interface RunningContainer {
  startedAtMs: number
  exited: Promise<{ exitCode: number; message: string }>
  /** preStop first, then SIGTERM, then SIGKILL when the grace is used up. A second call can only shorten the grace. */
  stop(graceMs: number): void
  kill(): void
}

/** After a preStop hook that used up the grace, the process still gets this long after SIGTERM, as on a node. */
const LEAST_GRACE_MS = 2000
const MESSAGE_LIMIT_BYTES = 4096
const FALLBACK_LIMIT_BYTES = 2048

export async function startContainer(plan: ContainerPlan): Promise<RunningContainer> {
  writeFileSync(plan.terminationFile, '', { mode: 0o600 })
  const handle = await startProcess({ ...plan, onOutput: (stream, chunk) => plan.log.append(stream, chunk) })
  let killAt = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let stopping = false

  function armKill(at: number): void {
    if (at >= killAt) return
    killAt = at
    clearTimeout(timer)
    timer = setTimeout(handle.kill, Math.max(0, at - Date.now()))
  }

  const exited = handle.exited.then((exitCode) => {
    clearTimeout(timer)
    killAt = 0
    plan.log.end()
    return { exitCode, message: terminationMessage(plan, exitCode) }
  })

  async function beginStop(graceMs: number): Promise<void> {
    const until = Date.now() + graceMs
    const used = await runPreStop(plan, handle, () => Math.min(until, killAt))
    armKill(used ? Math.max(until, Date.now() + LEAST_GRACE_MS) : until)
    handle.terminate()
  }

  return {
    startedAtMs: Date.now(),
    exited,
    stop(graceMs) {
      if (stopping) {
        armKill(Date.now() + graceMs)
        return
      }
      stopping = true
      void beginStop(graceMs)
    },
    kill: handle.kill,
  }
}

/** Gives whether a hook ran at all. Its own failure changes nothing; the container's end or the end of the grace cuts it short. */
async function runPreStop(plan: ContainerPlan, main: ProcessHandle, until: () => number): Promise<boolean> {
  const hook = plan.spec.lifecycle?.preStop
  if (hook?.sleep !== undefined) {
    await Promise.race([wait(Math.min(hook.sleep.seconds * 1000, until() - Date.now())), main.exited])
    return true
  }
  const words = hook?.exec?.command
  if (words === undefined) return false
  try {
    const running = await startProcess({ words, environment: plan.environment, folder: plan.folder, onOutput: () => {} })
    const ended = await Promise.race([running.exited, main.exited, wait(until() - Date.now()).then(() => null)])
    if (ended === null) running.kill()
  } catch {
    return true // a hook that cannot start: the stop goes on, as on a node
  }
  return true
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)).unref())
}

function terminationMessage(plan: ContainerPlan, exitCode: number): string {
  const written = readFileSync(plan.terminationFile, 'utf8')
  if (written !== '') return Buffer.from(written).subarray(0, MESSAGE_LIMIT_BYTES).toString()
  if (plan.spec.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) return ''
  const lines = plan.log.read(0).lines.slice(-80)
  const text = Buffer.concat(lines.flatMap((line) => [line.text, Buffer.from(line.complete ? '\n' : '')]))
  return text.subarray(Math.max(0, text.length - FALLBACK_LIMIT_BYTES)).toString()
}
