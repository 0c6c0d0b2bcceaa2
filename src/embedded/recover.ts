/** After a restart the processes of the last run are gone: Pods that ran then are Failed, as a node reports containers it can no longer find. Pure. */
import { timestamp } from './time.ts'
import type { ContainerStatus, KubeObject, Pod } from './types.ts'

const LOST = { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' }

export function recovered(object: KubeObject): KubeObject {
  if (object.kind !== 'Pod') return object
  const pod = object as Pod
  const ran = (pod.spec.nodeName ?? '') !== ''
  if (!ran || pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return object
  const now = timestamp()
  const ended = (status: ContainerStatus): ContainerStatus => {
    if (status.state.terminated !== undefined) return status
    const startedAt = status.state.running?.startedAt ?? '1970-01-01T00:00:00Z'
    return { ...status, ready: false, started: false, state: { terminated: { ...LOST, startedAt, finishedAt: now } } }
  }
  const conditions = (pod.status.conditions ?? []).map((condition) =>
    condition.type === 'Ready' || condition.type === 'ContainersReady'
      ? { ...condition, status: 'False' as const, reason: 'PodFailed', lastTransitionTime: now }
      : condition,
  )
  const status = { ...pod.status, phase: 'Failed', conditions, containerStatuses: (pod.status.containerStatuses ?? []).map(ended) }
  if (pod.status.initContainerStatuses !== undefined) status.initContainerStatuses = pod.status.initContainerStatuses.map(ended)
  return { ...pod, status }
}
