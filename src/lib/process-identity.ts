// A name for this process that the next one on this machine can check: whether the process it names has ended. Linux only; elsewhere the name is
// merely unique, and nothing is said of others.
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** `${host}-${pid}-${start time in ticks}-${place}`. */
const NAME = /-(\d+)-(\d+)-([0-9a-f]{12})$/

export function processIdentity(): string {
  const started = startOf(process.pid)
  const place = placeOf()
  return started === null || place === null
    ? `${hostname()}-${randomBytes(4).toString('hex')}`
    : `${hostname()}-${process.pid}-${started}-${place}`
}

/** True only when it is certain: the name was given here, by processIdentity, and that process is no more. */
export function hasEnded(identity: string): boolean {
  const [, pid, started, place] = NAME.exec(identity) ?? []
  return pid !== undefined && place !== undefined && place === placeOf() && startOf(Number(pid)) !== started
}

/**
 * Where process ids mean the same as here: this boot of this kernel, this PID namespace, and this user (others' processes may be hidden). Null where
 * that cannot be told.
 */
function placeOf(): string | null {
  try {
    // A /proc of another PID namespace would tell of other processes.
    if (readlinkSync('/proc/self') !== String(process.pid)) return null
    const place = [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'), readlinkSync('/proc/self/ns/pid'), process.getuid?.()]
    return createHash('sha256').update(place.join('\n')).digest('hex').slice(0, 12)
  } catch {
    return null
  }
}

/** When the process started, in the kernel's ticks since boot; null when there is none, or only what is left for its parent to collect. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command in parentheses, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
