// Whether one more task may be taken now: not while draining, and not beyond max_concurrent_tasks (the cache plus our own creates that it has not shown yet).
import type { Clock } from '../lib/clock.ts'
import { type Refusal, refusal } from '../model/problem.ts'

export interface Admission {
  /** null: yes. */
  check(): Refusal | null
  /** A Job of this name was created and counts until the cache shows it. */
  created(name: string): void
  drain(): void
  draining(): boolean
}

/** A create that the cache has not shown after this long is counted no more: it was deleted, or the cache is stale and says so itself. */
const UNSEEN_MS = 60_000

export function createAdmission(
  deps: { liveTasks: () => number; isCached: (name: string) => boolean; clock: Clock },
  options: { maxConcurrentTasks: number; retryAfterSeconds: number },
): Admission {
  const unseen = new Map<string, number>()
  let draining = false

  function inFlight(): number {
    for (const [name, sinceMs] of unseen) if (deps.isCached(name) || deps.clock.now() - sinceMs > UNSEEN_MS) unseen.delete(name)
    return deps.liveTasks() + unseen.size
  }

  return {
    check() {
      if (draining)
        return refusal('draining', 'this replica is shutting down; another one, or a retry, will take the task', { retryAfterSeconds: 2 })
      if (options.maxConcurrentTasks === 0 || inFlight() < options.maxConcurrentTasks) return null
      return refusal('at_capacity', `the limit of ${options.maxConcurrentTasks} tasks at once is reached`, {
        retryAfterSeconds: options.retryAfterSeconds,
      })
    },
    created(name) {
      if (options.maxConcurrentTasks > 0) unseen.set(name, deps.clock.now())
    },
    drain() {
      draining = true
    },
    draining: () => draining,
  }
}
