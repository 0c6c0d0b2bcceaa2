// Keeps one store equal to one resource in the API: a paged list, then watches for ever. It never ends on an error: every failure is counted,
// logged, backed off and tried again, and is visible as staleness meanwhile. The official client's informer stops for good instead.
import type { Readable } from 'node:stream'
import { backoffMs } from '../lib/backoff.ts'
import { type Clock, sleep } from '../lib/clock.ts'
import { parseObject } from '../lib/kube-json.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KubeError, KubeResult, ListPage } from '../model/kube-api.ts'
import { readLines } from './lines.ts'
import { createPace } from './pace.ts'
import type { Store, Stored } from './store.ts'

export interface ReflectorSource {
  list(query: { limit: number; continueToken: string | null }, signal: AbortSignal): Promise<KubeResult<ListPage>>
  watch(query: { resourceVersion: string; timeoutSeconds: number }, signal: AbortSignal): Promise<KubeResult<Readable>>
}

export interface ReflectorStatus {
  /** The first complete list has been applied. */
  synced: boolean
  /** Milliseconds since the API was last heard; 0 while a watch is open and no more silent than bookmarks explain. */
  staleMs: number
  lists: number
  lastError: string | null
}

export interface Reflector {
  start(): void
  stop(): Promise<void>
  status(): ReflectorStatus
}

export interface ReflectorOptions {
  resource: string
  pageSize: number
  /** Bounds of the random watch length, so that many watches do not end at once. */
  watchSeconds?: { min: number; max: number }
  backoff?: { baseMs: number; capMs: number }
}

/** A watch that ends sooner than this without an event counts as a failure: some servers and proxies close watches at once, for ever. */
const HEALTHY_WATCH_MS = 5_000
const EVENT_TYPES: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])

/** Bookmarks come once a minute: an open watch that is silent for longer may be a connection whose other end is gone. */
const QUIET_WATCH_MS = 90_000

type WatchEnd =
  | { kind: 'closed'; healthy: boolean }
  | { kind: 'expired'; message: string }
  | { kind: 'failed'; message: string; retryAfterMs: number | null; healthy: boolean }

export function createReflector<T extends Stored>(
  deps: {
    source: ReflectorSource
    store: Store<T>
    project: (raw: unknown) => T
    clock: Clock
    log: Logger
    metrics: Metrics
    random?: () => number
  },
  options: ReflectorOptions,
): Reflector {
  const { source, store, clock, metrics } = deps
  const { resource } = options
  const random = deps.random ?? Math.random
  const watchSeconds = options.watchSeconds ?? { min: 300, max: 600 }
  const backoff = { ...(options.backoff ?? { baseMs: 800, capMs: 30_000 }), random }
  const log = deps.log.child({ resource })
  const stopping = new AbortController()
  let running: Promise<void> | null = null
  let synced = false
  let watchOpen = false
  let heardMs = clock.now()
  /** Events applied by type, not counted yet. */
  const seen = new Map<string, number>()
  let lists = 0
  let lastError: string | null = null

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0
    let resourceVersion: string | null = null
    while (!signal.aborted) {
      if (resourceVersion === null) {
        const listed = await listAll(signal)
        if (!listed.ok) {
          failures++
          await pause(failures, `list failed: ${listed.error.message}`, listed.error.retryAfterMs, signal)
          continue
        }
        resourceVersion = listed.value
      }
      const from: string = resourceVersion
      const end = await watchOnce(
        from,
        (next) => {
          resourceVersion = next
        },
        signal,
      )
      if (signal.aborted) return
      metrics.informerWatches.inc({ resource, result: end.kind })
      if (end.kind === 'expired') {
        resourceVersion = null
        failures++
        await pause(failures, `watch expired: ${end.message}`, null, signal)
        continue
      }
      if (end.healthy) failures = 0
      if (end.kind === 'closed' && end.healthy) continue
      failures++
      await pause(
        failures,
        end.kind === 'closed' ? 'watch closed at once' : `watch failed: ${end.message}`,
        end.kind === 'failed' ? end.retryAfterMs : null,
        signal,
      )
    }
  }

  async function pause(failures: number, message: string, retryAfterMs: number | null, signal: AbortSignal): Promise<void> {
    lastError = message
    const delayMs = Math.max(retryAfterMs ?? 0, backoffMs(failures, backoff))
    log.warn({ failures, delay_ms: delayMs }, `informer: ${message}`)
    await sleep(clock, delayMs, signal).catch(() => {})
  }

  /** Reads all pages, applies them as one replacement and returns the list's resourceVersion. An expired continue token starts over. */
  async function listAll(signal: AbortSignal): Promise<KubeResult<string>> {
    lists++
    const next = new Map<string, T>()
    const ask = (token: string | null) => source.list({ limit: options.pageSize, continueToken: token }, signal).catch(asKubeError)
    const pace = createPace()
    let resourceVersion = ''
    for (let asked: Promise<KubeResult<ListPage>> | null = ask(null); asked !== null; ) {
      const page: KubeResult<ListPage> = await asked
      if (!page.ok) {
        metrics.informerLists.inc({ resource, result: page.error.status === 410 ? 'expired' : 'failed' })
        return page
      }
      resourceVersion = page.value.resourceVersion
      // The server prepares the next page while this one is parsed.
      asked = page.value.continueToken === null || signal.aborted ? null : ask(page.value.continueToken)
      heardMs = clock.now()
      // Decoded, parsed and read in a turn each: a page in one go holds everybody up for too long.
      await pace.pause()
      const { items } = page.value
      await pace.pause()
      for (const raw of items) {
        const object = projectSafely(raw)
        if (object) next.set(object.name, object)
        if (pace.due()) await pace.pause()
      }
    }
    for (const _ of store.replace(next)) if (pace.due()) await pace.pause()
    metrics.informerLists.inc({ resource, result: 'ok' })
    metrics.informerObjects.set({ resource }, store.size())
    synced = true
    lastError = null
    return { ok: true, value: resourceVersion }
  }

  async function watchOnce(from: string, advance: (resourceVersion: string) => void, signal: AbortSignal): Promise<WatchEnd> {
    const openedMs = clock.now()
    let events = 0
    const healthy = (): boolean => events > 0 || clock.now() - openedMs >= HEALTHY_WATCH_MS
    const timeoutSeconds = Math.round(watchSeconds.min + random() * (watchSeconds.max - watchSeconds.min))
    const opened = await source.watch({ resourceVersion: from, timeoutSeconds }, signal).catch(asKubeError)
    if (!opened.ok) {
      if (opened.error.status === 410) return { kind: 'expired', message: opened.error.message }
      return { kind: 'failed', message: opened.error.message, retryAfterMs: opened.error.retryAfterMs, healthy: false }
    }
    const body = opened.value
    watchOpen = true
    heardMs = clock.now()
    try {
      for await (const { lines, complete } of readLines(body)) {
        heardMs = clock.now()
        if (!complete)
          return { kind: 'failed', message: 'the watch ended in the middle of an event', retryAfterMs: null, healthy: healthy() }
        try {
          for (const text of lines) {
            if (text === '') continue
            const end = apply(parseObject(text) as { type: string; object: unknown }, advance)
            if (end) return end
            events++
            lastError = null
          }
        } finally {
          count()
        }
      }
      return { kind: 'closed', healthy: healthy() }
    } catch (error) {
      return { kind: 'failed', message: describeError(error), retryAfterMs: null, healthy: healthy() }
    } finally {
      watchOpen = false
      body.on('error', () => {})
      body.destroy()
    }
  }

  /** Applies one event, then advances the resourceVersion: in that order, so that nothing is skipped when applying fails. */
  function apply(event: { type: string; object: unknown }, advance: (resourceVersion: string) => void): WatchEnd | null {
    if (event.type === 'ERROR') {
      const { code, message = 'no message' } = event.object as { code?: number; message?: string }
      return code === 410
        ? { kind: 'expired', message }
        : { kind: 'failed', message: `${code ?? ''} ${message}`.trim(), retryAfterMs: null, healthy: false }
    }
    const type = EVENT_TYPES.has(event.type) ? event.type : 'OTHER'
    seen.set(type, (seen.get(type) ?? 0) + 1)
    if (event.type === 'BOOKMARK') {
      const version = (event.object as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion
      if (version) advance(version)
      return null
    }
    const object = projectSafely(event.object)
    if (!object) return null
    if (event.type === 'DELETED') store.remove(object)
    else if (event.type === 'ADDED' || event.type === 'MODIFIED') store.put(object)
    advance(object.resourceVersion)
    return null
  }

  /** Once for each chunk of a watch: the labels of a metric cost more than applying an event. */
  function count(): void {
    for (const [type, times] of seen) metrics.informerEvents.inc({ resource, type }, times)
    seen.clear()
    metrics.informerObjects.set({ resource }, store.size())
  }

  /** One object that cannot be read must not blind us to all others: it is logged, counted and left out. */
  function projectSafely(raw: unknown): T | null {
    try {
      return deps.project(raw)
    } catch (error) {
      metrics.informerEvents.inc({ resource, type: 'UNREADABLE' })
      log.error({ err: error }, 'informer: an object could not be read and is left out')
      return null
    }
  }

  return {
    start() {
      running ??= run(stopping.signal).catch((error: unknown) => {
        // Unreachable unless this file has a bug; then staleness must still show it.
        lastError = describeError(error)
        if (!stopping.signal.aborted) log.error({ err: error }, 'informer: stopped by a bug')
      })
    },
    async stop() {
      stopping.abort(new Error('stopping'))
      await running
    },
    status() {
      const silentMs = Math.max(0, clock.now() - heardMs)
      return { synced, staleMs: synced && watchOpen && silentMs < QUIET_WATCH_MS ? 0 : silentMs, lists, lastError }
    },
  }
}

function asKubeError(error: unknown): { ok: false; error: KubeError } {
  return {
    ok: false,
    error: {
      status: 0,
      reason: 'Thrown',
      message: describeError(error),
      retryAfterMs: null,
      retryable: true,
      outcomeUnknown: false,
      cause: error,
    },
  }
}
