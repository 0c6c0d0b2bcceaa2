// Reading tasks for REST: from the cache, laid over with what this replica has just done; one live read for what the cache does not know yet.
import type { Clock } from '../lib/clock.ts'
import { parseLabelSelector, unreadableSelector } from '../lib/label-selector.ts'
import type { Metrics } from '../lib/metrics.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import type { KubeError, KubeObject, KubeResult } from '../model/kube-api.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import { TASK_STATES, type TaskList, type TaskRecord } from '../model/task.ts'
import type { Outcome } from '../model/verdict.ts'
import { parseTime } from './facts.ts'
import { type Listed, labelsOf, notSynced, type PresentDeps, pageOfTasks, presentTask, unreadableCursor } from './present.ts'
import { isClosed, readVerdict } from './record.ts'

export function createTaskReader(
  deps: {
    tasks: { get(name: string): TaskView | null; byTaskId(taskId: string): TaskView[]; all(): Iterable<TaskView> }
    getJob: (name: string) => Promise<KubeResult<KubeObject>>
    projectJob: (raw: unknown) => JobView
    classify: (task: TaskView, nowMs: number) => Outcome
    overlay: (job: JobView) => JobView
    taskState: PresentDeps['taskState']
    /** 1: the next to be released; null: it does not wait in our queue. */
    queuePosition: (jobName: string) => number | null
    /** One live read: every Job of a task_id, whatever the cache says. */
    listJobs: (taskId: string) => Promise<KubeResult<JobView[]>>
    /** Before the first list the cache knows nothing, which is no answer. */
    synced: () => boolean
    clock: Clock
    metrics: Metrics
  },
  options: { workerId: string; labels: Readonly<Record<string, string>> },
) {
  const { tasks, clock } = deps
  const present = (task: TaskView): TaskRecord =>
    presentTask(
      {
        classify: deps.classify,
        overlay: deps.overlay,
        taskState: deps.taskState,
        queuePosition: deps.queuePosition,
        workerId: options.workerId,
      },
      task,
      clock.now(),
    )

  const isOurs = (job: JobView): boolean => Object.entries(options.labels).every(([name, value]) => job.labels[name] === value)

  /** The workload has not ended. */
  function isLive(task: TaskView): boolean {
    const job = deps.overlay(task.job)
    return !isClosed(job) && readVerdict(job) === null && deps.classify({ job, pods: task.pods }, clock.now()).kind !== 'ended'
  }

  /** Brings the gauges that are read off the cache up to date. */
  function count(): void {
    const { metrics } = deps
    const nowMs = clock.now()
    const states = new Map<string, number>(TASK_STATES.map((state) => [state, 0]))
    let owed = 0
    let oldestPendingMs = nowMs
    let oldestOwedMs = nowMs
    for (const task of tasks.all()) {
      const { state, times, delivery } = present(task)
      states.set(state, (states.get(state) ?? 0) + 1)
      // A queued task is pending from its release on.
      if (state === 'pending') oldestPendingMs = Math.min(oldestPendingMs, task.job.startMs ?? task.job.createdMs)
      if (delivery.state !== 'owed') continue
      owed++
      oldestOwedMs = Math.min(oldestOwedMs, parseTime(times.finished) ?? nowMs)
    }
    for (const [state, amount] of states) metrics.tasks.set({ state }, amount)
    metrics.oldestPendingSeconds.set((nowMs - oldestPendingMs) / 1000)
    metrics.owed.set(owed)
    metrics.oldestOwedSeconds.set((nowMs - oldestOwedMs) / 1000)
  }

  return {
    isLive,
    present,

    async find(id: string): Promise<{ ok: true; task: TaskRecord | null } | { ok: false; refusal: Refusal }> {
      const known = tasks.get(id) ?? tasks.byTaskId(id).at(-1)
      if (known) return { ok: true, task: present(known) }
      // What the cache does not know (yet) costs one live read, or two: by name where it can be a Job's, else by task_id.
      if (/^[a-z0-9-]{1,63}$/.test(id)) {
        const live = await deps.getJob(id)
        if (live.ok) {
          const job = deps.projectJob(live.value)
          return { ok: true, task: isOurs(job) ? present({ job, pods: [] }) : null }
        }
        if (live.error.status !== 404) return { ok: false, refusal: unreadable(live.error) }
      }
      const live = await deps.listJobs(id)
      if (!live.ok) return { ok: false, refusal: unreadable(live.error) }
      const newest = live.value.filter((job) => job.annotations[ANNOTATIONS.taskId] === id).sort((a, b) => b.createdMs - a.createdMs)[0]
      return { ok: true, task: newest ? present({ job: newest, pods: [] }) : null }
    },

    /** Newest first. */
    list(query: {
      states: string[]
      label: string | null
      limit: number
      cursor: string | null
      /** What else must hold. */
      matches?: (task: TaskRecord) => boolean
    }): Listed<TaskList> {
      if (!deps.synced()) return { ok: false, refusal: notSynced() }
      const selector = parseLabelSelector(query.label ?? '')
      if (!selector.ok) return { ok: false, refusal: unreadableSelector(selector.requirement) }
      const page = pageOfTasks(tasks.all(), {
        limit: query.limit,
        cursor: query.cursor,
        matches: (task) =>
          (query.label === null || selector.matches(labelsOf(task.job))) &&
          (query.states.length === 0 || query.states.includes(present(task).state)) &&
          (!query.matches || query.matches(present(task))),
      })
      if (!page) return { ok: false, refusal: unreadableCursor() }
      return { ok: true, page: { items: page.items.map(present), next_cursor: page.nextCursor } }
    },

    async metricsText(): Promise<{ contentType: string; text: string }> {
      count()
      return { contentType: deps.metrics.registry.contentType, text: await deps.metrics.registry.metrics() }
    },
  }
}

function unreadable(error: KubeError): Refusal {
  return refusal('cluster_unavailable', 'the cluster cannot be asked for this task now', { retryAfterSeconds: 5, cause: error.cause })
}
