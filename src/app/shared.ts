// Wires what every other part needs: settings, metrics, the cluster, the informer, stopping, reading tasks.
import { connectCluster, type KubeConfigSource } from '../cluster/index.ts'
import { type Config, settingsOf } from '../config/index.ts'
import { createInformer, LIST_PAGE_SIZE } from '../informer/index.ts'
import { createCensus } from '../intake/index.ts'
import { taskNames, workerLabel } from '../jobspec/index.ts'
import { type Clock, elapsedMs } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createSteadyClock } from '../lib/steady-clock.ts'
import type { Tracer } from '../lib/trace.ts'
import { ANNOTATIONS, LABELS, MANAGED_BY } from '../model/keys.ts'
import type { TaskView } from '../model/kube.ts'
import { projectEvent, projectJob, projectPod } from '../model/project.ts'
import type { Outcome } from '../model/verdict.ts'
import { classify as classifyTask, stopMarkJson, taskState } from '../outcome/index.ts'
import { createMemory, createSecondLook, createStopper, createTaskReader, isClosed } from '../reconcile/index.ts'
import { VERSION } from '../version.ts'
import { createLedgerKeeper } from './ledger.ts'

/** The safety net under the counts that each change keeps up to date. */
const RECOUNT_MS = 30_000

export type Shared = ReturnType<typeof createShared>

export function createShared(deps: { clock: Clock; log: Logger; tracer: Tracer }, config: Config, kubeconfig: KubeConfigSource) {
  const settings = settingsOf(config)
  const { workerId, deadlines } = settings
  const userAgent = `jobhook/${VERSION}`
  const metrics = createMetrics()
  const clock = createSteadyClock(deps.clock, elapsedMs)
  const common = { clock, log: deps.log, metrics, tracer: deps.tracer }
  const { cluster, connection } = connectCluster(
    { ...common, userAgent, onDate: clock.heard },
    { kubeconfig, namespace: settings.namespace, connections: config.limits.kube_connections },
  )
  const labels: Record<string, string> = { [LABELS.managedBy]: MANAGED_BY, [LABELS.worker]: workerLabel(workerId) }
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  const informer = createInformer({ ...common, source: cluster, projectJob, projectPod }, { labelSelector, pageSize: LIST_PAGE_SIZE })
  const memory = createMemory()
  const classify = (task: TaskView, nowMs: number, hint = secondLook.hintOf(task.job.uid)): Outcome =>
    classifyTask(task, { deadlines, ...(hint ? { hint } : {}) }, nowMs)
  const secondLook = createSecondLook({
    ...common,
    getJob: cluster.getJob,
    listPods: (jobName) => cluster.listPods(jobName, projectPod),
    listEvents: (name) => cluster.listEvents(name, projectEvent),
    projectJob,
    overlay: memory.overlay,
    classify,
  })
  const stopper = createStopper({
    ...common,
    patchJob: cluster.patchJobAndRead,
    getJob: cluster.getJob,
    projectJob,
    stopMarkJson,
    onStopped: memory.noteStop,
  })
  const reader = createTaskReader(
    {
      ...common,
      tasks: informer.tasks,
      synced: informer.synced,
      getJob: cluster.getJob,
      listJobs: (taskId) => cluster.listJobs(taskSelector(taskId), projectJob),
      projectJob,
      classify,
      overlay: memory.overlay,
      taskState,
      queuePosition: (name) => census.positionOf(name),
    },
    { workerId, labels },
  )
  /** Selects every Job of a task_id of this worker's. */
  function taskSelector(taskId: string): string {
    return `${labelSelector},${LABELS.task}=${taskNames({ workerId, taskId, executionId: taskId }).taskLabel}`
  }
  const queues = config.limits.overflow === 'queue'
  const census = createCensus(
    {
      ...common,
      tasks: informer.tasks,
      standingOf(task) {
        if (!reader.isLive(task)) return 'none'
        const job = memory.overlay(task.job)
        if (!queues || (!job.suspended && job.parallelism > 0)) return job.suspended || hasStarted(task) ? 'placed' : 'pending'
        // Stopped while it waited: it ends without ever having had a Pod.
        return job.parallelism === 0 || job.deletedMs !== null || job.annotations[ANNOTATIONS.stop] !== undefined ? 'none' : 'queued'
      },
    },
    { recountMs: RECOUNT_MS },
  )
  const ledger = createLedgerKeeper(common, { settings, cluster, informer, labels, labelSelector, classify, isClosed })
  return {
    config,
    settings,
    ledger,
    userAgent,
    common,
    /** This machine's own clock, right or wrong. */
    systemClock: deps.clock,
    cluster,
    connection,
    labels,
    labelSelector,
    taskSelector,
    informer,
    memory,
    classify,
    secondLook,
    stopper,
    reader,
    census,
  }
}

/** Its container has, at least once. A task that is being stopped before that no longer waits for a start. */
function hasStarted({ job, pods }: TaskView): boolean {
  if (job.annotations[ANNOTATIONS.stop] !== undefined || job.deletedMs !== null) return true
  return pods.some(({ containers }) => containers.some(({ role, state }) => role === 'task' && state !== null && state.kind !== 'waiting'))
}
