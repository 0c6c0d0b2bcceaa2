/** A keyed work queue for the controllers of this process: each key is worked on once at a time, now or at a later moment. Errors go to the log and the key comes again. */

export interface WorkQueue {
  add(key: string): void
  addAfter(key: string, delayMs: number): void
  close(): void
}

const RETRY_MS = 1000
const LONGEST_TIMER_MS = 2 ** 31 - 1

export function createWorkQueue(work: (key: string) => void, log: (line: string) => void): WorkQueue {
  const ready = new Set<string>()
  const timers = new Map<string, { at: number; timer: NodeJS.Timeout }>()
  let running: NodeJS.Immediate | null = null

  function drain(): void {
    running = null
    const keys = [...ready]
    ready.clear()
    for (const key of keys) {
      try {
        work(key)
      } catch (error) {
        log(`${key}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
        addAfter(key, RETRY_MS)
      }
    }
  }

  function add(key: string): void {
    ready.add(key)
    running ??= setImmediate(drain)
  }

  /** Only the earliest wish for a key counts; whoever works on it will ask again. */
  function addAfter(key: string, delayMs: number): void {
    const at = Date.now() + Math.max(0, delayMs)
    const known = timers.get(key)
    if (known !== undefined && known.at <= at) return
    clearTimeout(known?.timer)
    const fire = (): void => {
      timers.delete(key)
      add(key)
    }
    timers.set(key, { at, timer: setTimeout(fire, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS)) })
  }

  function close(): void {
    if (running !== null) clearImmediate(running)
    for (const { timer } of timers.values()) clearTimeout(timer)
    timers.clear()
    ready.clear()
  }

  return { add, addAfter, close }
}
