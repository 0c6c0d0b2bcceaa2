/** Whether this one node can take a Pod. Pure; words its refusals as the real scheduler does. */
import { arch } from 'node:process'
import type { Pod } from '../types.ts'

export function schedulingProblem(pod: Pod, node: { full: boolean; nodeName: string }): { reason: string; message: string } | null {
  if ((pod.spec.schedulingGates ?? []).length > 0) {
    return { reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' }
  }
  const labels: Record<string, string> = {
    'kubernetes.io/hostname': node.nodeName,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': arch === 'x64' ? 'amd64' : arch,
  }
  const unmatched = Object.entries(pod.spec.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value)
  const elsewhere = (pod.spec.nodeName ?? '') !== '' && pod.spec.nodeName !== node.nodeName
  const preemption = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
  if (unmatched || elsewhere) {
    return {
      reason: 'Unschedulable',
      message: `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. ${preemption}`,
    }
  }
  return node.full ? { reason: 'Unschedulable', message: `0/1 nodes are available: 1 Too many pods. ${preemption}` } : null
}
