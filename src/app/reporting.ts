// Wires what the leader does: the work queue, reconcile, callbacks, election.
import {
  createDeliverer,
  createLanes,
  createMessageBuilder,
  createTransport,
  nextAttemptAtMs,
  proxyOfEnvironment,
} from '../callback/index.ts'
import { createWorkQueue } from '../informer/queue.ts'
import { elapsedMs } from '../lib/clock.ts'
import { createGate } from '../lib/gate.ts'
import { hasEnded } from '../lib/process-identity.ts'
import { createSigner } from '../lib/standard-webhooks.ts'
import { observeSteps } from '../lib/steps.ts'
import { createFailureLog, createLogKeeper, KEEPER_LIMITS, SLACK_BYTES, tailLinesFor } from '../logs/index.ts'
import { ANNOTATIONS, LABELS, TASK_APP_NAME } from '../model/keys.ts'
import { projectJob, projectPod } from '../model/project.ts'
import { taskState } from '../outcome/index.ts'
import { createEndLeftPods, createErrorLog, createReconcile, createReconcileLoop } from '../reconcile/index.ts'
import { taskSpan } from '../telemetry/task.ts'
import { createElection } from '../upkeep/lease.ts'
import { createSweeper } from '../upkeep/sweeper.ts'
import type { Inbound } from './inbound.ts'
import { ownedName } from './names.ts'
import type { Shared } from './shared.ts'

/** In a burst every task ends at once: their Secrets' deletions and closing patches must not stand before new Secrets and Jobs in the same connections. */
const CLOSINGS_AT_ONCE = 16

/** Keys worked on at once besides those that wait for a receiver. */
const WORKERS = 256

export function createReporting(shared: Shared, inbound: Inbound, identity: string, env: Readonly<Record<string, string | undefined>>) {
  const { config, settings, common, cluster, informer, memory, stopper, classify, labels } = shared
  const { workerId } = settings
  const signer = config.callback.secrets.length > 0 ? createSigner(config.callback.secrets) : null
  const { allow_private: allowPrivate, allow_origins: allowOrigins } = config.callback
  const { callback_connections: deliveriesAtOnce } = config.limits
  const lanes = createLanes(
    {
      clock: common.clock,
      wake: (name) => queue.addAt(name, common.clock.now()),
      onOpenCircuits: (count) => common.metrics.openCircuits.set(count),
    },
    { atOnce: deliveriesAtOnce },
  )
  const transport = createTransport({
    connections: deliveriesAtOnce,
    connectTimeoutMs: settings.callbackTimeoutMs,
    tls: settings.callbackTls,
    proxy: proxyOfEnvironment(env),
    allowPrivate,
  })
  const deliverer = createDeliverer(
    { ...common, transport, lanes, sign: (id, seconds, body) => signer?.sign(id, seconds, body) ?? '' },
    { timeoutMs: settings.callbackTimeoutMs, userAgent: shared.userAgent, allowPrivate },
  )
  /** Verdicts of tasks without a URL go over the socket where there is one and no callback URL. */
  const { socket: outbox } = inbound
  const { log_tail_bytes: tailBytes } = config.callback
  const keeper = createLogKeeper(
    { readLog: cluster.readLog, ...common },
    { ...KEEPER_LIMITS, limitBytes: tailBytes + SLACK_BYTES, tailLines: tailLinesFor(tailBytes) },
  )
  const failureLog = createFailureLog({ readLog: cluster.readLog, readSecretValues: cluster.secretValues, keeper }, { tailBytes })
  const reconcile = createReconcile(
    {
      ...common,
      getTask: informer.tasks.get,
      classify,
      stopper,
      secondLook: shared.secondLook,
      endLeftPods: createEndLeftPods({
        listPods: (jobName) => cluster.listPods(jobName, projectPod),
        deletePod: cluster.deletePod,
        log: common.log,
      }),
      messages: createMessageBuilder(),
      deliver: (message, name) =>
        outbox && message.url === outbox.url && !message.perTask
          ? outbox.intake.deliver(message, name)
          : deliverer.deliver(message, { key: name, signal: election.signal() }),
      mayDeliver: (url, name) => (outbox?.url === url ? outbox.intake.hasRoom(name) : lanes.hasRoom(new URL(url).origin, name)),
      nextAttemptAtMs: (failures, id, nowMs, retryAfterMs) => nextAttemptAtMs(config.callback.schedule, failures, id, nowMs, retryAfterMs),
      patchJob: cluster.patchJob,
      readJob: async (name) => {
        const read = await cluster.getJob(name)
        return read.ok ? { ok: true, value: projectJob(read.value) } : read
      },
      deleteSecret: cluster.deleteSecret,
      closing: createGate(CLOSINGS_AT_ONCE),
      complete: failureLog.complete,
      followLog: failureLog.follow,
      forgetLog: keeper.forget,
      memory,
      onVerdict: (task, outcome) => {
        const span = taskSpan(task, outcome.verdict, taskState(task, outcome).times, common.clock.now())
        if (span) common.tracer.tell(span)
      },
      onClosed: (task, outcome, delivery) => observeSteps(common.metrics, taskState(task, outcome).times, delivery.reported_at ?? null),
      wake: (name, atMs) => queue.addAt(name, atMs),
    },
    {
      workerId,
      callbackUrl: config.callback.url ?? outbox?.url ?? null,
      callbackTypes: config.callback.types,
      retentionSeconds: settings.retentionSeconds,
    },
  )
  const queue = createWorkQueue(
    {
      clock: common.clock,
      work: async (name) => (election.isLeader() && informer.synced() ? reconcile(name) : undefined),
      onError: createErrorLog(common),
      onDepth: (depth) => common.metrics.queueDepth.set(depth),
    },
    // However many receivers hang, each takes no more than its lane: the other workers stay free.
    { concurrency: WORKERS + deliveriesAtOnce * (allowOrigins.length + 1) },
  )
  inbound.onWake((name) => queue.addAt(name, common.clock.now()))
  const loop = createReconcileLoop(
    { queue, tasks: informer.tasks, synced: informer.synced, remembering: [memory, shared.secondLook, keeper], clock: common.clock },
    { resyncMs: 30_000 },
  )
  const sweeper = createSweeper(
    {
      ...common,
      ...cluster,
      cachedSecretOf: (jobName) => informer.tasks.get(jobName)?.job.annotations[ANNOTATIONS.secret] ?? null,
    },
    { labelSelector: `${shared.labelSelector},${LABELS.name}=${TASK_APP_NAME}` },
  )
  function lead(): void {
    memory.beginTerm()
    loop.lead()
    inbound.lead()
    if (config.sweep_secrets) sweeper.start()
  }
  async function yieldLead(): Promise<void> {
    await Promise.all([loop.yieldLead(), inbound.yieldLead(), sweeper.stop()])
    // The next leader follows what is still to be heard.
    keeper.clear()
  }
  const election = createElection(
    { api: cluster, ...common, elapsedMs, hasEnded, onLead: lead, onYield: yieldLead },
    { name: ownedName(workerId), identity, durationMs: settings.leaseDurationMs, labels },
  )
  return {
    election,
    /** Origins of callbacks that are held back now; only the leader knows. */
    openCircuits: lanes.openCircuits,
    async stop() {
      await election.stop()
      await loop.stop()
      keeper.clear()
      await transport.close()
    },
  }
}
