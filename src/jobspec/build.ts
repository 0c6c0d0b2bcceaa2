// One task as a Job and, where it carries secrets, a Secret. Pure: the same input gives the same manifests.
import type { Assignment } from '../model/assignment.ts'
import { type ANNOTATIONS, annotation, FINALIZER, SCHEMA_VERSION, TASK_LABEL_PREFIX } from '../model/keys.ts'
import { checkAssignment } from './check.ts'
import { digests } from './digests.ts'
import { taskLabels, taskNames } from './names.ts'
import type { BuildContext, BuildResult, EnvSource, Job, JobSpecOptions, Secret } from './options.ts'
import { buildPod } from './pod.ts'
import { MAX_ANNOTATIONS_BYTES, MAX_SECRET_BYTES } from './text.ts'

/** Ours act first; the spec's own deadline is for the time while no replica runs. */
const BACKSTOP_SLACK_SECONDS = 60
export const KUEUE_LABEL = 'kueue.x-k8s.io/queue-name'

export function buildTask(assignment: Assignment, options: JobSpecOptions, context: BuildContext): BuildResult {
  const errors = checkAssignment(assignment, options)
  if (errors.length > 0) return { ok: false, errors }

  const executionId = assignment.execution_id ?? assignment.task_id
  const names = taskNames({ workerId: options.workerId, taskId: assignment.task_id, executionId })
  const secretName = `${names.jobName}-${context.nonce}`
  const labels = taskLabels(names)
  const extraLabels = options.kubernetes.extra_labels ?? {}
  const extraAnnotations = options.kubernetes.extra_annotations ?? {}

  const pod = buildPod(assignment, options, secretName, context.taskTraceparent ?? context.traceparent)
  const secretBytes = [...pod.secretData.values()].reduce((sum, value) => sum + Buffer.byteLength(value), 0)
  if (secretBytes > MAX_SECRET_BYTES) {
    return refuse(
      '/data/env_vars',
      `has ${secretBytes} bytes of values; a Secret holds at most ${MAX_SECRET_BYTES}. Put large values into a file or an object store`,
    )
  }

  const annotations: Record<string, string> = {
    ...extraAnnotations,
    [annotation('taskId')]: assignment.task_id,
    [annotation('executionId')]: executionId,
    [annotation('schema')]: SCHEMA_VERSION,
    [annotation('digest')]: JSON.stringify(digests(assignment)),
  }
  const note = (name: keyof typeof ANNOTATIONS, value: string | number | null | undefined) => {
    if (value !== null && value !== undefined && value !== '') annotations[annotation(name)] = String(value)
  }
  note('title', assignment.task?.title)
  note('callbackUrl', context.callbackUrl)
  note('traceparent', context.traceparent)
  note('timeoutSeconds', assignment.timeout_seconds)
  note('priority', assignment.priority)
  if (pod.secretData.size > 0) note('secret', secretName)
  const annotationBytes = Object.entries(annotations).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  )
  if (annotationBytes > MAX_ANNOTATIONS_BYTES) {
    return refuse(
      '/data',
      `needs ${annotationBytes} bytes of annotations; Kubernetes allows ${MAX_ANNOTATIONS_BYTES}. Shorten task.title, callback_url or backend.kubernetes.extra_annotations`,
    )
  }

  const held = options.jobFinalizer && options.hasReceiver
  const kueue = options.overflow === 'kueue'
  const job: Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: names.jobName,
      namespace: options.namespace,
      labels: {
        ...extraLabels,
        ...prefixed(assignment.labels ?? {}),
        ...(kueue && options.kueueQueue !== undefined ? { [KUEUE_LABEL]: options.kueueQueue } : {}),
        ...labels,
      },
      annotations,
      ...(held ? { finalizers: [FINALIZER] } : {}),
    },
    spec: {
      backoffLimit: 0,
      parallelism: 1,
      completions: 1,
      completionMode: 'NonIndexed',
      // One Pod at a time, also while the former is still ending.
      podReplacementPolicy: 'Failed',
      ...(options.retryOnDisruption
        ? { podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] } }
        : {}),
      activeDeadlineSeconds: backstopSeconds(assignment, options),
      ...timeToLive(options),
      ...(context.suspended || kueue ? { suspend: true } : {}),
      template: {
        metadata: {
          labels: { ...extraLabels, ...labels },
          annotations: { 'kubectl.kubernetes.io/default-container': 'task', ...extraAnnotations },
        },
        spec: pod.spec,
      },
    },
  }
  const secret: Secret | null =
    pod.secretData.size === 0
      ? null
      : {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: secretName, namespace: options.namespace, labels: { ...extraLabels, ...labels } },
          type: 'Opaque',
          immutable: true,
          data: Object.fromEntries(
            [...pod.secretData].sort(byKey).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]),
          ),
        }
  return { ok: true, job, secret, env: pod.sources, warnings: overridden(pod.sources) }
}

/** Seconds after which Kubernetes itself ends the Job: all of our deadlines one after the other, and some slack. */
export function backstopSeconds(assignment: Pick<Assignment, 'timeout_seconds'>, options: Pick<JobSpecOptions, 'deadlines'>): number {
  const { schedule, pull, prepare, create, run, sidecarGrace, stopConfirm } = options.deadlines
  const runSeconds = assignment.timeout_seconds ?? run
  return Math.ceil(schedule + pull + prepare + create + runSeconds + sidecarGrace + stopConfirm) + BACKSTOP_SLACK_SECONDS
}

/** Only where nobody has to read the outcome first: the TTL takes Pods and logs too. Whether it will succeed is not known yet: the longer one. */
function timeToLive(options: JobSpecOptions): { ttlSecondsAfterFinished?: number } {
  if (options.hasReceiver || options.retentionSeconds === null) return {}
  return { ttlSecondsAfterFinished: Math.ceil(Math.max(options.retentionSeconds.success, options.retentionSeconds.failure)) }
}

function prefixed(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [TASK_LABEL_PREFIX + name, value]))
}

function overridden(sources: readonly EnvSource[]): string[] {
  return sources
    .filter((source) => source.from !== 'assignment' && source.overrides.includes('assignment'))
    .map(
      (source) =>
        `env_vars.${source.name} is not used: ${source.from === 'reserved' ? 'jobhook sets it itself' : 'the configuration sets it and wins'}`,
    )
}

function refuse(pointer: string, detail: string): BuildResult {
  return { ok: false, errors: [{ pointer, detail }] }
}

function byKey(a: [string, string], b: [string, string]): number {
  return a[0] < b[0] ? -1 : 1
}
