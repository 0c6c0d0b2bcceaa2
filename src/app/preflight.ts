// Wires preflight: builds imagined tasks from the configuration as real ones are built, and says what is checked. For `serve` and `jobhook doctor`.
import { randomBytes } from 'node:crypto'
import { createTransport, proxyOfEnvironment } from '../callback/index.ts'
import type { Config, Settings } from '../config/index.ts'
import { buildTask, type JobSpecOptions } from '../jobspec/index.ts'
import type { Assignment } from '../model/assignment.ts'
import { TASK_CONTAINER } from '../model/keys.ts'
import {
  createPreflightLoop,
  type Need,
  type PreflightDeps,
  type PreflightLoop,
  type PreflightOptions,
  runBlocking,
  runJob,
  type Sample,
  type Samples,
} from '../preflight/index.ts'
import type { Shared } from './shared.ts'

/** The sample's image where the configuration has none; it is never pulled. */
const MADE_UP_IMAGE = 'busybox:1.36'
/** How long the preflight Job may take, its image's arrival included. */
const JOB_DEADLINE_MS = 120_000
/** Small enough for any quota, and large enough for any least amount, that lets a task in at all. */
const SMALL = { vcpus: 0.01, memory_gb: 1 / 64 }
const LARGE = { vcpus: 4096, memory_gb: 65_536 }

/** In the background of the service, until it has passed once. */
export function createPreflight(shared: Shared, spec: JobSpecOptions, env: Environment): PreflightLoop {
  const { common, cluster, connection, config, settings, userAgent } = shared
  const deps: PreflightDeps = { api: cluster, clock: shared.systemClock }
  const options = () => preflightOptions({ config, settings, spec, userAgent, server: connection.origin, env })
  return createPreflightLoop({
    ...common,
    run: async () => runBlocking(deps, options()),
    afterwards: async (signal) => runJob(deps, options(), signal),
  })
}

type Environment = Readonly<Record<string, string | undefined>>

function openWay({ callbackTimeoutMs, callbackTls }: Settings, env: Environment) {
  const transport = createTransport({
    connections: 1,
    connectTimeoutMs: callbackTimeoutMs,
    tls: callbackTls,
    proxy: proxyOfEnvironment(env),
    allowPrivate: false,
  })
  return { dispatcher: transport.trusted, close: transport.close }
}

/** Each call makes other names, so that no dry-run meets what an earlier one left. Throws when not even the plainest task can be built. */
export function preflightOptions(from: {
  config: Config
  settings: Settings
  spec: JobSpecOptions
  userAgent: string
  server: string
  env: Environment
}): PreflightOptions {
  const { config, settings, spec } = from
  const { kubernetes } = settings
  const needs: Need[] = ['always', 'tasks', 'detail', 'checks']
  if (settings.dedupeSeconds > 0) needs.push('ledger')
  if (config.sweep_secrets) needs.push('sweep')
  if (kubernetes.preflight_image !== undefined) needs.push('preflight-job')
  const { url } = config.callback
  return {
    endpoint: { server: from.server, source: kubernetes.kubeconfig ?? 'the kubeconfig' },
    samples: samplesOf(spec),
    needs: new Set(needs),
    usesImageVolumes: kubernetes.use_image_volumes ?? false,
    holdsJobs: config.job_finalizer,
    preflightJob: kubernetes.preflight_image === undefined ? null : { makeJob: () => preflightJob(spec), deadlineMs: JOB_DEADLINE_MS },
    secrets: {
      webhook: config.webhook.secrets,
      callback: config.callback.secrets,
      tokens: config.api.tokens.flatMap(({ name, token }) => (token === undefined ? [] : [{ name, token }])),
    },
    callback:
      url === undefined
        ? null
        : {
            url,
            secrets: config.callback.secrets,
            workerId: settings.workerId,
            timeoutMs: settings.callbackTimeoutMs,
            userAgent: from.userAgent,
            open: () => openWay(settings, from.env),
          },
    embedded: config.cluster === 'embedded',
  }
}

function samplesOf(spec: JobSpecOptions): Samples {
  const { kubernetes, profile } = spec
  const own = kubernetes.default_image ?? kubernetes.pod_template?.containers?.find(({ name }) => name === TASK_CONTAINER)?.image
  const image = own ?? kubernetes.preflight_image ?? MADE_UP_IMAGE
  const base: Assignment = {
    task_id: `preflight-${randomBytes(5).toString('hex')}`,
    ...(own === undefined ? { docker_image: image } : {}),
    // The agent of the profile oz comes as a sidecar image, always.
    ...(profile === 'oz' ? { sidecar_image: kubernetes.sidecar_image ?? image } : { command: ['/bin/true'] }),
  }
  const full: Assignment = {
    ...base,
    env_vars: { JOBHOOK_SAMPLE: 'sample' },
    additional_sidecars: [{ image, mount_path: '/mnt/jobhook-sample' }],
  }
  return {
    plain: sample(base, spec),
    full: sample(full, spec),
    small: sample({ ...base, instance_shape: SMALL }, spec),
    large: sample({ ...base, instance_shape: LARGE }, spec),
    imagesConfigured: own !== undefined && (profile !== 'oz' || kubernetes.sidecar_image !== undefined),
  }
}

function sample(assignment: Assignment, spec: JobSpecOptions): Sample {
  const built = buildTask(assignment, spec, { nonce: randomBytes(5).toString('hex'), callbackUrl: null, traceparent: null })
  if (!built.ok)
    throw new Error(`the sample task cannot be built: ${built.errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ')}`)
  return { job: built.job, secret: built.secret }
}

/** A task of the profile generic with preflight_image, under another worker's labels; without setup, teardown and secrets. Goes by itself. */
function preflightJob(spec: JobSpecOptions): Sample['job'] {
  const { setup_command, teardown_command, coding_cli_sidecars, env, ...kubernetes } = spec.kubernetes
  const image = kubernetes.preflight_image ?? MADE_UP_IMAGE
  const sidecars =
    spec.profile === 'oz' || kubernetes.use_image_volumes || kubernetes.sidecar_image !== undefined || coding_cli_sidecars !== undefined
  const { job } = sample(
    {
      task_id: `preflight-${randomBytes(5).toString('hex')}`,
      docker_image: image,
      command: ['/bin/sh', '-c', 'exit 0'],
      ...(sidecars ? { additional_sidecars: [{ image, mount_path: '/mnt/jobhook-preflight' }] } : {}),
    },
    {
      ...spec,
      kubernetes,
      workerId: `${spec.workerId} preflight`,
      profile: 'generic',
      hasReceiver: false,
      retentionSeconds: { success: 60, failure: 60 },
    },
  )
  if (job.spec) job.spec.activeDeadlineSeconds = Math.ceil(JOB_DEADLINE_MS / 1000) + 10
  const pod = job.spec?.template.spec
  const resources = spec.kubernetes.preflight_resources
  if (resources) {
    for (const container of [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])]) {
      if (container.name === TASK_CONTAINER || container.name.startsWith('copy-sidecar-')) container.resources = texts(resources)
    }
  }
  return job
}

function texts(resources: NonNullable<JobSpecOptions['kubernetes']['preflight_resources']>): Record<string, Record<string, string>> {
  return Object.fromEntries(
    Object.entries(resources).map(([kind, amounts]) => [
      kind,
      Object.fromEntries(Object.entries(amounts ?? {}).map(([name, amount]) => [name, String(amount)])),
    ]),
  )
}
