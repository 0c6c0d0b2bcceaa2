// Which of a task's Pods tells of the task (almost always there is one), and whether a Pod has come to its end.
import type { PodView } from './kube.ts'

/**
 * The newest that still exists, else the newest that was seen. But of two at once, which the Job controller makes when it has not heard of its first,
 * the one that it takes back says nothing of the task. A disrupted Pod was replaced by the one after it.
 */
export function podThatCounts(pods: readonly PodView[]): PodView | null {
  const newest = pods.findLast((pod) => !pod.gone) ?? pods.at(-1) ?? null
  if (pods.length < 2 || newest?.deletedMs === null) return newest
  return pods.findLast((pod) => !pod.gone && pod.deletedMs === null && !isDisrupted(pod)) ?? newest
}

export function isTerminal({ phase }: Pick<PodView, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

function isDisrupted({ conditions }: PodView): boolean {
  return conditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
}
