// From the API's Jobs and Pods to the few fields that are kept. Tolerant: what is missing or of the wrong type is null, empty or the default;
// only an object without name or uid is refused. It runs for every object of every list, so plain loops, and strings that repeat are shared.
import { ANNOTATION_PREFIX, FINALIZER, TASK_CONTAINER } from './keys.ts'
import type { Condition, ContainerRole, ContainerState, ContainerView, JobView, PodView } from './kube.ts'

type Raw = Record<string, unknown>

const EMPTY: Raw = Object.freeze({})
const NONE: readonly unknown[] = Object.freeze([])

const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value)
const rawOf = (value: unknown): Raw => (isRaw(value) ? value : EMPTY)
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : NONE)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/**
 * The same text once in memory: reasons, node names, images and labels repeat over thousands of objects, and every JSON answer brings its own
 * copies. Bounded: when it is full it starts over, which costs only sharing.
 */
const SHARED_LIMIT = 4_096
const SHARED_LENGTH = 256
const sharedTexts = new Map<string, string>()

function shared(value: unknown): string {
  if (typeof value !== 'string' || value === '') return ''
  if (value.length > SHARED_LENGTH) return value
  const known = sharedTexts.get(value)
  if (known !== undefined) return known
  if (sharedTexts.size >= SHARED_LIMIT) sharedTexts.clear()
  sharedTexts.set(value, value)
  return value
}

/** Epoch milliseconds. The zero times of Go (year 1) and of container runtimes (1970) mean that it never happened. */
function timeOf(value: unknown): number | null {
  if (typeof value !== 'string') return null
  // The times of one object, and of its neighbours, repeat: 2026-11-26T06:00:00Z has no fraction.
  const known = times.get(value)
  if (known !== undefined) return known
  const ms = Date.parse(value)
  const time = ms > 0 ? ms : null
  if (times.size >= SHARED_LIMIT) times.clear()
  times.set(value, time)
  return time
}

const times = new Map<string, number | null>()

/** Source: batch/v1 Job. Throws only when it has no name or uid. */
export function projectJob(raw: unknown): JobView {
  const { metadata, spec, status } = rawOf(raw)
  const meta = rawOf(metadata)
  const wanted = rawOf(spec)
  const seen = rawOf(status)
  const view: JobView = {
    ...identityOf(meta),
    generation: numberOf(meta.generation),
    createdMs: timeOf(meta.creationTimestamp) ?? 0,
    deletedMs: timeOf(meta.deletionTimestamp),
    labels: labelsOf(meta.labels),
    annotations: annotationsOf(meta.annotations),
    held: listOf(meta.finalizers).includes(FINALIZER),
    suspended: wanted.suspend === true,
    parallelism: typeof wanted.parallelism === 'number' ? wanted.parallelism : 1,
    activeDeadlineSeconds: numberOrNull(wanted.activeDeadlineSeconds),
    ttlSecondsAfterFinished: numberOrNull(wanted.ttlSecondsAfterFinished),
    managedByOther: typeof wanted.managedBy === 'string' && wanted.managedBy !== 'kubernetes.io/job-controller',
    startMs: timeOf(seen.startTime),
    completionMs: timeOf(seen.completionTime),
    active: numberOf(seen.active),
    succeeded: numberOf(seen.succeeded),
    failed: numberOf(seen.failed),
    conditions: conditionsOf(seen.conditions, null),
  }
  if (ignoresDisruption(wanted.podFailurePolicy)) view.retriesDisruption = true
  return view
}

/** The only conditions of a Pod that a decision needs. */
const POD_CONDITIONS: ReadonlySet<unknown> = new Set(['PodScheduled', 'PodReadyToStartContainers', 'DisruptionTarget'])

/**
 * deletionTimestamp is when the grace period ends. The kubelet's own last deletion overwrites it with the Pod's end and a period of 0; then the
 * request is only known to lie within the Pod's grace period before that. (The cache keeps the exact time once it was seen.)
 */
function graceOf(spec: Raw): number {
  return typeof spec.terminationGracePeriodSeconds === 'number' ? spec.terminationGracePeriodSeconds : 30
}

/** Source: core/v1 Pod. Throws only when it has no name or uid. */
export function projectPod(raw: unknown): PodView {
  const { metadata, spec, status } = rawOf(raw)
  const meta = rawOf(metadata)
  const wanted = rawOf(spec)
  const seen = rawOf(status)
  const deletionMs = timeOf(meta.deletionTimestamp)
  const graceSeconds = numberOf(meta.deletionGracePeriodSeconds)
  const view: PodView = {
    ...identityOf(meta),
    jobUid: controllerUid(meta.ownerReferences),
    createdMs: timeOf(meta.creationTimestamp) ?? 0,
    deletedMs: deletionMs === null ? null : deletionMs - (graceSeconds > 0 ? graceSeconds : graceOf(wanted)) * 1000,
    phase: shared(seen.phase),
    reason: shared(seen.reason),
    message: textOf(seen.message),
    node: shared(wanted.nodeName) || null,
    nominatedNode: shared(seen.nominatedNodeName) || null,
    conditions: conditionsOf(seen.conditions, POD_CONDITIONS),
    containers: containersOf(wanted, seen),
    gone: false,
  }
  if (deletionMs !== null) view.deletionGraceSeconds = graceSeconds
  return view
}

function identityOf(meta: Raw): { name: string; uid: string; resourceVersion: string } {
  const { name, uid, resourceVersion } = meta
  if (typeof name !== 'string' || name === '' || typeof uid !== 'string' || uid === '') throw new TypeError('an object without name or uid')
  return { name, uid, resourceVersion: textOf(resourceVersion) }
}

function isKeptLabel(name: string): boolean {
  return (
    name.startsWith('jobhook.dev/') ||
    name.startsWith('labels.jobhook.dev/') ||
    name.startsWith('app.kubernetes.io/') ||
    name.startsWith('kueue.x-k8s.io/')
  )
}

function labelsOf(value: unknown): Record<string, string> {
  const all = rawOf(value)
  const labels: Record<string, string> = {}
  for (const name of Object.keys(all)) if (isKeptLabel(name)) labels[name] = shared(all[name])
  return labels
}

/** Of an object's annotations those that are ours, without the prefix. */
export function annotationsOf(value: unknown): Record<string, string> {
  const all = rawOf(value)
  const annotations: Record<string, string> = {}
  for (const name of Object.keys(all)) {
    if (name.startsWith(ANNOTATION_PREFIX)) annotations[name.slice(ANNOTATION_PREFIX.length)] = textOf(all[name])
  }
  return annotations
}

function conditionsOf(value: unknown, kept: ReadonlySet<unknown> | null): Condition[] {
  const conditions: Condition[] = []
  for (const item of listOf(value)) {
    if (!isRaw(item) || (kept !== null && !kept.has(item.type))) continue
    conditions.push({
      type: shared(item.type),
      status: item.status === 'True' || item.status === 'False' ? item.status : 'Unknown',
      reason: shared(item.reason),
      message: shared(item.message),
      atMs: timeOf(item.lastTransitionTime),
    })
  }
  return conditions
}

function controllerUid(value: unknown): string {
  for (const owner of listOf(value)) if (isRaw(owner) && owner.controller === true) return textOf(owner.uid)
  return ''
}

function ignoresDisruption(policy: unknown): boolean {
  return listOf(rawOf(policy).rules).some((rule) => isRaw(rule) && rule.action === 'Ignore' && listOf(rule.onPodConditions).length > 0)
}

/** In the order they run: init containers as the spec lists them, then the others. The statuses come in an order of their own. */
function containersOf(wanted: Raw, seen: Raw): ContainerView[] {
  const containers: ContainerView[] = []
  for (const item of listOf(wanted.initContainers)) {
    if (isRaw(item)) containers.push(containerOf(item, item.restartPolicy === 'Always' ? 'sidecar' : 'init', seen.initContainerStatuses))
  }
  for (const item of listOf(wanted.containers)) {
    if (isRaw(item)) containers.push(containerOf(item, item.name === TASK_CONTAINER ? 'task' : 'other', seen.containerStatuses))
  }
  return containers
}

function containerOf(container: Raw, role: ContainerRole, statuses: unknown): ContainerView {
  let status: Raw = EMPTY
  for (const item of listOf(statuses)) if (isRaw(item) && item.name === container.name) status = item
  return {
    name: shared(container.name),
    role,
    state: stateOf(status.state),
    lastState: stateOf(status.lastState),
    restarts: numberOf(status.restartCount),
    image: shared(container.image),
  }
}

function stateOf(value: unknown): ContainerState | null {
  const { waiting, running, terminated } = rawOf(value)
  // Without an exit code it is not known how it ended; 0 would call it a success.
  if (isRaw(terminated) && typeof terminated.exitCode === 'number') {
    return {
      kind: 'terminated',
      exitCode: terminated.exitCode,
      signal: typeof terminated.signal === 'number' && terminated.signal > 0 ? terminated.signal : null,
      reason: shared(terminated.reason),
      message: textOf(terminated.message),
      startedMs: timeOf(terminated.startedAt),
      finishedMs: timeOf(terminated.finishedAt),
    }
  }
  if (isRaw(running)) return { kind: 'running', startedMs: timeOf(running.startedAt) }
  if (isRaw(waiting)) return { kind: 'waiting', reason: shared(waiting.reason), message: shared(waiting.message) }
  return null
}

/** What is read of an Event (core/v1): what happened to whom, and when it was last seen. */
export interface ProjectedEvent {
  reason: string
  message: string
  type: string
  involvedUid: string
  atMs: number
}

export function projectEvent(raw: unknown): ProjectedEvent {
  const event = rawOf(raw)
  const { uid } = rawOf(event.involvedObject)
  const { lastObservedTime } = rawOf(event.series)
  const times = [event.lastTimestamp, lastObservedTime, event.eventTime, event.firstTimestamp, rawOf(event.metadata).creationTimestamp]
  return {
    reason: textOf(event.reason),
    message: textOf(event.message),
    type: textOf(event.type),
    involvedUid: textOf(uid),
    atMs: Math.max(0, ...times.map((time) => timeOf(time) ?? 0)),
  }
}
