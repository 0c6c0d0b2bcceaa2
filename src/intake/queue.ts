// Releases queued tasks: each was created suspended, and the leader lets as many run as the limit allows, by priority, then age. Strict: what it
// has released counts until the cache shows it, and a replica that takes over asks the API once which Jobs the one before had already released.
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { KubeObject, KubeResult, PatchKind } from '../model/kube-api.ts'
import type { Census } from './census.ts'

export interface ReleaseQueue {
  /** From now on this replica releases. */
  lead(): void
  /** Releases nothing more; resolves when what is under way has ended. */
  yieldLead(): Promise<void>
}

/** Patches at once. */
const AT_ONCE = 16
const BACKOFF = { baseMs: 200, capMs: 10_000 }

export function createReleaseQueue(
  deps: {
    census: Pick<Census, 'placed' | 'pending' | 'waiting' | 'onChange'>
    /** The Job as the cache has it. */
    cached: (name: string) => JobView | null
    synced: () => boolean
    /** One live look at every Job of ours. */
    listJobs: () => Promise<KubeResult<JobView[]>>
    getJob: (name: string) => Promise<KubeResult<KubeObject>>
    patchJob: (name: string, kind: PatchKind, patch: unknown) => Promise<KubeResult<unknown>>
    projectJob: (raw: unknown) => JobView
    clock: Clock
    log: Logger
    metrics: Metrics
  },
  options: {
    maxConcurrentTasks: number
    /** Released ones that have not started count; 0: no limit. */
    maxPendingPods: number
  },
): ReleaseQueue {
  const { census, clock } = deps
  /** Released, but still suspended in the cache: by Job name, the uid. */
  const released = new Map<string, string>()
  let leading = false
  let caughtUp = false
  let running: Promise<void> | null = null
  let again = false
  let failures = 0
  let cancelRetry = (): void => {}

  census.onChange(pump)

  function pump(): void {
    if (!leading) return
    again = true
    running ??= run().finally(() => {
      running = null
    })
  }

  async function run(): Promise<void> {
    while (leading && again) {
      again = false
      try {
        if (!(await releaseSome())) retryLater()
      } catch (error) {
        deps.log.error({ err: error }, 'queue: unexpected error')
        retryLater()
      }
    }
  }

  function retryLater(): void {
    cancelRetry()
    cancelRetry = clock.after(backoffMs(++failures, BACKOFF), pump)
  }

  /** False: something did not work and is tried again. */
  async function releaseSome(): Promise<boolean> {
    if (!deps.synced() || (!caughtUp && !(await catchUp()))) return false
    forgetSeen()
    const places = options.maxConcurrentTasks - census.placed()
    const starts = options.maxPendingPods === 0 ? places : options.maxPendingPods - census.pending()
    const free = Math.min(places, starts) - released.size
    if (free <= 0) return true
    const next = census
      .waiting()
      .filter((job) => released.get(job.name) !== job.uid)
      .slice(0, Math.min(free, AT_ONCE))
    if (next.length === 0) return true
    const results = await Promise.all(next.map(release))
    // What failed waits for its backoff: the cache has to catch up first.
    if (!results.every(Boolean)) return false
    again = true
    failures = 0
    return true
  }

  /** What the replica before us released may not be in our cache yet, and would be counted as waiting. */
  async function catchUp(): Promise<boolean> {
    const live = await deps.listJobs()
    if (!live.ok) {
      deps.log.warn({ cause: live.error.message }, 'queue: the Jobs could not be listed before the first release; trying again')
      return false
    }
    for (const job of live.value) if (!job.suspended && deps.cached(job.name)?.suspended !== false) released.set(job.name, job.uid)
    caughtUp = true
    return true
  }

  function forgetSeen(): void {
    for (const [name, uid] of released) {
      const job = deps.cached(name)
      if (!job || job.uid !== uid || !job.suspended) released.delete(name)
    }
  }

  async function release(job: JobView): Promise<boolean> {
    // Counted from before the request: whatever becomes of the answer, it may be running.
    released.set(job.name, job.uid)
    const patched = await deps.patchJob(job.name, 'merge', releasePatch(job))
    if (patched.ok) {
      deps.metrics.queueReleases.inc()
      deps.log.info({ task_id: job.annotations[ANNOTATIONS.taskId], job: job.name }, 'released from the queue')
      return true
    }
    const { error } = patched
    if (error.status === 404) {
      released.delete(job.name)
      return true
    }
    // 409: it was written meanwhile (stopped, released, or merely its status); with no answer nobody knows. What is there now decides.
    const live = await deps.getJob(job.name)
    if (live.ok) {
      const view = deps.projectJob(live.value)
      if (view.uid !== job.uid || view.suspended) released.delete(job.name)
    } else if (live.error.status === 404 || !error.outcomeUnknown) released.delete(job.name)
    if (error.status !== 409)
      deps.log.warn(
        { job: job.name, cause: describeError(error.cause ?? error.message) },
        'queue: a task could not be released; trying again',
      )
    return false
  }

  return {
    lead() {
      leading = true
      caughtUp = false
      pump()
    },
    async yieldLead() {
      leading = false
      cancelRetry()
      await running
      released.clear()
    },
  }
}

/** It carries uid and resourceVersion: nothing but the Job that was looked at is released, and that once. */
function releasePatch(job: JobView): object {
  return { metadata: { uid: job.uid, resourceVersion: job.resourceVersion }, spec: { suspend: false } }
}
