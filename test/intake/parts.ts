// Parts for the tests of this folder: a clock that is moved by hand, Jobs, a cache of them.
import type { Clock } from '../../src/lib/clock.ts'
import type { JobView, TaskView } from '../../src/model/kube.ts'
import { jobView } from '../support/job-view.ts'

export type ManualClock = Clock & {
  /** Moves on and runs what is due, step by step, letting promises settle in between. */
  advance(ms: number): Promise<void>
}

export function manualClock(): ManualClock {
  let nowMs = 1_000_000
  let pending: { atMs: number; run: () => void }[] = []
  return {
    now: () => nowMs,
    after(delayMs, run) {
      const entry = { atMs: nowMs + delayMs, run }
      pending.push(entry)
      return () => {
        pending = pending.filter((other) => other !== entry)
      }
    },
    async advance(ms) {
      const endMs = nowMs + ms
      await settled()
      for (;;) {
        const next = pending.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        pending = pending.filter((other) => other !== next)
        nowMs = Math.max(nowMs, next.atMs)
        next.run()
        await settled()
      }
      nowMs = endMs
    },
  }
}

/** Whatever promises can settle without time passing has settled. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export function job(name: string, more: Partial<JobView> & { priority?: number } = {}): JobView {
  const { priority, ...view } = more
  const annotations = { 'task-id': name, ...(priority === undefined ? {} : { priority: String(priority) }) }
  return jobView({ name, uid: `uid-${name}`, resourceVersion: '1', annotations, ...view })
}

/** A cache of Jobs that tells its listeners, like the informer's. */
export function taskCache() {
  const tasks = new Map<string, TaskView>()
  const listeners = new Set<(name: string) => void>()
  const tell = (name: string): void => {
    for (const listener of listeners) listener(name)
  }
  return {
    get: (name: string): TaskView | null => tasks.get(name) ?? null,
    all: (): Iterable<TaskView> => tasks.values(),
    onChange(listener: (name: string) => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    put(view: JobView): void {
      tasks.set(view.name, { job: view, pods: [] })
      tell(view.name)
    },
    remove(name: string): void {
      tasks.delete(name)
      tell(name)
    },
    /** A change nobody hears of. */
    putSilently(view: JobView): void {
      tasks.set(view.name, { job: view, pods: [] })
    },
  }
}
