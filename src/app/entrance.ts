// Wires the ways in: one submit and one cancel behind webhook, REST, long poll and socket.
import { callbackUrlProblem } from '../callback/index.ts'
import { jobSpecOptions } from '../config/index.ts'
import { createAdmission, createCancel, createSubmit, readWebhook } from '../intake/index.ts'
import { buildTask, differingFields, digests, taskNames } from '../jobspec/index.ts'
import { createAudit } from '../lib/audit.ts'
import { randomText } from '../lib/random.ts'
import { createVerifier, type WebhookHeaders } from '../lib/standard-webhooks.ts'
import { refusal } from '../model/problem.ts'
import { projectJob } from '../model/project.ts'
import { digestSummary } from '../upkeep/ledger.ts'
import type { Shared } from './shared.ts'

export function createEntrance(shared: Shared, insecure: boolean, env: Readonly<Record<string, string | undefined>>) {
  const { config, settings, common, cluster, informer, reader, stopper, census } = shared
  const { workerId } = settings
  const { overflow } = config.limits
  const admission = createAdmission(
    { census, isCached: (name) => informer.tasks.get(name) !== null, clock: common.clock },
    {
      // Kueue decides who runs: what it holds back is not ours to refuse.
      maxConcurrentTasks: overflow === 'kueue' ? 0 : settings.maxConcurrentTasks,
      maxQueuedTasks: overflow === 'queue' ? config.limits.max_queued_tasks : null,
      maxPendingPods: config.limits.max_pending_pods,
    },
  )
  const audit = createAudit(common.log)
  const spec = jobSpecOptions(config, settings, cluster.namespace, env)
  const submit = createSubmit({
    ...common,
    workerId,
    build: (assignment, { jobName, ...context }) =>
      buildTask(assignment, spec, {
        ...context,
        taskTraceparent: common.tracer.contextOf(context.traceparent, jobName),
        suspended: overflow === 'queue',
      }),
    jobName: (identity) => taskNames(identity).jobName,
    digests,
    differingFields,
    callbackUrlProblem: (url) => callbackUrlProblem(url, config.callback.allow_origins),
    cached: (name) => informer.tasks.get(name)?.job ?? null,
    finished: shared.ledger.find,
    digestSummary,
    createSecret: cluster.createSecret,
    deleteSecret: cluster.deleteSecret,
    createJob: cluster.createJob,
    getJob: cluster.getJob,
    projectJob,
    admission,
    nonce: () => randomText(5, 'hex'),
    audit,
  })
  const cancel = createCancel({
    byTaskId: informer.tasks.byTaskId,
    audit,
    listJobs: (taskId) => cluster.listJobs(shared.taskSelector(taskId), projectJob),
    isLive: reader.isLive,
    stop: stopper.stop,
    log: common.log,
  })
  const { secrets } = config.webhook
  const verifier = secrets.length > 0 ? createVerifier(secrets, { toleranceSeconds: settings.webhookToleranceSeconds }) : null
  const open = verifier !== null || insecure
  // A 401 is for good, and this machine's clock may be the one that is wrong.
  const notYet = {
    ok: false,
    refusal: refusal('cluster_unavailable', 'the Kubernetes API has not been reached yet, so what time it is is not known', {
      retryAfterSeconds: 5,
    }),
  } as const
  return {
    admission,
    audit,
    /** What every task's manifest is built with. */
    spec,
    submit,
    cancel,
    /** Brings the gauges of capacity up to date. */
    count(): void {
      common.metrics.placesTaken.set(census.placed())
      common.metrics.pendingPods.set(census.pending())
      common.metrics.queued.set(census.queued())
      common.metrics.pressure.set(admission.pressure() === null ? 0 : 1)
    },
    /** null: no secret is configured, so the webhook answers 404. */
    readWebhook: open
      ? (headers: WebhookHeaders, raw: Uint8Array, traceparent: string | null) => {
          const span = common.tracer.start('verify and parse', {
            parent: traceparent,
            attributes: { 'http.request.body.size': raw.length },
          })
          const message = readWebhook(verifier, headers, raw, common.clock.now() / 1000)
          if (!message.ok) span.fail(message.refusal.code)
          span.end()
          return !message.ok && message.refusal.code === 'timestamp_out_of_window' && !common.clock.isKnown() ? notYet : message
        }
      : null,
  }
}
