/**
 * One container's log: standard output and standard error merged, in a bounded file with a time on each line (the CRI log format, as a real node keeps it).
 * When the bound is reached the older half goes. It knows nothing of HTTP or of Pods.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface LogLine {
  at: string
  text: Buffer
  /** False when the text goes on in the next line. */
  complete: boolean
}

export interface LogFile {
  append(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /** No more will come. Followers end after they have read the rest. */
  end(): void
  ended(): boolean
  /** Lines from a position on (0 is the beginning), and the position to go on from. A position that was dropped moves to the oldest line kept. */
  read(position: number): { lines: LogLine[]; next: number }
  /** Resolves when there is more to read, when the log has ended, or when the signal fires. */
  changed(signal: AbortSignal): Promise<void>
}

const LONGEST_LINE_BYTES = 16 * 1024
const NEWLINE = 0x0a

export function createLogFile(path: string, limitBytes: number): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const older = `${path}.1`
  let descriptor = openSync(path, 'w', 0o600)
  let base = 0 // position of the first byte kept
  let olderBytes = 0
  let currentBytes = 0
  let finished = false
  const pending = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  const waiters = new Set<() => void>()

  function wake(): void {
    for (const waiter of waiters) waiter()
  }

  function write(stream: string, text: Buffer, complete: boolean): void {
    const record = Buffer.concat([Buffer.from(`${nanoTimestamp()} ${stream} ${complete ? 'F' : 'P'} `), text, Buffer.from([NEWLINE])])
    if (currentBytes + record.length > limitBytes / 2) rotate()
    writeSync(descriptor, record)
    currentBytes += record.length
  }

  function rotate(): void {
    closeSync(descriptor)
    renameSync(path, older)
    base += olderBytes
    olderBytes = currentBytes
    currentBytes = 0
    descriptor = openSync(path, 'w', 0o600)
  }

  function append(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    let rest = pending[stream].length === 0 ? chunk : Buffer.concat([pending[stream], chunk])
    for (;;) {
      const newline = rest.indexOf(NEWLINE)
      if (newline >= 0 && newline <= LONGEST_LINE_BYTES) {
        write(stream, rest.subarray(0, newline), true)
        rest = rest.subarray(newline + 1)
      } else if (rest.length > LONGEST_LINE_BYTES) {
        write(stream, rest.subarray(0, LONGEST_LINE_BYTES), false)
        rest = rest.subarray(LONGEST_LINE_BYTES)
      } else break
    }
    pending[stream] = Buffer.from(rest)
    wake()
  }

  function end(): void {
    if (finished) return
    for (const stream of ['stdout', 'stderr'] as const) if (pending[stream].length > 0) write(stream, pending[stream], false)
    finished = true
    closeSync(descriptor)
    wake()
  }

  function read(position: number): { lines: LogLine[]; next: number } {
    const end = base + olderBytes + currentBytes
    const from = Math.max(position, base) - base
    if (from >= olderBytes + currentBytes) return { lines: [], next: end }
    const bytes = Buffer.concat([from < olderBytes ? readFileSync(older) : Buffer.alloc(0), readFileSync(path)])
    return { lines: parse(bytes.subarray(from < olderBytes ? from : from - olderBytes)), next: end }
  }

  return {
    append,
    end,
    ended: () => finished,
    read,
    changed(signal) {
      if (finished || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = (): void => {
          waiters.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        waiters.add(done)
        signal.addEventListener('abort', done)
      })
    },
  }
}

function parse(bytes: Buffer): LogLine[] {
  const lines: LogLine[] = []
  let from = 0
  while (from < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, from)
    const to = newline < 0 ? bytes.length : newline
    const first = bytes.indexOf(0x20, from)
    const second = bytes.indexOf(0x20, first + 1)
    const third = bytes.indexOf(0x20, second + 1)
    lines.push({ at: bytes.toString('latin1', from, first), complete: bytes[second + 1] === 0x46, text: bytes.subarray(third + 1, to) })
    from = to + 1
  }
  return lines
}

/** RFC 3339 with nine digits, as container logs have. Node's clock gives microseconds at best. */
function nanoTimestamp(): string {
  const ms = performance.timeOrigin + performance.now()
  const micros = Math.floor((ms % 1) * 1000)
  return `${new Date(Math.floor(ms)).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}000Z`
}
