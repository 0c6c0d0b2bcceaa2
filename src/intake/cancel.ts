// Cancelling: every live execution of a task, or one. What the cache does not know costs one live list by label, so that a cancellation right
// after its assignment, or on another replica, is not missed.
import type { Actor, Audit } from '../lib/audit.ts'
import type { Logger } from '../lib/log.ts'
import type { Cancellation } from '../model/assignment.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, TaskView } from '../model/kube.ts'
import type { KubeError, KubeResult } from '../model/kube-api.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import { refusedBy } from './refused.ts'

export type Cancelled = { ok: true; cancelled: string[] } | { ok: false; refusal: Refusal }
export type Cancel = (cancellation: Cancellation, context: { via: string; by: Actor }) => Promise<Cancelled>

export interface CancelDeps {
  byTaskId: (taskId: string) => TaskView[]
  /** One live read: every Job of the task, whatever the cache says. */
  listJobs: (taskId: string) => Promise<KubeResult<JobView[]>>
  /** False when the workload has ended already. */
  isLive: (task: TaskView) => boolean
  stop: (
    job: JobView,
    reason: string,
    message: string | null,
  ) => Promise<{ kind: 'stopping' } | { kind: 'ended' } | { kind: 'failed'; error: KubeError }>
  audit: Audit
  log: Logger
}

export function createCancel(deps: CancelDeps): Cancel {
  return async ({ task_id: taskId, execution_id: executionId }, { via, by }) => {
    const isMeant = (job: JobView): boolean =>
      job.annotations[ANNOTATIONS.taskId] === taskId &&
      (executionId === undefined || job.annotations[ANNOTATIONS.executionId] === executionId)
    let jobs: JobView[]
    const known = deps.byTaskId(taskId).filter((task) => isMeant(task.job))
    if (known.length > 0) jobs = known.filter(deps.isLive).map((task) => task.job)
    else {
      const live = await deps.listJobs(taskId)
      if (!live.ok) return { ok: false, refusal: refusalOf(live.error) }
      jobs = live.value.filter(isMeant)
    }

    const results = await Promise.all(jobs.map(async (job) => ({ job, result: await deps.stop(job, 'task_cancelled', null) })))
    const cancelled: string[] = []
    for (const { job, result } of results) {
      // Said again by the sender's retry: what was stopped already is stopped, the rest gets its turn.
      if (result.kind === 'failed') return { ok: false, refusal: refusalOf(result.error) }
      if (result.kind !== 'stopping') continue
      const stopped = job.annotations[ANNOTATIONS.executionId] ?? taskId
      deps.audit({ ...by, action: 'cancel', via, task_id: taskId, execution_id: stopped, job: job.name })
      cancelled.push(stopped)
    }
    deps.log.info({ task_id: taskId, execution_id: executionId, via, cancelled: cancelled.length }, 'cancellation')
    return { ok: true, cancelled }
  }
}

function refusalOf(error: KubeError): Refusal {
  const refused = refusedBy(error, 'Job')
  return refused.code === 'refused_by_cluster'
    ? refusal('cluster_unavailable', `the task could not be stopped: ${error.message}`, { retryAfterSeconds: 5 })
    : refused
}
