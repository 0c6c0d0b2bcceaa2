// The reconcile loop: changes in the cache become keys in one queue; only the leader works on them. The resync over the cache (no API read) is
// the safety net for a missed event.
import type { Clock } from '../lib/clock.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { TaskView, Uids } from '../model/kube.ts'
import { isTerminal } from '../model/task-pod.ts'
import { isClosed } from './record.ts'

export { factsOf, targetOf } from './facts.ts'
export { createEndLeftPods } from './left-pods.ts'
export { createMemory, type Memory } from './memory.ts'
export { createTaskReader } from './reader.ts'
export { createReconcile, type ReconcileOptions } from './reconcile.ts'
export { isClosed, readDelivery, readVerdict } from './record.ts'
export { createDeliveries } from './replay.ts'
export { createSecondLook, type EventView } from './second-look.ts'
export { createStopper, type Stopper, type StopResult } from './stop.ts'

export interface ReconcileLoop {
  /** Takes up every task of the cache: this replica reports from now on. */
  lead(): void
  /** Begins nothing new; resolves when what is under way has ended. */
  yieldLead(): Promise<void>
  stop(): Promise<void>
}

interface Queue {
  add(key: string): void
  idle(): Promise<void>
  stop(): Promise<void>
}

export function createReconcileLoop(
  deps: {
    queue: Queue
    tasks: { all(): Iterable<TaskView>; uids: Uids; onChange(listener: (name: string) => void): () => void }
    /** Both resources have been listed: before that an absent Pod means nothing. */
    synced: () => boolean
    /** Whatever remembers something by Job uid: told at each resync which Jobs there are. */
    remembering: { retain(uids: Uids): void }[]
    clock: Clock
  },
  options: { resyncMs: number },
): ReconcileLoop {
  let leading = false
  let cancelResync: (() => void) | null = null
  const unsubscribe = deps.tasks.onChange((name) => {
    if (leading) deps.queue.add(name)
  })

  function addAll(): void {
    if (deps.synced()) {
      const others: string[] = []
      // What has ended first: a new leader tells of the start of all that run, once more, and reports shall not wait behind that.
      for (const task of deps.tasks.all()) {
        // Most of what is kept has been reported long ago: ten thousand of them would be ten thousand steps that do nothing.
        if (isClosed(task.job)) continue
        if (mayHaveEnded(task)) deps.queue.add(task.job.name)
        else others.push(task.job.name)
      }
      for (const name of others) deps.queue.add(name)
      for (const each of deps.remembering) each.retain(deps.tasks.uids)
    }
    cancelResync = deps.clock.after(deps.synced() ? options.resyncMs : 50, addAll)
  }

  return {
    lead() {
      if (leading) return
      leading = true
      addAll()
    },
    async yieldLead() {
      leading = false
      cancelResync?.()
      await deps.queue.idle()
    },
    async stop() {
      leading = false
      cancelResync?.()
      unsubscribe()
      await deps.queue.stop()
    },
  }
}

function mayHaveEnded({ job, pods }: TaskView): boolean {
  return job.conditions.length > 0 || pods.some((pod) => pod.gone || isTerminal(pod))
}

/** For the work queue: one line an error, with the task's name and how often in a row. */
export function createErrorLog(deps: { log: Logger; metrics: Metrics }): (key: string, error: unknown, failures: number) => void {
  return (key, error, failures) => {
    deps.metrics.reconcileErrors.inc()
    deps.log.warn({ job: key, failures, cause: describeError(error) }, 'reconcile failed; it will be tried again')
  }
}
