/** Carries out what job-plan.ts decides: creates and deletes the Pods of Jobs, keeps their status. Runs no process itself. */
import type { Cluster } from '../cluster.ts'
import { sameJson } from '../json.ts'
import { ApiError } from '../status.ts'
import type { Job, KubeObject, Pod } from '../types.ts'
import type { Controller } from './garbage.ts'
import { planJob, TRACKING_FINALIZER } from './job-plan.ts'
import type { OwnerIndex } from './owners.ts'
import { createWorkQueue } from './queue.ts'

export function startJobController(cluster: Cluster, owners: OwnerIndex, log: (line: string) => void): Controller {
  const { store, registry, jobs, pods } = cluster
  const queue = createWorkQueue(sync, log)
  const abandoned = createWorkQueue((key) => releaseAbandoned(key), log)

  function podsOf(job: Job): Pod[] {
    const found: Pod[] = []
    for (const { resource, namespace, name } of owners.dependents(job.metadata.uid)) {
      const pod = resource === pods.key ? store.get(pods.key, namespace, name) : undefined
      if (pod !== undefined) found.push(pod as Pod)
    }
    return found
  }

  function sync(key: string): void {
    const [namespace = '', name = ''] = key.split('/')
    const job = store.get(jobs.key, namespace, name) as Job | undefined
    if (job === undefined || (job.spec.managedBy ?? 'kubernetes.io/job-controller') !== 'kubernetes.io/job-controller') return
    const plan = planJob(job, podsOf(job), Date.now())
    for (let index = 0; index < plan.create; index += 1) createPod(job)
    if (!sameJson(plan.status, job.status)) {
      cluster.writeStatus(jobs, job, (copy) => {
        copy.status = plan.status
      })
    }
    for (const pod of plan.release) release(pod)
    for (const pod of plan.remove) removePod(job, pod)
    for (const event of plan.events) cluster.recordEvent(job, { ...event, from: 'job-controller' })
    if (plan.again) queue.add(key)
    if (plan.againMs !== null) queue.addAfter(key, plan.againMs)
  }

  function createPod(job: Job): void {
    const { metadata, spec } = job.spec.template
    const body = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        generateName: `${job.metadata.name}-`,
        namespace: job.metadata.namespace,
        ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
        ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
        finalizers: [...(metadata?.finalizers ?? []), TRACKING_FINALIZER],
        ownerReferences: [
          {
            apiVersion: 'batch/v1',
            kind: 'Job',
            name: job.metadata.name,
            uid: job.metadata.uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec,
    }
    const pod = registry.create(pods, job.metadata.namespace ?? '', body as unknown as KubeObject) // the registry fills in the rest of the metadata
    cluster.recordEvent(job, {
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.metadata.name}`,
      from: 'job-controller',
    })
  }

  function removePod(job: Job, pod: Pod): void {
    const { namespace = '', name, uid } = pod.metadata
    try {
      registry.delete(pods, namespace, name, { preconditions: { uid } })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error // gone already
    }
    cluster.recordEvent(job, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}`, from: 'job-controller' })
  }

  function release(pod: Pod): void {
    const { namespace = '', name, uid } = pod.metadata
    const current = store.get(pods.key, namespace, name)
    if (current?.metadata.uid !== uid || current.metadata.finalizers?.includes(TRACKING_FINALIZER) !== true) return
    registry.update(pods, namespace, name, (copy) => {
      copy.metadata.finalizers = (copy.metadata.finalizers ?? []).filter((finalizer) => finalizer !== TRACKING_FINALIZER)
      return copy
    })
  }

  /** A Pod whose Job is no more, or which no longer names it, must not be held by our finalizer. */
  function releaseAbandoned(key: string): void {
    const [namespace = '', name = ''] = key.split('/')
    const pod = store.get(pods.key, namespace, name) as Pod | undefined
    if (pod === undefined || ownerJob(pod) !== null) return
    release(pod)
  }

  function ownerJob(pod: KubeObject): string | null {
    const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true && reference.kind === 'Job')
    if (owner === undefined) return null
    const key = `${pod.metadata.namespace}/${owner.name}`
    return store.get(jobs.key, pod.metadata.namespace ?? '', owner.name)?.metadata.uid === owner.uid ? key : null
  }

  function podChanged(pod: KubeObject): void {
    const owner = ownerJob(pod)
    if (owner !== null) queue.add(owner)
    else if (pod.metadata.finalizers?.includes(TRACKING_FINALIZER) === true) abandoned.add(`${pod.metadata.namespace}/${pod.metadata.name}`)
  }

  for (const job of store.list(jobs.key, '')) queue.add(`${job.metadata.namespace}/${job.metadata.name}`)
  const stopJobs = store.subscribe(jobs.key, ({ type, object }) => {
    if (type !== 'DELETED') queue.add(`${object.metadata.namespace}/${object.metadata.name}`)
    else
      for (const { resource, namespace, name } of owners.dependents(object.metadata.uid))
        if (resource === pods.key) abandoned.add(`${namespace}/${name}`)
  })
  const stopPods = store.subscribe(pods.key, ({ object }) => podChanged(object))
  return {
    close() {
      stopJobs()
      stopPods()
      queue.close()
      abandoned.close()
    },
  }
}
