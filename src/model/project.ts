// From the API's Jobs and Pods to the few fields that are kept. Tolerant: what is missing is null, and nothing here throws for odd objects with a name.
import { ANNOTATION_PREFIX, FINALIZER, TASK_CONTAINER } from './keys.ts'
import type { Condition, ContainerRole, ContainerState, ContainerView, JobView, PodView } from './kube.ts'

type Raw = Record<string, unknown>

const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value)
const rawOf = (value: unknown): Raw => (isRaw(value) ? value : {})
const listOf = (value: unknown): Raw[] => (Array.isArray(value) ? value.filter(isRaw) : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

function timeOf(value: unknown): number | null {
  if (typeof value !== 'string') return null
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? null : ms
}

const KEPT_LABELS = ['jobhook.dev/', 'labels.jobhook.dev/', 'app.kubernetes.io/', 'kueue.x-k8s.io/']

function labelsOf(meta: Raw): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [name, value] of Object.entries(rawOf(meta.labels))) {
    if (KEPT_LABELS.some((prefix) => name.startsWith(prefix))) labels[name] = textOf(value)
  }
  return labels
}

function annotationsOf(meta: Raw): Record<string, string> {
  const annotations: Record<string, string> = {}
  for (const [name, value] of Object.entries(rawOf(meta.annotations))) {
    if (name.startsWith(ANNOTATION_PREFIX)) annotations[name.slice(ANNOTATION_PREFIX.length)] = textOf(value)
  }
  return annotations
}

function conditionsOf(value: unknown): Condition[] {
  return listOf(value).map((condition) => ({
    type: textOf(condition.type),
    status: condition.status === 'True' || condition.status === 'False' ? condition.status : 'Unknown',
    reason: textOf(condition.reason),
    message: textOf(condition.message),
    atMs: timeOf(condition.lastTransitionTime),
  }))
}

/** Source: batch/v1 Job. Throws only when it has no name or uid. */
export function projectJob(raw: unknown): JobView {
  const { metadata, spec, status } = rawOf(raw)
  const meta = rawOf(metadata)
  const wanted = rawOf(spec)
  const seen = rawOf(status)
  return {
    ...identityOf(meta),
    generation: numberOf(meta.generation),
    createdMs: timeOf(meta.creationTimestamp) ?? 0,
    deletedMs: timeOf(meta.deletionTimestamp),
    labels: labelsOf(meta),
    annotations: annotationsOf(meta),
    held: Array.isArray(meta.finalizers) && meta.finalizers.includes(FINALIZER),
    suspended: wanted.suspend === true,
    parallelism: typeof wanted.parallelism === 'number' ? wanted.parallelism : 1,
    activeDeadlineSeconds: typeof wanted.activeDeadlineSeconds === 'number' ? wanted.activeDeadlineSeconds : null,
    ttlSecondsAfterFinished: typeof wanted.ttlSecondsAfterFinished === 'number' ? wanted.ttlSecondsAfterFinished : null,
    managedByOther: typeof wanted.managedBy === 'string' && wanted.managedBy !== 'kubernetes.io/job-controller',
    startMs: timeOf(seen.startTime),
    completionMs: timeOf(seen.completionTime),
    active: numberOf(seen.active),
    succeeded: numberOf(seen.succeeded),
    failed: numberOf(seen.failed),
    conditions: conditionsOf(seen.conditions),
  }
}

/** Source: core/v1 Pod. Throws only when it has no name or uid. */
export function projectPod(raw: unknown): PodView {
  const { metadata, spec, status } = rawOf(raw)
  const meta = rawOf(metadata)
  const wanted = rawOf(spec)
  const seen = rawOf(status)
  const owner = listOf(meta.ownerReferences).find((reference) => reference.controller === true)
  const statuses = new Map(
    [...listOf(seen.initContainerStatuses), ...listOf(seen.containerStatuses)].map((entry) => [textOf(entry.name), entry]),
  )
  const view = (container: Raw, role: ContainerRole): ContainerView => containerView(container, role, statuses.get(textOf(container.name)))
  return {
    ...identityOf(meta),
    jobUid: textOf(owner?.uid),
    createdMs: timeOf(meta.creationTimestamp) ?? 0,
    deletedMs: timeOf(meta.deletionTimestamp),
    phase: textOf(seen.phase),
    reason: textOf(seen.reason),
    message: textOf(seen.message),
    node: textOf(wanted.nodeName) || null,
    nominatedNode: textOf(seen.nominatedNodeName) || null,
    conditions: conditionsOf(seen.conditions),
    containers: [
      ...listOf(wanted.initContainers).map((container) => view(container, container.restartPolicy === 'Always' ? 'sidecar' : 'init')),
      ...listOf(wanted.containers).map((container) => view(container, container.name === TASK_CONTAINER ? 'task' : 'other')),
    ],
    gone: false,
  }
}

function identityOf(meta: Raw): { name: string; uid: string; resourceVersion: string } {
  const { name, uid, resourceVersion } = meta
  if (typeof name !== 'string' || typeof uid !== 'string') throw new TypeError('an object without name or uid')
  return { name, uid, resourceVersion: textOf(resourceVersion) }
}

function containerView(container: Raw, role: ContainerRole, status: Raw | undefined): ContainerView {
  return {
    name: textOf(container.name),
    role,
    state: status ? stateOf(rawOf(status.state)) : null,
    lastState: status ? stateOf(rawOf(status.lastState)) : null,
    restarts: numberOf(status?.restartCount),
    image: textOf(container.image),
  }
}

function stateOf(state: Raw): ContainerState | null {
  if (isRaw(state.waiting)) return { kind: 'waiting', reason: textOf(state.waiting.reason), message: textOf(state.waiting.message) }
  if (isRaw(state.running)) return { kind: 'running', startedMs: timeOf(state.running.startedAt) }
  if (!isRaw(state.terminated)) return null
  const { exitCode, signal, reason, message, startedAt, finishedAt } = state.terminated
  return {
    kind: 'terminated',
    exitCode: numberOf(exitCode),
    signal: typeof signal === 'number' ? signal : null,
    reason: textOf(reason),
    message: textOf(message),
    startedMs: timeOf(startedAt),
    finishedMs: timeOf(finishedAt),
  }
}
