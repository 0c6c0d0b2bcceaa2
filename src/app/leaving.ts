// What a stopping replica does when its tasks' namespace is being deleted: lets every Job go, because nobody will be there to report it and the
// namespace would hang on our finalizer. The replicas' Pods go before the Jobs do (Kubernetes 1.33 and newer).
import { isClosed, readVerdict } from '../reconcile/index.ts'
import { releaseJobs } from '../upkeep/release.ts'
import type { Shared } from './shared.ts'

/** To be called last, when nothing is delivered any more; needs the connection and the cache. Never throws. */
export function createLeaving(shared: Shared): () => Promise<void> {
  const { cluster, informer, common } = shared
  return async () => {
    // The waits of a retry do not keep the process up, and at this point nothing else might.
    const awake = setInterval(() => {}, 1_000)
    await leave().finally(() => clearInterval(awake))
  }

  async function leave(): Promise<void> {
    const namespace = await cluster.getNamespace()
    if (!namespace.ok) return common.log.debug({ cause: namespace.error.message }, 'the namespace could not be read')
    if (namespace.value.metadata.deletionTimestamp === undefined) return
    const jobs = [...informer.tasks.all()].map((task) => task.job)
    const released = await releaseJobs(
      {
        patchJob: cluster.patchJob,
        isClosed,
        readVerdict,
        onReleased: ({ job, owed, problem }) => {
          const facts = { task_id: job.annotations['task-id'], job: job.name, owed }
          if (problem === null) common.log.warn(facts, 'the namespace is being deleted: the Job was let go')
          else common.log.error({ ...facts, cause: problem }, 'the namespace is being deleted, and the Job could not be let go')
        },
      },
      jobs,
      { ttlSeconds: null },
    )
    common.log.warn({ jobs: released.length }, 'the namespace is being deleted: no Job holds it up any more')
  }
}
