// The one shared informer cache: two reflectors (Jobs, Pods) selected by our labels, joined into tasks.
import type { Readable } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { JobView, PodView } from '../model/kube.ts'
import type { KubeResult, ListPage } from '../model/kube-api.ts'
import { createReflector, type ReflectorOptions, type ReflectorStatus } from './reflector.ts'
import { createStore } from './store.ts'
import { createTaskCache, type TaskCache } from './tasks.ts'

export type { TaskCache } from './tasks.ts'

/** What the informer asks of the cluster; the composition root hands in the real one. */
export interface InformerSource {
  list(
    resource: 'jobs' | 'pods',
    query: { labelSelector: string; limit: number; continueToken: string | null },
    signal: AbortSignal,
  ): Promise<KubeResult<ListPage>>
  watch(
    resource: 'jobs' | 'pods',
    query: { labelSelector: string; resourceVersion: string; timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<KubeResult<Readable>>
}

/** Objects asked for in one page of a list: parsing one blocks the loop, for some 20 ms on a quiet machine. */
export const LIST_PAGE_SIZE = 400

export interface Informer {
  tasks: TaskCache
  start(): void
  stop(): Promise<void>
  /** Both resources have been listed once. */
  synced(): boolean
  /** The longest silence of the two, in milliseconds. */
  staleMs(): number
  status(): { jobs: ReflectorStatus; pods: ReflectorStatus }
}

export function createInformer(
  deps: {
    source: InformerSource
    projectJob: (raw: unknown) => JobView
    projectPod: (raw: unknown) => PodView
    clock: Clock
    log: Logger
    metrics: Metrics
  },
  options: {
    labelSelector: string
    pageSize: number
    watchSeconds?: NonNullable<ReflectorOptions['watchSeconds']>
    backoff?: NonNullable<ReflectorOptions['backoff']>
  },
): Informer {
  const tasks = createTaskCache()
  const { labelSelector, ...reflectorOptions } = options
  const { source, ...common } = deps
  const sourceOf = (resource: 'jobs' | 'pods') => ({
    list: (query: { limit: number; continueToken: string | null }, signal: AbortSignal) =>
      source.list(resource, { labelSelector, ...query }, signal),
    watch: (query: { resourceVersion: string; timeoutSeconds: number }, signal: AbortSignal) =>
      source.watch(resource, { labelSelector, ...query }, signal),
  })
  const jobs = createReflector(
    { ...common, source: sourceOf('jobs'), store: createStore<JobView>(tasks.applyJob), project: deps.projectJob },
    { ...reflectorOptions, resource: 'jobs' },
  )
  const pods = createReflector(
    { ...common, source: sourceOf('pods'), store: createStore<PodView>(tasks.applyPod), project: deps.projectPod },
    { ...reflectorOptions, resource: 'pods' },
  )
  const status = () => ({ jobs: jobs.status(), pods: pods.status() })
  return {
    tasks,
    start() {
      jobs.start()
      pods.start()
    },
    async stop() {
      await Promise.all([jobs.stop(), pods.stop()])
    },
    synced: () => jobs.status().synced && pods.status().synced,
    staleMs: () => Math.max(jobs.status().staleMs, pods.status().staleMs),
    status,
  }
}
