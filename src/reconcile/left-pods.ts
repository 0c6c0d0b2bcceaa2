// A Job that has ended while a Pod of it runs on: its controller lost sight of the Pod (the end of an API server can do that) and looks at the Job no
// more. A task is not reported while it runs, and nobody else would end it: one live list tells whether it still runs, one deletion each ends it.
import type { Logger } from '../lib/log.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { PodView, TaskView } from '../model/kube.ts'
import type { KubeResult } from '../model/kube-api.ts'
import { isTerminal } from '../model/task-pod.ts'

/** `again`: the API did not answer; it is worth another try in a moment. */
export type LeftPodsResult = 'done' | 'again'

export type EndLeftPods = (task: TaskView, left: readonly { name: string; uid: string }[]) => Promise<LeftPodsResult>

export function createEndLeftPods(deps: {
  listPods: (jobName: string) => Promise<KubeResult<PodView[]>>
  deletePod: (name: string, uid: string) => Promise<KubeResult<null>>
  log: Logger
}): EndLeftPods {
  return async (task, left) => {
    const { job } = task
    const about = { task_id: job.annotations[ANNOTATIONS.taskId], job: job.name }
    const live = await deps.listPods(job.name)
    if (!live.ok) return live.error.retryable ? 'again' : 'done'
    const running = left.filter(({ uid }) => live.value.some((pod) => pod.uid === uid && pod.deletedMs === null && !isTerminal(pod)))
    for (const { name, uid } of running) {
      const deleted = await deps.deletePod(name, uid)
      if (deleted.ok) {
        deps.log.warn(
          { ...about, pod: name },
          'the Job has ended and its Pod runs on: its Job controller has lost sight of it; the Pod was deleted',
        )
      } else if (deleted.error.retryable) {
        return 'again'
      } else {
        const remedy = deleted.error.status === 403 ? '; jobhook doctor names the right that is missing' : ''
        const cause = `${deleted.error.reason}: ${deleted.error.message}`
        deps.log.warn({ ...about, pod: name, cause }, `the Job has ended, its Pod runs on and could not be deleted${remedy}`)
      }
    }
    return 'done'
  }
}
