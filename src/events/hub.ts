// What changes about tasks, told to whoever listens: made once from the informer's cache, kept in a ring, handed to each reader. Works on every
// replica. Costs nothing while nobody listens and nobody has listened lately.
import { hash } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { TaskView } from '../model/kube.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import type { TaskRecord } from '../model/task.ts'
import { createReader, type EndReason, type Reader, type ReaderQuery } from './reader.ts'
import { createRing, type TaskEvent } from './ring.ts'

export interface EventHub {
  /**
   * `parts` is server-sent events as text; it ends when the service stops, when the reader is too slow, or with `signal`. `drop` is called when a
   * reader that was told to go does not even read that.
   */
  open(
    query: ReaderQuery,
    signal: AbortSignal,
    drop: () => void,
  ): { ok: true; parts: AsyncIterable<string> } | { ok: false; refusal: Refusal }
  /** Ends every reader: the service stops. */
  close(): void
}

export interface HubDeps {
  tasks: { get(name: string): TaskView | null; all(): Iterable<TaskView>; onChange(listener: (name: string) => void): () => void }
  present: (task: TaskView) => TaskRecord
  /** Where its report stands; null: nothing is owed and nothing was. */
  deliveryOf: (task: TaskView) => object | null
  synced: () => boolean
  clock: Clock
  log: Logger
  metrics: Pick<Metrics, 'eventStreams' | 'eventStreamsCut'>
}

export const HUB_LIMITS = {
  readers: 128,
  /** Events a reader may be behind before it is cut. */
  pending: 1_000,
  ringEvents: 4_096,
  ringBytes: 8 * 1024 * 1024,
  /** Changes are gathered so long: a task often changes twice within a moment. */
  gatherMs: 50,
  heartbeatMs: 15_000,
  /** How long the ring is kept up when nobody listens, for those who come back. */
  idleMs: 300_000,
  /** What a reader that is cut has to read the reason. */
  cutMs: 10_000,
}

/** Tasks looked at before the event loop has its turn. */
const AT_ONCE = 200

interface Known {
  taskId: string
  id: string
  state: string
  labels: TaskRecord['labels']
  task: string
  delivery: string | null
}

export function createEventHub(deps: HubDeps, limits: typeof HUB_LIMITS): EventHub {
  const { tasks, clock } = deps
  const ring = createRing({ events: limits.ringEvents, bytes: limits.ringBytes })
  const readers = new Set<Reader>()
  const known = new Map<string, Known>()
  const changed = new Set<string>()
  let stopListening: (() => void) | null = null
  let cancelSleep = (): void => {}
  let gathering = false
  let closed = false

  function wake(): void {
    cancelSleep()
    stopListening ??= tasks.onChange((name) => {
      changed.add(name)
      gather(limits.gatherMs)
    })
  }

  function sleepLater(): void {
    cancelSleep = clock.after(limits.idleMs, () => {
      if (readers.size > 0) return
      stopListening?.()
      stopListening = null
      ring.clear()
      known.clear()
      changed.clear()
    })
  }

  function gather(delayMs: number): void {
    if (gathering) return
    gathering = true
    clock.after(delayMs, () => {
      gathering = false
      let left = AT_ONCE
      for (const name of changed) {
        if (left-- === 0) return gather(0)
        changed.delete(name)
        try {
          look(name)
        } catch (error) {
          deps.log.error({ err: error, job: name }, `events of a task are missing: ${describeError(error)}`)
        }
      }
    })
  }

  function look(name: string): void {
    const before = known.get(name)
    const view = tasks.get(name)
    if (!view) {
      known.delete(name)
      if (before)
        tell({ ...before, type: 'removed', name, data: JSON.stringify({ id: name, task_id: before.taskId }), stateBefore: before.state })
      return
    }
    const record = deps.present(view)
    const delivery = deps.deliveryOf(view)
    const texts = { task: JSON.stringify(record), delivery: delivery && JSON.stringify(delivery) }
    const { state, labels } = record
    const now: Known = {
      taskId: record.task_id,
      id: view.job.resourceVersion,
      state,
      labels,
      task: digest(texts.task),
      delivery: texts.delivery && digest(texts.delivery),
    }
    known.set(name, now)
    const event = { id: now.id, name, state, stateBefore: before?.state ?? null, labels }
    if (now.task !== before?.task) tell({ ...event, type: 'task', data: texts.task })
    if (texts.delivery && now.delivery !== before?.delivery) tell({ ...event, type: 'delivery', data: texts.delivery })
  }

  function tell(event: TaskEvent): void {
    ring.push(event, clock.now())
    for (const reader of readers) reader.push(event)
  }

  function forget(reader: Reader): void {
    if (!readers.delete(reader)) return
    deps.metrics.eventStreams.set(readers.size)
    if (readers.size === 0) sleepLater()
  }

  return {
    open(query, signal, drop) {
      if (closed) return { ok: false, refusal: refusal('draining', 'this replica is shutting down: connect again') }
      if (!deps.synced())
        return {
          ok: false,
          refusal: refusal('cluster_unavailable', 'the tasks have not been read from the cluster yet', { retryAfterSeconds: 1 }),
        }
      if (readers.size >= limits.readers)
        return { ok: false, refusal: refusal('overloaded', `${limits.readers} others listen on this replica`, { retryAfterSeconds: 5 }) }
      wake()
      const reader = createReader(
        {
          clock,
          ring,
          present: deps.present,
          get: tasks.get,
          newestFirst: () => [...tasks.all()].sort((a, b) => b.job.createdMs - a.job.createdMs).map(({ job }) => job.name),
          onEnd(reason: EndReason) {
            if (reason === 'slow_consumer') deps.metrics.eventStreamsCut.inc()
            // Out at once; whether it reads why is its own affair.
            forget(reader)
            clock.after(limits.cutMs, drop)
          },
        },
        query,
        limits,
      )
      readers.add(reader)
      deps.metrics.eventStreams.set(readers.size)
      signal.addEventListener('abort', () => forget(reader), { once: true })
      return { ok: true, parts: reader.parts(signal) }
    },
    close() {
      closed = true
      for (const reader of readers) reader.end('shutting_down')
      cancelSleep()
      stopListening?.()
    },
  }
}

/** 10,000 tasks' last events would be 12 MB as text. */
function digest(text: string): string {
  return hash('sha1', text, 'base64')
}
