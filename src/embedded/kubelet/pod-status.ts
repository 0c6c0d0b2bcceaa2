/** A Pod's status from the states of its containers: phase, conditions, the waiting states before anything has started. Pure. */
import { timestamp } from '../time.ts'
import type { Condition, Container, ContainerState, ContainerStatus, Pod, PodStatus } from '../types.ts'

export interface ContainerRecord {
  spec: Container
  init: boolean
  state: ContainerState
  lastState: ContainerState
  restartCount: number
  containerID: string | null
}

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always'
}

export function waitingRecord(spec: Container, init: boolean, hasInit: boolean): ContainerRecord {
  const reason = hasInit ? 'PodInitializing' : 'ContainerCreating'
  return { spec, init, state: { waiting: { reason } }, lastState: {}, restartCount: 0, containerID: null }
}

export function podStatus(
  pod: Pod,
  records: readonly ContainerRecord[],
  ending: { failed?: { reason: string; message: string }; over: boolean },
): PodStatus {
  const inits = records.filter((record) => record.init)
  const mains = records.filter((record) => !record.init)
  const phase = phaseOf(pod, inits, mains, ending)
  const done = phase === 'Succeeded' || phase === 'Failed'
  const status: PodStatus = {
    ...pod.status,
    phase,
    conditions: conditionsOf(pod.status.conditions ?? [], {
      phase,
      initialised: isInitialised(inits) || phase === 'Succeeded',
      ready: !done && mains.every(isRunning) && inits.every(initReady),
    }),
    hostIP: '127.0.0.1',
    hostIPs: [{ ip: '127.0.0.1' }],
    startTime: pod.status.startTime ?? timestamp(),
    containerStatuses: mains.map(containerStatus),
  }
  if (!done && mains.some(isRunning)) status.podIP = '127.0.0.1'
  if (inits.length > 0) status.initContainerStatuses = inits.map(containerStatus)
  if (ending.failed !== undefined) Object.assign(status, ending.failed)
  return status
}

function phaseOf(
  pod: Pod,
  inits: readonly ContainerRecord[],
  mains: readonly ContainerRecord[],
  ending: { failed?: object; over: boolean },
): string {
  if (ending.over) {
    if (ending.failed !== undefined) return 'Failed'
    const failedInit = inits.some((record) => !isSidecar(record.spec) && (record.state.terminated?.exitCode ?? 0) !== 0)
    return failedInit || mains.some((record) => record.state.terminated?.exitCode !== 0) ? 'Failed' : 'Succeeded'
  }
  return mains.some((record) => record.state.waiting === undefined || record.restartCount > 0)
    ? 'Running'
    : pod.status.phase === 'Running'
      ? 'Running'
      : 'Pending'
}

function isRunning(record: ContainerRecord): boolean {
  return record.state.running !== undefined
}

function initReady(record: ContainerRecord): boolean {
  return isSidecar(record.spec) ? isRunning(record) : record.state.terminated?.exitCode === 0
}

function isInitialised(inits: readonly ContainerRecord[]): boolean {
  return inits.every((record) => (isSidecar(record.spec) ? record.state.waiting === undefined : record.state.terminated?.exitCode === 0))
}

function containerStatus(record: ContainerRecord): ContainerStatus {
  const { spec, state } = record
  const ready = record.init && !isSidecar(spec) ? state.terminated?.exitCode === 0 : isRunning(record)
  const image = spec.image ?? ''
  const status: ContainerStatus = {
    name: spec.name,
    state,
    lastState: record.lastState,
    ready,
    restartCount: record.restartCount,
    image,
    imageID: record.containerID === null ? '' : `embedded://${image}`,
    started: isRunning(record),
  }
  return record.containerID === null ? status : { ...status, containerID: record.containerID }
}

function conditionsOf(before: readonly Condition[], now: { phase: string; initialised: boolean; ready: boolean }): Condition[] {
  const done =
    now.phase === 'Succeeded'
      ? { reason: 'PodCompleted' }
      : now.phase === 'Failed'
        ? { reason: 'PodFailed' }
        : { reason: 'ContainersNotReady' }
  const wanted: [string, boolean, { reason: string } | null][] = [
    ['PodReadyToStartContainers', now.phase === 'Running' || now.phase === 'Pending', null],
    [
      'Initialized',
      now.initialised,
      now.initialised && now.phase === 'Succeeded' ? done : now.initialised ? null : { reason: 'ContainersNotInitialized' },
    ],
    ['Ready', now.ready, now.ready ? null : done],
    ['ContainersReady', now.ready, now.ready ? null : done],
    ['PodScheduled', true, null],
  ]
  const known = wanted.map(([type, holds, why]) => condition(before, type, holds, why))
  return [...known, ...before.filter((item) => !wanted.some(([type]) => type === item.type))]
}

function condition(before: readonly Condition[], type: string, holds: boolean, why: { reason: string } | null): Condition {
  const status = holds ? 'True' : 'False'
  const old = before.find((item) => item.type === type)
  const lastTransitionTime = old?.status === status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : timestamp()
  return { type, status, lastProbeTime: null, lastTransitionTime, ...(why === null ? {} : why) }
}
