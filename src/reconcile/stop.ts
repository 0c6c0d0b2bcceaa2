// Stops workloads: for a cancellation from outside, or because classify says so. One patch holds the mark and the deadline; the Pod's end
// (preStop, TERM, grace) then comes back as an event and the verdict follows from the mark.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { traceField } from '../lib/trace.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { KubeError, KubeObject, KubeResult, PatchKind } from '../model/kube-api.ts'
import { isAnotherObject, isClosed, readVerdict, stopPatch } from './record.ts'

export type StopResult =
  | { kind: 'stopping'; job: JobView }
  /** It had ended, or is gone: nothing to stop. */
  | { kind: 'ended' }
  | { kind: 'failed'; error: KubeError }

export interface Stopper {
  /** Idempotent: a Job that bears a stop mark already keeps its first one. */
  stop(job: JobView, reason: string, message: string | null): Promise<StopResult>
}

const CONFLICT_TRIES = 5

export function createStopper(deps: {
  patchJob: (name: string, kind: PatchKind, patch: unknown) => Promise<KubeResult<KubeObject>>
  getJob: (name: string) => Promise<KubeResult<KubeObject>>
  projectJob: (raw: unknown) => JobView
  stopMarkJson: (reason: string, atMs: number, message: string | null) => string
  /** Tells the reconcile loop what was written, ahead of the watch. */
  onStopped: (job: JobView) => void
  clock: Clock
  log: Logger
  metrics: Metrics
}): Stopper {
  return {
    async stop(job, reason, message) {
      let current = job
      for (let tries = 1; ; tries++) {
        if (isClosed(current) || readVerdict(current) || hasFinished(current)) return { kind: 'ended' }
        if (current.annotations[ANNOTATIONS.stop] !== undefined) return { kind: 'stopping', job: current }
        const mark = deps.stopMarkJson(reason, deps.clock.now(), message)
        const patched = await deps.patchJob(current.name, 'merge', stopPatch(current, mark))
        if (patched.ok) {
          const stopped = deps.projectJob(patched.value)
          deps.metrics.stops.inc({ reason })
          deps.log.info(
            {
              task_id: current.annotations[ANNOTATIONS.taskId],
              job: current.name,
              reason,
              ...traceField(current.annotations[ANNOTATIONS.traceparent]),
            },
            'task is being stopped',
          )
          deps.onStopped(stopped)
          return { kind: 'stopping', job: stopped }
        }
        if (patched.error.status === 404 || isAnotherObject(patched.error)) return { kind: 'ended' }
        if (patched.error.status !== 409 || tries === CONFLICT_TRIES) return { kind: 'failed', error: patched.error }
        // Someone wrote in between (often the Job controller's status): decide again on what is there now.
        const live = await deps.getJob(current.name)
        if (!live.ok) return live.error.status === 404 ? { kind: 'ended' } : { kind: 'failed', error: live.error }
        const view = deps.projectJob(live.value)
        if (view.uid !== job.uid) return { kind: 'ended' }
        current = view
      }
    },
  }
}

function hasFinished(job: JobView): boolean {
  return job.conditions.some((condition) => (condition.type === 'Complete' || condition.type === 'Failed') && condition.status === 'True')
}
