// A keyed work queue: each key is worked on by one worker at a time, in order; adding a key that waits already changes nothing;
// adding one that is being worked on runs it once more afterwards. Delays share one heap and one timer.
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'

export interface WorkQueue {
  /** Work on the key as soon as a worker is free. */
  add(key: string): void
  /** Work on the key at that time (epoch ms), unless an earlier time is set; `add` does not cancel it. */
  addAt(key: string, atMs: number): void
  depth(): number
  /** No new work is begun; resolves when what runs has ended. */
  stop(): Promise<void>
  /** Resolves when nothing runs and nothing waits (delayed keys aside). For tests and shutdown. */
  idle(): Promise<void>
}

/** Returns when to look again (epoch ms), or nothing. Throwing means: try again with backoff. */
export type Work = (key: string) => Promise<number | undefined>

export function createWorkQueue(
  deps: {
    clock: Clock
    work: Work
    onError: (key: string, error: unknown, failures: number) => void
    onDepth?: (depth: number) => void
    random?: () => number
  },
  options: { concurrency: number; backoff?: { baseMs: number; capMs: number } },
): WorkQueue {
  const { clock } = deps
  const backoff = { ...(options.backoff ?? { baseMs: 200, capMs: 30_000 }), ...(deps.random ? { random: deps.random } : {}) }
  const waiting = new Set<string>()
  const running = new Set<string>()
  const again = new Set<string>()
  const failures = new Map<string, number>()
  const heap = createDeadlineHeap()
  let stopped = false
  let timer: { atMs: number; cancel: () => void } | null = null
  let idleWaiters: (() => void)[] = []

  function add(key: string): void {
    if (stopped) return
    if (running.has(key)) again.add(key)
    else waiting.add(key)
    deps.onDepth?.(waiting.size)
    pump()
  }

  function pump(): void {
    while (!stopped && running.size < options.concurrency) {
      const next = waiting.values().next()
      if (next.done) break
      waiting.delete(next.value)
      running.add(next.value)
      void run(next.value)
    }
    if (running.size === 0 && (waiting.size === 0 || stopped)) {
      for (const resolve of idleWaiters.splice(0)) resolve()
    }
  }

  async function run(key: string): Promise<void> {
    try {
      const lookAgainAtMs = await deps.work(key)
      failures.delete(key)
      if (lookAgainAtMs !== undefined) addAt(key, lookAgainAtMs)
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1
      failures.set(key, count)
      deps.onError(key, error, count)
      addAt(key, clock.now() + backoffMs(count, backoff))
    } finally {
      running.delete(key)
      if (again.delete(key) && !stopped) waiting.add(key)
      deps.onDepth?.(waiting.size)
      pump()
    }
  }

  function addAt(key: string, atMs: number): void {
    if (stopped) return
    heap.set(key, atMs)
    arm()
  }

  function arm(): void {
    const nextMs = heap.nextAtMs()
    if (nextMs === null || stopped) return
    if (timer && timer.atMs <= nextMs) return
    timer?.cancel()
    timer = {
      atMs: nextMs,
      cancel: clock.after(Math.max(0, nextMs - clock.now()), () => {
        timer = null
        for (const key of heap.takeDue(clock.now())) add(key)
        arm()
      }),
    }
  }

  const idle = (): Promise<void> =>
    new Promise((resolve) => {
      if (running.size === 0 && (waiting.size === 0 || stopped)) resolve()
      else idleWaiters.push(resolve)
    })

  return {
    add,
    addAt,
    depth: () => waiting.size,
    idle,
    async stop() {
      stopped = true
      timer?.cancel()
      timer = null
      await idle()
      idleWaiters = []
    },
  }
}

/** Keys by time, earliest first; a key has one time, the earliest asked for. A binary heap with lazy removal: 100,000 keys cost one timer. */
export function createDeadlineHeap() {
  const times = new Map<string, number>()
  const heap: { key: string; atMs: number }[] = []

  function swap(a: number, b: number): void {
    const x = heap[a]
    const y = heap[b]
    if (x && y) {
      heap[a] = y
      heap[b] = x
    }
  }

  const at = (index: number): number => heap[index]?.atMs ?? Number.POSITIVE_INFINITY

  function up(index: number): void {
    for (let child = index; child > 0; ) {
      const parent = (child - 1) >> 1
      if (at(parent) <= at(child)) return
      swap(parent, child)
      child = parent
    }
  }

  function down(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1
      const smallest = at(left + 1) < at(left) ? left + 1 : left
      if (at(smallest) >= at(parent)) return
      swap(parent, smallest)
      parent = smallest
    }
  }

  function pop(): { key: string; atMs: number } | undefined {
    const top = heap[0]
    const last = heap.pop()
    if (top && last && heap.length > 0) {
      heap[0] = last
      down()
    }
    return top
  }

  function dropStale(): void {
    for (let top = heap[0]; top && times.get(top.key) !== top.atMs; top = heap[0]) pop()
  }

  return {
    set(key: string, atMs: number): void {
      const known = times.get(key)
      if (known !== undefined && known <= atMs) return
      times.set(key, atMs)
      heap.push({ key, atMs })
      up(heap.length - 1)
    },
    nextAtMs(): number | null {
      dropStale()
      return heap[0]?.atMs ?? null
    },
    takeDue(nowMs: number): string[] {
      const due: string[] = []
      for (dropStale(); heap[0] && heap[0].atMs <= nowMs; dropStale()) {
        const top = pop()
        if (top) {
          times.delete(top.key)
          due.push(top.key)
        }
      }
      return due
    },
  }
}
