// Deliveries for people: which reports are owed or dead, and opening them again. A replay is one patch on the Job; the leader's loop does the rest,
// with the verdict that was stored and under the same message id. Works on every replica, and long after the finalizer is gone.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { DeliveryRecord } from '../model/callback.ts'
import { DELIVERY_STATES, type DeliveryItem, type DeliveryList, type DeliveryState, type ReplayResult } from '../model/delivery.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import type { KubeError, KubeObject, KubeResult, PatchKind } from '../model/kube-api.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import type { TaskRecord } from '../model/task.ts'
import { type Listed, notSynced, pageOfTasks, unreadableCursor } from './present.ts'
import { DEAD_LETTER_LABEL, readDelivery, readVerdict, replayPatch } from './record.ts'

export type Replayed = { ok: true; item: DeliveryItem } | { ok: false; refusal: Refusal }

export interface Deliveries {
  /** Newest task first. No state: owed and dead. */
  list(query: { states: DeliveryState[]; limit: number; cursor: string | null }): Listed<DeliveryList>
  /** By Job name or task_id (its newest execution). Dead and refused (410) reports start their schedule anew; an owed one is tried at once. */
  replay(id: string): Promise<Replayed>
  /** Every dead letter that became one at `sinceMs` or later. */
  replaySince(sinceMs: number): Promise<ReplayResult>
  /** Where the report of one task stands; null: there is none. */
  itemOf(task: TaskView): DeliveryItem | null
  /** Brings the gauge of dead letters up to date. */
  count(): void
}

const CONFLICT_TRIES = 5
/** Patches at once when many are opened: a replay must not crowd out intake. */
const AT_ONCE = 8

export function createDeliveries(deps: {
  tasks: { get(name: string): TaskView | null; byTaskId(taskId: string): TaskView[]; all(): Iterable<TaskView> }
  getJob: (name: string) => Promise<KubeResult<KubeObject>>
  patchJob: (name: string, kind: PatchKind, patch: unknown) => Promise<KubeResult<KubeObject>>
  projectJob: (raw: unknown) => JobView
  present: (task: TaskView) => TaskRecord
  messageId: (jobUid: string) => string
  /** Before the first list the cache knows nothing, which is no answer. */
  synced: () => boolean
  clock: Clock
  log: Logger
  metrics: Metrics
}): Deliveries {
  const { tasks } = deps

  function itemOf(task: TaskView): DeliveryItem | null {
    const { id, task_id, execution_id, state, reason, delivery, times } = deps.present(task)
    if (!isListed(delivery.state)) return null
    return {
      id,
      task_id,
      execution_id,
      webhook_id: deps.messageId(task.job.uid),
      task_state: state,
      reason,
      state: delivery.state,
      attempts: delivery.attempts,
      next_at: delivery.next_at,
      closed_at: times.reported ?? readDelivery(task.job)?.reported_at ?? null,
      last_error: delivery.last_error,
    }
  }

  async function replay(id: string): Promise<Replayed> {
    const known = tasks.get(id) ?? tasks.byTaskId(id).at(-1)
    if (!known) return { ok: false, refusal: refusal('not_found', 'no task has this id: dead letters are kept until their retention ends') }
    for (let tries = 1; ; tries++) {
      const live = await deps.getJob(known.job.name)
      if (!live.ok) return { ok: false, refusal: refusalOf(live.error) }
      const job = deps.projectJob(live.value)
      const opened = reopened(job)
      if ('code' in opened) return { ok: false, refusal: opened }
      const patched = await deps.patchJob(job.name, 'merge', replayPatch(job, opened))
      if (patched.ok) {
        deps.log.info({ task_id: known.job.annotations['task-id'], job: job.name, round: opened.round }, 'delivery opened again')
        const item = itemOf({ job: deps.projectJob(patched.value), pods: known.pods })
        return item ? { ok: true, item } : { ok: false, refusal: refusal('not_found', 'the task has vanished') }
      }
      if (patched.error.status !== 409 || tries === CONFLICT_TRIES) return { ok: false, refusal: refusalOf(patched.error) }
    }
  }

  return {
    list(query) {
      if (!deps.synced()) return { ok: false, refusal: notSynced() }
      const states: readonly string[] = query.states.length > 0 ? query.states : ['owed', 'dead']
      const items = new Map<string, DeliveryItem>()
      const page = pageOfTasks(tasks.all(), {
        limit: query.limit,
        cursor: query.cursor,
        matches: (task) => {
          const item = itemOf(task)
          if (!item || !states.includes(item.state)) return false
          items.set(task.job.name, item)
          return true
        },
      })
      if (!page) return { ok: false, refusal: unreadableCursor() }
      return { ok: true, page: { items: page.items.flatMap(({ job }) => items.get(job.name) ?? []), next_cursor: page.nextCursor } }
    },

    replay,
    itemOf,

    async replaySince(sinceMs) {
      const meant = [...tasks.all()].filter(({ job }) => {
        const record = readDelivery(job)
        return record?.state === 'dead' && Date.parse(record.reported_at ?? '') >= sinceMs
      })
      const result: ReplayResult = { replayed: [], failed: [] }
      const next = meant.values()
      async function work(): Promise<void> {
        for (const { job } of next) {
          const replayed = await replay(job.name)
          if (replayed.ok) result.replayed.push(job.name)
          else result.failed.push({ id: job.name, detail: replayed.refusal.detail })
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
      return result
    },

    count() {
      let dead = 0
      for (const { job } of tasks.all()) if (job.labels[DEAD_LETTER_LABEL] !== undefined) dead++
      deps.metrics.deadLetters.set(dead)
    },
  }
}

/** The record that opens this Job's delivery again, or why it cannot be. */
function reopened(job: JobView): DeliveryRecord | Refusal {
  const before = readDelivery(job)
  const round = (before?.round ?? 0) + 1
  if (job.deletedMs !== null && !job.held) return refusal('gone', 'the Job is being deleted')
  switch (before?.state) {
    case 'dead':
    case 'gone':
      if (!readVerdict(job)) return refusal('gone', 'the report itself was not kept')
      return {
        state: 'owed',
        attempts: 0,
        round,
        ...(before.last_error === undefined ? {} : { last_error: before.last_error }),
      }
    case 'owed':
      return {
        state: 'owed',
        attempts: before.attempts,
        round,
        ...(before.last_error === undefined ? {} : { last_error: before.last_error }),
      }
    case 'delivered':
      return refusal(
        'conflict',
        `the report was delivered at ${before.reported_at ?? 'an unknown time'}: only owed and dead ones are replayed`,
      )
    default:
      return refusal('conflict', 'there is no report to deliver, or it has not been tried yet')
  }
}

function isListed(state: string): state is DeliveryState {
  return DELIVERY_STATES.some((known) => known === state)
}

function refusalOf(error: KubeError): Refusal {
  if (error.status === 404) return refusal('not_found', 'the Job is gone')
  return refusal('cluster_unavailable', 'the cluster cannot be asked now', { retryAfterSeconds: 5, cause: error.cause })
}
