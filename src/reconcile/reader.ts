// Reading tasks for REST: from the cache, laid over with what this replica has just done; one live read for what the cache does not know yet.
import type { Clock } from '../lib/clock.ts'
import type { Metrics } from '../lib/metrics.ts'
import { TASK_LABEL_PREFIX } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import { TASK_STATES, type TaskList, type TaskRecord } from '../model/task.ts'
import type { Outcome } from '../model/verdict.ts'
import { type PresentDeps, pageOfTasks, presentTask } from './present.ts'
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

  function countByState(): Map<string, number> {
    const counts = new Map<string, number>(TASK_STATES.map((state) => [state, 0]))
    for (const task of tasks.all()) {
      const { state } = present(task)
      counts.set(state, (counts.get(state) ?? 0) + 1)
    }
    return counts
  }

  return {
    isLive,
    present,

    async find(id: string): Promise<{ ok: true; task: TaskRecord | null } | { ok: false; refusal: Refusal }> {
      const known = tasks.get(id) ?? tasks.byTaskId(id).at(-1)
      if (known) return { ok: true, task: present(known) }
      // Names of Jobs are short and plain; a task_id that is not in the cache is not worth a request that must fail.
      if (!/^[a-z0-9-]{1,63}$/.test(id)) return { ok: true, task: null }
      const live = await deps.getJob(id)
      if (live.ok) {
        const job = deps.projectJob(live.value)
        return { ok: true, task: isOurs(job) ? present({ job, pods: [] }) : null }
      }
      if (live.error.status === 404) return { ok: true, task: null }
      return {
        ok: false,
        refusal: refusal('cluster_unavailable', 'the cluster cannot be asked for this task now', {
          retryAfterSeconds: 5,
          cause: live.error.cause,
        }),
      }
    },

    /** Newest first; null when the cursor is unreadable. */
    list(query: { states: string[]; label: string | null; limit: number; cursor: string | null }): TaskList | null {
      const equals = query.label?.indexOf('=') ?? -1
      const label =
        query.label === null ? null : { name: TASK_LABEL_PREFIX + query.label.slice(0, equals), value: query.label.slice(equals + 1) }
      const page = pageOfTasks(tasks.all(), {
        limit: query.limit,
        cursor: query.cursor,
        matches: (task) =>
          (label === null || task.job.labels[label.name] === label.value) &&
          (query.states.length === 0 || query.states.includes(present(task).state)),
      })
      return page && { items: page.items.map(present), next_cursor: page.nextCursor }
    },

    async metricsText(): Promise<{ contentType: string; text: string }> {
      for (const [state, count] of countByState()) deps.metrics.tasks.set({ state }, count)
      return { contentType: deps.metrics.registry.contentType, text: await deps.metrics.registry.metrics() }
    },
  }
}
