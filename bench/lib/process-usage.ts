// CPU seconds and memory of another process, as Linux counts them in /proc.
import { readdirSync, readFileSync } from 'node:fs'

/** Of the kernel: 100 on every machine that runs Node. */
const TICKS_PER_SECOND = 100

export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold spaces; the fields are counted after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

export function memoryOf(pid: number): { residentMb: number; peakMb: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  // The kernel's kB are 1,024 bytes, our MB a million.
  const megabytes = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1_024) / 1e6
  return { residentMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') }
}

/** Open files and sockets. */
export function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
