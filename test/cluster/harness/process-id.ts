// Tells whether a process that we started is still that process: a pid alone may have been given to another one since.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface ProcessId {
  pid: number
  /** As the operating system gives it; only ever compared for equality. */
  startedAt: string
}

const hasProc = existsSync('/proc/self/stat')

/** @returns null when there is no such process, or only a zombie of it */
export function identify(pid: number): ProcessId | null {
  const found = hasProc ? fromProc(pid) : fromPs(pid)
  return found === null || found.zombie ? null : { pid, startedAt: found.startedAt }
}

export function isRunning(id: ProcessId): boolean {
  return identify(id.pid)?.startedAt === id.startedAt
}

export function self(): ProcessId {
  const id = identify(process.pid)
  if (id === null) throw new Error('could not read the start time of this process')
  return id
}

/** Direct children, by a scan of /proc; empty where there is no /proc. */
export function childrenOf(pid: number): number[] {
  if (!hasProc) return []
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((child) => fromProc(child)?.parent === pid)
}

function fromProc(pid: number): { startedAt: string; zombie: boolean; parent: number } | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  // The second field, the command's name in parentheses, may hold spaces: count from its end. Fields: proc(5), state 3, ppid 4, starttime 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { startedAt: fields[19] ?? '', zombie: fields[0] === 'Z' || fields[0] === 'X', parent: Number(fields[1]) }
}

function fromPs(pid: number): { startedAt: string; zombie: boolean } | null {
  const ps = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
  const line = ps.status === 0 ? ps.stdout.trim() : ''
  const space = line.indexOf(' ')
  return line === '' ? null : { startedAt: line.slice(space + 1).trim(), zombie: line.startsWith('Z') }
}
