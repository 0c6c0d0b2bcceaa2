// Who ended a Pod that did not end by itself: the scheduler, a drain, the kubelet, the node's own end. Sources: Pod v1 condition DisruptionTarget
// and status.reason as the scheduler, the eviction API, the taint manager, the Pod garbage collector and the kubelet set them.
import type { PodView } from '../model/kube.ts'
import type { FailureReason } from '../model/reasons.ts'
import { trueCondition } from './evidence.ts'

export interface Disruption {
  reason: FailureReason
  /** Kubernetes' own word for it. */
  cause: string
  text: string
  /** When it began (epoch ms, whole seconds); null when it is not known. */
  atMs: number | null
}

/** Pod status.reason, as the kubelet and the node controller set it. */
const BY_POD_REASON: Readonly<Record<string, FailureReason>> = {
  Evicted: 'evicted',
  Preempting: 'preempted',
  Preempted: 'preempted',
  // Graceful node shutdown; Shutdown in older releases.
  Terminated: 'node_shutdown',
  NodeShutdown: 'node_shutdown',
  Shutdown: 'node_shutdown',
  NodeLost: 'node_lost',
}

/** Reason of the condition DisruptionTarget. TerminationByKubelet says nothing by itself: status.reason does. */
const BY_CONDITION_REASON: Readonly<Record<string, FailureReason>> = {
  PreemptionByScheduler: 'preempted',
  PreemptionByKubeScheduler: 'preempted',
  EvictionByEvictionAPI: 'evicted',
  DeletionByTaintManager: 'evicted',
  DeletionByPodGC: 'node_lost',
}

/** The kubelet ended the Pod, without deleting it: pressure on the node, a critical Pod, the node's shutdown or loss. */
export function kubeletDisruption(pod: PodView): Disruption | null {
  const target = trueCondition(pod.conditions, 'DisruptionTarget')
  const byKubelet = target?.reason === 'TerminationByKubelet' ? target : null
  const reason = BY_POD_REASON[pod.reason]
  const text = pod.message || (byKubelet?.message ?? '')
  if (reason !== undefined) return { reason, cause: pod.reason, text, atMs: target?.atMs ?? null }
  if (byKubelet) return { reason: 'evicted', cause: byKubelet.reason, text, atMs: byKubelet.atMs }
  const main = pod.containers.find((container) => container.role === 'task')?.state
  if (main?.kind === 'terminated' && main.reason === 'ContainerStatusUnknown')
    return { reason: 'node_lost', cause: main.reason, text: main.message, atMs: null }
  return null
}

/**
 * Why a Pod was deleted, by whoever. The scheduler and the eviction API set the condition before they delete the Pod, so without a deletion it is
 * only their intent, and the Pod's end its own.
 */
export function deletionOf(pod: PodView): Disruption {
  const target = trueCondition(pod.conditions, 'DisruptionTarget')
  const byKubelet = kubeletDisruption(pod)
  if (byKubelet && (BY_POD_REASON[pod.reason] !== undefined || !target)) return byKubelet
  if (target)
    return { reason: BY_CONDITION_REASON[target.reason] ?? 'evicted', cause: target.reason, text: target.message, atMs: target.atMs }
  return { reason: 'deleted', cause: 'Deleted', text: '', atMs: pod.deletedMs }
}
