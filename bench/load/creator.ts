// Creates Jobs from within one process, by jobhook's own client or by the official one, and counts the CPU it takes.
import { BatchV1Api, KubeConfig, type V1Job } from '@kubernetes/client-node'
import { connectCluster } from '../../src/cluster/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { named } from '../lib/assignments.ts'
import { serveCalls } from '../lib/child.ts'
import { inParallel } from '../lib/kube.ts'

export interface Creation {
  client: 'jobhook' | 'client-node'
  kubeconfig: string
  namespace: string
  /** JSON with a placeholder in the name. */
  job: string
  prefix: string
  count: number
  concurrency: number
}

export interface CreationResult {
  perSecond: number
  /** CPU seconds of this process for 1,000 Jobs. */
  cpuPerThousand: number
}

type Create = (job: V1Job) => Promise<void>
const clients = new Map<string, Create>()

serveCalls({
  async run(creation: Creation): Promise<CreationResult> {
    const create = clientOf(creation)
    const work = async (index: number): Promise<void> => create(JSON.parse(named(creation.job, `${creation.prefix}-${index}`)) as V1Job)
    const cpu = process.cpuUsage()
    const started = performance.now()
    await inParallel(creation.count, creation.concurrency, work)
    const seconds = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: creation.count / seconds, cpuPerThousand: ((user + system) / 1e6 / creation.count) * 1000 }
  },
})

function clientOf({ client, kubeconfig, namespace }: Creation): Create {
  const known = clients.get(client)
  if (known) return known
  const made = client === 'jobhook' ? ours(kubeconfig, namespace) : official(kubeconfig, namespace)
  clients.set(client, made)
  return made
}

function ours(kubeconfig: string, namespace: string): Create {
  const { cluster } = connectCluster(
    { clock: systemClock, metrics: createMetrics(), userAgent: 'jobhook-bench' },
    { kubeconfig: { kind: 'file', path: kubeconfig }, namespace, connections: 64 },
  )
  return async (job) => {
    const created = await cluster.createJob(job)
    if (!created.ok) throw new Error(`createJob: ${created.error.message}`)
  }
}

function official(kubeconfig: string, namespace: string): Create {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const api = config.makeApiClient(BatchV1Api)
  return async (job) => void (await api.createNamespacedJob({ namespace, body: job }))
}
