// Wires the dedupe ledger: closed tasks of the cache in, ConfigMaps out, watched by every replica.
import type { Check } from '../../routes/health.ts'
import type { Cluster } from '../cluster/index.ts'
import type { Settings } from '../config/index.ts'
import type { Informer } from '../informer/index.ts'
import { createReflector } from '../informer/reflector.ts'
import { createStore } from '../informer/store.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { ANNOTATIONS, SCHEMA_VERSION } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import type { Outcome } from '../model/verdict.ts'
import { readDelivery, readVerdict } from '../reconcile/index.ts'
import {
  createLedger,
  digestSummary,
  LEDGER_LABEL,
  type LedgerEntry,
  type LedgerSegment,
  ledgerKey,
  projectSegment,
} from '../upkeep/ledger.ts'
import { createLedgerWriter } from '../upkeep/ledger-writer.ts'
import { ownedName } from './names.ts'

export interface LedgerKeeper {
  /** A finished task by its Job's name, when its Job may be gone. Waits for the first look at the ledger, but not for long. */
  find(jobName: string): Promise<LedgerEntry | null>
  start(isLeader: () => boolean): void
  count(): void
  /** For /readyz?verbose. Never required: without the ledger a finished task that is delivered again may run again, and that is all. */
  checks(): Check[]
  stop(): Promise<void>
}

const ENTRIES_AT_MOST = 100_000
const SEGMENT_ENTRIES = 5_000
const STALE_MS = 60_000
/** A ledger that cannot be read must not hold up intake. */
const LONGEST_WAIT_MS = 3_000

export function createLedgerKeeper(
  common: { clock: Clock; log: Logger; metrics: Metrics },
  parts: {
    settings: Settings
    cluster: Cluster
    informer: Informer
    labels: Readonly<Record<string, string>>
    labelSelector: string
    classify: (task: TaskView, nowMs: number) => Outcome
    isClosed: (job: JobView) => boolean
  },
): LedgerKeeper {
  const { clock } = common
  const { settings, cluster, informer } = parts
  const windowSeconds = settings.dedupeSeconds
  if (windowSeconds === 0) return { find: async () => null, start() {}, count() {}, checks: () => [], stop: async () => {} }

  const ledger = createLedger(common, { windowSeconds, limit: ENTRIES_AT_MOST })
  const labelSelector = `${parts.labelSelector},${LEDGER_LABEL}=true`
  const firstLook = Promise.withResolvers<void>()
  let leads = (): boolean => false
  const reflector = createReflector<LedgerSegment>(
    {
      ...common,
      project: projectSegment,
      store: createStore<LedgerSegment>(({ type, object }) => (type === 'deleted' ? ledger.remove(object.name) : ledger.put(object))),
      source: {
        list: (query, signal) => cluster.list('configmaps', { labelSelector, ...query }, signal),
        watch: (query, signal) => cluster.watch('configmaps', { labelSelector, ...query }, signal),
      },
    },
    { resource: 'configmaps', pageSize: 10 },
  )
  const writer = createLedgerWriter(
    {
      ...common,
      ledger,
      mayWrite: () => leads() && reflector.status().synced,
      patch: cluster.patchConfigMap,
      create: cluster.createConfigMap,
      remove: cluster.deleteConfigMap,
      project: projectSegment,
    },
    {
      baseName: ownedName(settings.workerId, 'ledger'),
      labels: { ...parts.labels, [LEDGER_LABEL]: 'true' },
      windowSeconds,
      limit: ENTRIES_AT_MOST,
      segmentEntries: SEGMENT_ENTRIES,
    },
  )

  function note(name: string): void {
    const task = informer.tasks.get(name)
    if (!task || !parts.isClosed(task.job) || ledger.has(ledgerKey(name))) return
    const entry = entryOf(task)
    if (entry) writer.note(entry, expiresMs(task.job))
  }

  function entryOf(task: TaskView): LedgerEntry | null {
    const { job } = task
    const digests = job.annotations[ANNOTATIONS.digest]
    const closedMs = Date.parse(readDelivery(job)?.reported_at ?? '')
    const outcome = parts.classify(task, clock.now())
    const kind = readVerdict(job)?.kind ?? (outcome.kind === 'ended' ? outcome.verdict.kind : null)
    if (digests === undefined || Number.isNaN(closedMs) || kind === null) return null
    try {
      return {
        key: ledgerKey(job.name),
        digest: digestSummary(JSON.parse(digests) as Record<string, string>),
        schema: job.annotations[ANNOTATIONS.schema] ?? SCHEMA_VERSION,
        kind,
        closedSeconds: Math.floor(closedMs / 1000),
      }
    } catch {
      return null
    }
  }

  let unsubscribe = (): void => {}
  let cancelWait = (): void => {}
  return {
    async find(jobName) {
      await firstLook.promise
      return ledger.find(jobName)
    },
    start(isLeader) {
      leads = isLeader
      unsubscribe = informer.tasks.onChange(note)
      reflector.start()
      const startedMs = clock.now()
      const look = (): void => {
        if (reflector.status().synced || clock.now() - startedMs >= LONGEST_WAIT_MS) firstLook.resolve()
        else cancelWait = clock.after(20, look)
      }
      look()
    },
    count: ledger.count,
    checks() {
      const { synced, staleMs, lastError } = reflector.status()
      const why = lastError === null ? '' : `: ${lastError}`
      const unread = !synced ? `it has not been read yet${why}` : `nothing heard of it for ${Math.round(staleMs / 1000)} s${why}`
      const trouble = synced && staleMs < STALE_MS ? writer.lastError() : unread
      if (trouble === null) return [{ name: 'ledger', ok: true, required: false, detail: 'in step' }]
      const detail = `${trouble}; a finished task that is delivered again after its Job is gone may run again (jobhook doctor names a missing right)`
      return [{ name: 'ledger', ok: false, required: false, detail }]
    },
    async stop() {
      unsubscribe()
      cancelWait()
      firstLook.resolve()
      await writer.stop()
      await reflector.stop()
    },
  }
}

/** When the TTL controller may delete the Job; null: not by itself. */
function expiresMs(job: JobView): number | null {
  if (job.ttlSecondsAfterFinished === null) return job.deletedMs === null ? null : 0
  const ended = job.conditions.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
  return (job.completionMs ?? ended?.atMs ?? job.createdMs) + job.ttlSecondsAfterFinished * 1000
}
