// The configuration as the parts want it: seconds instead of durations, defaults that depend on older names, one value where two keys may set it.
import { parseDuration } from './duration.ts'
import type { Config } from './schema.ts'

export type Settings = ReturnType<typeof settingsOf>

const seconds = (value: string | number): number => parseDuration(value) ?? 0

/** What jobspec wants to know: the operator's side of every manifest. `env` is this process's: some variables are taken over from it by name. */
export function jobSpecOptions(config: Config, settings: Settings, namespace: string, env: Readonly<Record<string, string | undefined>>) {
  const inheritedEnv: Record<string, string> = {}
  for (const { name, value } of settings.kubernetes.env ?? []) {
    const own = env[name]
    if (value === undefined && own !== undefined) inheritedEnv[name] = own
  }
  const { success, failure } = settings.retentionSeconds
  const { deadlines } = settings
  return {
    workerId: settings.workerId,
    namespace,
    profile: config.profile,
    oz: config.oz ?? {},
    kubernetes: settings.kubernetes,
    inheritedEnv,
    jobFinalizer: config.job_finalizer,
    hasReceiver: config.callback.url !== undefined || config.callback.allow_origins.length > 0 || config.socket !== undefined,
    retentionSeconds: success === null || failure === null ? null : { success, failure },
    deadlines: {
      schedule: deadlines.scheduleSeconds,
      pull: deadlines.pullSeconds,
      prepare: deadlines.prepareSeconds,
      create: deadlines.createSeconds,
      run: deadlines.runSeconds,
      sidecarGrace: deadlines.sidecarGraceSeconds,
      stopConfirm: deadlines.stopConfirmSeconds,
    },
    ...(config.idle_on_complete === undefined ? {} : { idleOnComplete: config.idle_on_complete }),
    overflow: config.limits.overflow,
    ...(config.limits.kueue_queue === undefined ? {} : { kueueQueue: config.limits.kueue_queue }),
    retryOnDisruption: config.retry_on_disruption,
  }
}

export function settingsOf(config: Config) {
  const kubernetes = config.backend.kubernetes ?? {}
  const olderTtl = kubernetes.ttl_seconds_after_finished
  const keep = (value: string | number | undefined): number | null =>
    config.cleanup ? Math.round(value !== undefined ? seconds(value) : (olderTtl ?? 86_400)) : null
  const deadlines = {
    scheduleSeconds: seconds(config.deadlines.schedule ?? kubernetes.unschedulable_timeout ?? '2m'),
    pullSeconds: seconds(config.deadlines.pull),
    prepareSeconds: seconds(config.deadlines.prepare),
    createSeconds: seconds(config.deadlines.create),
    runSeconds: seconds(config.deadlines.run ?? kubernetes.active_deadline_seconds ?? '8h'),
    sidecarGraceSeconds: seconds(config.deadlines.sidecar_grace),
    stopConfirmSeconds: seconds(config.deadlines.stop_confirm),
  }
  return {
    workerId: config.worker_id,
    namespace: kubernetes.namespace ?? null,
    kubernetes,
    maxConcurrentTasks: config.max_concurrent_tasks ?? config.limits.max_concurrent_tasks,
    deadlines,
    drainDelayMs: seconds(config.deadlines.drain_delay) * 1000,
    retentionSeconds: {
      success: keep(config.retention.success),
      failure: keep(config.retention.failure),
      deadLetter: config.cleanup ? Math.round(seconds(config.retention.dead_letter)) : null,
    },
    leaseDurationMs: Math.max(1_000, seconds(config.leader_election.lease_duration) * 1000),
    callbackTimeoutMs: seconds(config.callback.timeout) * 1000,
    callbackTls: {
      caFile: config.callback.tls.ca_file ?? null,
      certFile: config.callback.tls.cert_file ?? null,
      keyFile: config.callback.tls.key_file ?? null,
    },
    /** null: plain HTTP. */
    servingTls:
      config.tls.cert_file === undefined || config.tls.key_file === undefined
        ? null
        : {
            certFile: config.tls.cert_file,
            keyFile: config.tls.key_file,
            clientCaFile: config.tls.client_ca_file ?? null,
            minVersion: config.tls.min_version,
          },
    /** 0: redeliveries are recognised only as long as the Job is there. */
    dedupeSeconds: seconds(config.retention.dedupe),
    pollWaitSeconds: Math.round(seconds(config.poll?.wait ?? 50)),
    socketPingMs: seconds(config.socket?.ping ?? 30) * 1000,
    uiSessionMs: Math.max(60_000, seconds(config.ui.session) * 1000),
    webhookToleranceSeconds: seconds(config.webhook.tolerance),
  }
}
