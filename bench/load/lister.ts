// Reads everything of one resource into memory, in a process of its own: by jobhook's informer as the service wires it, or by hand.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { listRaw } from '../baselines/raw-list.ts'
import { serveCalls } from '../lib/child.ts'
import { createRawClient, jobsPath, podsPath, readCredentials } from '../lib/kube.ts'
import { memoryOf } from '../lib/process-usage.ts'

export interface Listing {
  side: 'jobhook' | 'raw'
  kubeconfig: string
  resource: 'jobs' | 'pods'
  labelSelector: string
  namespace: string
}

export interface ListResult {
  seconds: number
  peakMb: number
  /** The longest that the event loop was not free. */
  blockedMs: number
  objects: number
}

const RESOLUTION_MS = 5

serveCalls({
  async run(listing: Listing): Promise<ListResult> {
    const read = listing.side === 'jobhook' ? await ours(listing) : byHand(listing)
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    delay.enable()
    const started = performance.now()
    const objects = await read()
    const seconds = (performance.now() - started) / 1000
    // The last block shows only once the loop has turned.
    await new Promise((resolve) => setTimeout(resolve, 4 * RESOLUTION_MS))
    delay.disable()
    return { seconds, peakMb: memoryOf(process.pid).peakMb, blockedMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS), objects }
  },
})

async function ours(listing: Listing): Promise<() => Promise<number>> {
  const [
    { connectCluster },
    { createInformer, LIST_PAGE_SIZE },
    { systemClock },
    { createMetrics },
    { createLog },
    { projectJob, projectPod },
  ] = await Promise.all([
    import('../../src/cluster/index.ts'),
    import('../../src/informer/index.ts'),
    import('../../src/lib/clock.ts'),
    import('../../src/lib/metrics.ts'),
    import('../../src/lib/log.ts'),
    import('../../src/model/project.ts'),
  ])
  const common = { clock: systemClock, metrics: createMetrics(), log: createLog({ level: 'warn', workerId: 'bench' }) }
  const { cluster } = connectCluster(
    { ...common, userAgent: 'jobhook-bench' },
    { kubeconfig: { kind: 'file', path: listing.kubeconfig }, namespace: listing.namespace, connections: 64 },
  )
  const informer = createInformer(
    { ...common, source: cluster, projectJob, projectPod },
    { labelSelector: listing.labelSelector, pageSize: LIST_PAGE_SIZE },
  )
  return async () => {
    informer.start()
    while (!informer.synced()) await new Promise((resolve) => setTimeout(resolve, 2))
    const { values } = await common.metrics.informerObjects.get()
    return values.find(({ labels }) => labels.resource === listing.resource)?.value ?? 0
  }
}

let kept: unknown = null

function byHand(listing: Listing): () => Promise<number> {
  const client = createRawClient(readCredentials(listing.kubeconfig), 2)
  const path = (listing.resource === 'jobs' ? jobsPath : podsPath)(listing.namespace)
  return async () => {
    const objects = await listRaw(client, path, listing.labelSelector)
    kept = objects
    return objects.size
  }
}

process.on('exit', () => void kept)
