// The dedupe ledger in memory: which tasks have finished, after their Jobs are gone. Fed by the ConfigMaps that ledger-writer.ts keeps and by what
// this replica sees being closed. Losing it means that a redelivery may run again, never that one is refused or held up.
import { createHash } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Verdict } from '../model/verdict.ts'

/** On the ledger's ConfigMaps, beside the labels of everything of this worker. */
export const LEDGER_LABEL = 'jobhook.dev/ledger'

export interface LedgerEntry {
  /** The last part of the Job's name: 80 bits of hash over worker, task and execution. */
  key: string
  /** Of the digests of all fields: whether it is the same request, not which field differs. */
  digest: string
  /** Version of what the digests mean. */
  schema: string
  kind: Verdict['kind']
  closedSeconds: number
}

/** One ConfigMap. Entries are only ever added to it; it goes as a whole. */
export interface LedgerSegment {
  name: string
  uid: string
  resourceVersion: string
  /** By key. */
  entries: ReadonlyMap<string, LedgerEntry>
}

export interface Ledger {
  put(segment: LedgerSegment): void
  remove(name: string): void
  segments(): LedgerSegment[]
  /** What this replica knows and no ConfigMap has shown yet. Bounded: the oldest go first. */
  remember(entry: LedgerEntry): void
  unwritten(): IterableIterator<LedgerEntry>
  unwrittenCount(): number
  has(key: string): boolean
  /** By Job name; null also when it finished longer ago than the window. */
  find(jobName: string): LedgerEntry | null
  /** Brings the gauges up to date. */
  count(): void
}

const KINDS: Record<string, Verdict['kind']> = { c: 'completed', f: 'failed', x: 'cancelled' }
const LETTERS: Record<Verdict['kind'], string> = { completed: 'c', failed: 'f', cancelled: 'x' }

export function ledgerKey(jobName: string): string {
  return jobName.slice(jobName.lastIndexOf('-') + 1)
}

/** 60 bits over the digests of all fields, in whatever order they come. */
export function digestSummary(digests: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(digests).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 10)
}

/** Some 40 bytes of plain text, so that kubectl shows what is there: 100,000 of them are 4 MB in 20 ConfigMaps. */
export function entryLine({ key, digest, schema, kind, closedSeconds }: LedgerEntry): string {
  return [key, digest, schema, LETTERS[kind], closedSeconds.toString(36)].join(' ')
}

/** Lines that are not entries are left out: a newer jobhook may write others. */
export function parseEntries(text: string): LedgerEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, key = '', digest = '', schema = '', letter = '', closed = ''] =
      /^([a-z2-7]+) ([\w-]+) (\S+) ([a-z]) ([0-9a-z]+)$/.exec(line) ?? []
    const kind = KINDS[letter]
    return kind ? [{ key, digest, schema, kind, closedSeconds: Number.parseInt(closed, 36) }] : []
  })
}

/** Source: core/v1 ConfigMap. Each value of `data` is a batch of lines. */
export function projectSegment(raw: unknown): LedgerSegment {
  const { metadata, data } = raw as { metadata?: { name?: string; uid?: string; resourceVersion?: string }; data?: Record<string, unknown> }
  if (!metadata?.name || !metadata.uid) throw new TypeError('an object without name or uid')
  const entries = new Map<string, LedgerEntry>()
  for (const text of Object.values(data ?? {})) {
    if (typeof text === 'string') for (const entry of parseEntries(text)) entries.set(entry.key, entry)
  }
  return { name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion ?? '', entries }
}

export function createLedger(deps: { clock: Clock; metrics: Metrics }, options: { windowSeconds: number; limit: number }): Ledger {
  const segments = new Map<string, LedgerSegment>()
  const unwritten = new Map<string, LedgerEntry>()
  const oldestAllowed = (): number => deps.clock.now() / 1000 - options.windowSeconds

  function lookUp(key: string): LedgerEntry | null {
    const recent = unwritten.get(key)
    if (recent) return recent
    for (const segment of segments.values()) {
      const found = segment.entries.get(key)
      if (found) return found
    }
    return null
  }

  return {
    put(segment) {
      segments.set(segment.name, segment)
      for (const key of unwritten.keys()) if (segment.entries.has(key)) unwritten.delete(key)
    },
    remove: (name) => void segments.delete(name),
    segments: () => [...segments.values()],
    remember(entry) {
      if (entry.closedSeconds < oldestAllowed() || lookUp(entry.key)) return
      unwritten.set(entry.key, entry)
      const oldest = unwritten.size > options.limit ? unwritten.keys().next() : null
      if (oldest && !oldest.done) unwritten.delete(oldest.value)
    },
    unwritten: () => unwritten.values(),
    unwrittenCount: () => unwritten.size,
    has: (key) => lookUp(key) !== null,
    find(jobName) {
      const entry = lookUp(ledgerKey(jobName))
      return entry && entry.closedSeconds >= oldestAllowed() ? entry : null
    },
    count() {
      const since = oldestAllowed()
      let entries = 0
      let oldest = Number.POSITIVE_INFINITY
      const add = (entry: LedgerEntry): void => {
        if (entry.closedSeconds < since) return
        entries++
        oldest = Math.min(oldest, entry.closedSeconds)
      }
      for (const segment of segments.values()) segment.entries.forEach(add)
      unwritten.forEach(add)
      deps.metrics.dedupeEntries.set(entries)
      deps.metrics.dedupeWindowSeconds.set(entries === 0 ? 0 : Math.max(0, deps.clock.now() / 1000 - oldest))
    },
  }
}
