// Deletes what a crash leaves behind: Secrets of ours that no Job names. On the leader only, every ten minutes or so. Each is deleted by its uid, so
// that another object of the same name is never hit. Jobs are not swept: Kubernetes' own TTL controller does that.
import { backoffMs } from '../lib/backoff.ts'
import type { Logger } from '../lib/log.ts'
import { describeError } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KubeResult } from '../model/kube-api.ts'
import { findOrphans, type OrphanDeps } from './orphans.ts'

export interface Sweeper {
  /** This replica leads: the first run comes within a minute. */
  start(): void
  /** Begins nothing new; resolves when what is under way has ended. */
  stop(): Promise<void>
}

export interface SweeperDeps extends OrphanDeps {
  deleteExactSecret: (name: string, uid: string) => Promise<KubeResult<null>>
  log: Logger
  metrics: Metrics
  /** 0 ≤ random() < 1; handed in so that tests are repeatable. */
  random?: () => number
}

const EVERY_MS = 10 * 60_000
const FIRST_MS = 60_000
const LONGEST_MS = 60 * 60_000
/** A run deletes at most so many: a mistake must not take everything before somebody has read the log. */
const MAX_DELETIONS = 200

export function createSweeper(deps: SweeperDeps, options: { labelSelector: string }): Sweeper {
  const { clock, log, metrics, random = Math.random } = deps
  let cancel: (() => void) | null = null
  let stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let failures = 0

  /** Half as much again as jitter, so that a fleet does not list at once; after a failure later and later. */
  function plan(delayMs: number): void {
    const waitMs = failures === 0 ? delayMs * (0.75 + random() / 2) : backoffMs(failures, { baseMs: EVERY_MS, capMs: LONGEST_MS, random })
    const { signal } = stopping
    cancel = clock.after(waitMs, () => {
      running = sweep(signal)
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn({ cause: describeError(error) }, 'sweeping failed; it will be tried again')
        })
        .finally(() => {
          if (!signal.aborted) plan(EVERY_MS)
        })
    })
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    const found = await findOrphans(deps, options, signal)
    failures = found.error ? failures + 1 : 0
    if (found.error?.status === 403)
      log.warn({ cause: found.error.message }, 'sweeping: no right to list Secrets; grant list on secrets, or set sweep_secrets: false')
    else if (found.error) log.warn({ cause: found.error.message }, 'sweeping: not every Secret could be looked at; the next run will')
    for (const orphan of found.orphans.slice(0, MAX_DELETIONS)) {
      if (signal.aborted) return
      const deleted = await deps.deleteExactSecret(orphan.name, orphan.uid)
      metrics.sweptSecrets.inc({ result: deleted.ok ? 'deleted' : 'kept' })
      const fields = { secret: orphan.name, job: orphan.jobName, created: new Date(orphan.createdMs).toISOString() }
      if (deleted.ok) log.info(fields, 'swept a Secret that no Job names')
      else log.warn({ ...fields, cause: deleted.error.message }, 'a Secret that no Job names could not be deleted')
    }
    const left = found.orphans.length - MAX_DELETIONS
    if (left > 0 || found.truncated)
      log.warn({ left: Math.max(left, 0) }, 'sweeping: more Secrets that no Job names are left for the next run')
  }

  return {
    start() {
      if (cancel) return
      stopping = new AbortController()
      failures = 0
      plan(FIRST_MS)
    },
    async stop() {
      stopping.abort(new Error('stopping'))
      cancel?.()
      cancel = null
      await running
    },
  }
}
