// Keeps the dedupe ledger in ConfigMaps. Only the leader writes, in batches, before the Jobs' time to live is over: with Jobs kept a day, one
// write for up to 500 finished tasks or for five minutes, which is next to nothing a task. A batch is one key added by a merge patch, so two
// leaders at once lose nothing of each other's. Whatever fails is counted and tried again; nobody waits for it.
import { randomBytes } from 'node:crypto'
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import { entryLine, type Ledger, type LedgerEntry, type LedgerSegment } from './ledger.ts'

export interface LedgerWriter {
  /** A task was closed. `expiresMs`: when its Job may be deleted; null: it stays. */
  note(entry: LedgerEntry, expiresMs: number | null): void
  /** Writes what is not written yet, if this replica leads. Never throws. */
  flush(): Promise<void>
  /** Why the last write failed; null when none has failed since one went through. */
  lastError(): string | null
  stop(): Promise<void>
}

export interface LedgerWriterOptions {
  /** Segments are called so, with a number behind. */
  baseName: string
  labels: Readonly<Record<string, string>>
  windowSeconds: number
  /** Entries in all; beyond it the oldest segment goes. */
  limit: number
  segmentEntries: number
}

const BATCH_ENTRIES = 500
const SHORTEST_DELAY_MS = 50
const LONGEST_DELAY_MS = 5 * 60_000
const RETRY = { baseMs: 5_000, capMs: LONGEST_DELAY_MS }
/** What was written shows in the watch within seconds. What does not was deleted again before anybody saw it. */
const UNSEEN_MS = 60_000

export function createLedgerWriter(
  deps: {
    ledger: Ledger
    /** This replica leads, and knows what the ConfigMaps hold. */
    mayWrite: () => boolean
    patch: (name: string, patch: unknown) => Promise<KubeResult<KubeObject>>
    create: (configMap: unknown) => Promise<KubeResult<KubeObject>>
    remove: (name: string) => Promise<KubeResult<unknown>>
    project: (raw: unknown) => LedgerSegment
    clock: Clock
    log: Logger
    metrics: Metrics
  },
  options: LedgerWriterOptions,
): LedgerWriter {
  const { ledger, clock } = deps
  /** Written, and not yet seen in the watch; with the time. */
  const written = new Map<string, number>()
  /** Segments up to this number take no more: too large in bytes, or made immutable by somebody. */
  let closedUpTo = 0
  let timer: { atMs: number; cancel: () => void } | null = null
  let running: Promise<void> | null = null
  let failures = 0
  let lastError: string | null = null
  let lastWritten: LedgerSegment | null = null

  function arm(atMs: number): void {
    if (timer && timer.atMs <= atMs) return
    timer?.cancel()
    timer = {
      atMs,
      cancel: clock.after(Math.max(0, atMs - clock.now()), () => {
        timer = null
        void flush()
      }),
    }
  }

  const waiting = (): LedgerEntry[] => [...ledger.unwritten()].filter((entry) => (written.get(entry.key) ?? 0) + UNSEEN_MS <= clock.now())

  async function flushOnce(): Promise<void> {
    let all = waiting()
    if (all.length === 0) return
    if (!deps.mayWrite()) return arm(clock.now() + RETRY.baseMs)
    const stillUnseen = new Set([...ledger.unwritten()].map((entry) => entry.key))
    for (const key of written.keys()) if (!stillUnseen.has(key)) written.delete(key)
    for (; all.length > 0; all = waiting()) {
      const batch = all.slice(0, BATCH_ENTRIES)
      const result = await append(batch)
      if (!result.ok) {
        fail(`finished tasks could not be written to the dedupe ledger: ${result.error.message}`)
        return retryLater()
      }
      // The watch puts them into the ledger: until then they count as this replica's own knowledge.
      for (const entry of batch) written.set(entry.key, clock.now())
      lastWritten = deps.project(result.value)
      failures = 0
      lastError = null
    }
    if (written.size > 0) arm(clock.now() + UNSEEN_MS)
    await prune()
  }

  async function append(batch: LedgerEntry[]): Promise<KubeResult<KubeObject>> {
    const name = segmentFor(batch.length)
    const data = { [`batch-${clock.now().toString(36)}-${randomBytes(3).toString('hex')}`]: batch.map(entryLine).join('\n') }
    const patched = await deps.patch(name, { data })
    if (patched.ok) return patched
    if (patched.error.status === 413 || patched.error.status === 422) {
      // For good: the next try takes the next number. Not at once, so that a batch that no segment takes does not make one after the other.
      closedUpTo = Math.max(closedUpTo, sequenceOf({ name }))
      return patched
    }
    if (patched.error.status !== 404) return patched
    const created = await deps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: options.labels }, data })
    // Another leader made it in between.
    return created.ok || created.error.status !== 409 ? created : deps.patch(name, { data })
  }

  /** The newest segment, or the next one when that is full. */
  function segmentFor(more: number): string {
    const seen = inOrder().at(-1)
    const ahead = lastWritten !== null && (!seen || sequenceOf(lastWritten) >= sequenceOf(seen))
    const newest = ahead ? lastWritten : seen
    if (!newest) return `${options.baseName}-1`
    const full = newest.entries.size + more > options.segmentEntries || sequenceOf(newest) <= closedUpTo
    return full ? `${options.baseName}-${sequenceOf(newest) + 1}` : newest.name
  }

  /** The oldest segments go: those beyond the limit, and those whose every entry is older than the window. */
  async function prune(): Promise<void> {
    const segments = inOrder()
    let total = segments.reduce((sum, segment) => sum + segment.entries.size, 0)
    const oldestAllowed = clock.now() / 1000 - options.windowSeconds
    for (const segment of segments.slice(0, -1)) {
      const expired = [...segment.entries.values()].every((entry) => entry.closedSeconds < oldestAllowed)
      if (!expired && total <= options.limit) return
      const removed = await deps.remove(segment.name)
      if (!removed.ok && removed.error.status !== 404) return fail(`an old part of the dedupe ledger stays: ${removed.error.message}`)
      total -= segment.entries.size
      ledger.remove(segment.name)
    }
  }

  function inOrder(): LedgerSegment[] {
    return ledger.segments().sort((a, b) => sequenceOf(a) - sequenceOf(b))
  }

  function fail(message: string): void {
    deps.metrics.dedupeErrors.inc()
    deps.log.warn(message)
    lastError = message
  }

  function retryLater(): void {
    failures++
    arm(clock.now() + backoffMs(failures, RETRY))
  }

  async function flush(): Promise<void> {
    running ??= flushOnce()
      .catch((error: unknown) => {
        fail(`dedupe ledger: ${describeError(error)}`)
        retryLater()
      })
      .finally(() => {
        running = null
      })
    await running
  }

  return {
    note(entry, expiresMs) {
      if (ledger.has(entry.key)) return
      ledger.remember(entry)
      // Whatever was written of it before is not there any more: somebody deleted it, and the task ran again.
      written.delete(entry.key)
      const nowMs = clock.now()
      const leftMs = expiresMs === null ? LONGEST_DELAY_MS : (expiresMs - nowMs) / 2
      const soon = ledger.unwrittenCount() >= BATCH_ENTRIES
      arm(nowMs + (soon ? SHORTEST_DELAY_MS : Math.min(Math.max(leftMs, SHORTEST_DELAY_MS), LONGEST_DELAY_MS)))
    },
    flush,
    lastError: () => lastError,
    async stop() {
      await flush()
      timer?.cancel()
      timer = null
    },
  }
}

function sequenceOf(segment: Pick<LedgerSegment, 'name'>): number {
  return Number(/-(\d+)$/.exec(segment.name)?.[1] ?? 0)
}
