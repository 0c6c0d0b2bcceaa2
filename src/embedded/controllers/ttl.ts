/** Deletes finished Jobs whose ttlSecondsAfterFinished has run out: in the foreground, so a finalizer keeps the Job while its Pods go. */
import type { Cluster } from '../cluster.ts'
import { parseTime } from '../time.ts'
import type { Job, KubeObject } from '../types.ts'
import type { Controller } from './garbage.ts'
import { createWorkQueue } from './queue.ts'

export function startTtlController(cluster: Cluster, log: (line: string) => void): Controller {
  const { store, registry, jobs } = cluster
  const queue = createWorkQueue(check, log)

  function check(key: string): void {
    const [namespace = '', name = ''] = key.split('/')
    const job = store.get(jobs.key, namespace, name) as Job | undefined
    const due = job === undefined || job.metadata.deletionTimestamp !== undefined ? null : expiry(job)
    if (job === undefined || due === null) return
    const left = due - Date.now()
    if (left > 0) queue.addAfter(key, left)
    else registry.delete(jobs, namespace, name, { propagationPolicy: 'Foreground', preconditions: { uid: job.metadata.uid } })
  }

  function look(object: KubeObject): void {
    if (expiry(object as Job) !== null) queue.add(`${object.metadata.namespace}/${object.metadata.name}`)
  }

  for (const job of store.list(jobs.key, '')) look(job)
  const unsubscribe = store.subscribe(jobs.key, ({ type, object }) => {
    if (type !== 'DELETED') look(object)
  })
  return {
    close() {
      unsubscribe()
      queue.close()
    },
  }
}

/** When the Job is to go, in milliseconds since 1970, or null when it is not finished or has no TTL. */
function expiry(job: Job): number | null {
  const seconds = job.spec.ttlSecondsAfterFinished
  const finished = job.status.conditions?.find(
    (condition) => (condition.type === 'Complete' || condition.type === 'Failed') && condition.status === 'True',
  )
  if (seconds === undefined || finished === undefined) return null
  return parseTime(finished.lastTransitionTime) + seconds * 1000
}
