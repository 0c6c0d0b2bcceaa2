// A client of the API by hand, for the bursts: posts a canned Secret and Job for each assignment, watches the Pods, and posts a callback when one has
// ended. Nothing is checked, remembered, signed, retried or cleaned up.
import { Agent, request } from 'undici'
import { LABELS } from '../../src/model/keys.ts'
import { type Manifests, named } from '../lib/assignments.ts'
import { serveCalls } from '../lib/child.ts'
import { type Credentials, createRawClient, inParallel, jobsPath, podsPath, type RawClient, secretsPath } from '../lib/kube.ts'
import { watchRaw } from './raw-watch.ts'

interface Pod {
  metadata: { resourceVersion?: string; labels?: Record<string, string> }
  status?: { phase?: string }
}

let client: RawClient
let namespace = ''
let manifests: Manifests
const told = new Set<string>()

const workerOf = ({ job }: Manifests): string | undefined =>
  (JSON.parse(job) as { metadata: { labels: Record<string, string> } }).metadata.labels[LABELS.worker]

serveCalls({
  async prepare(options: { credentials: Credentials; manifests: Manifests; callbackUrl: string; connections: number }) {
    client = createRawClient(options.credentials, options.connections)
    namespace = options.credentials.namespace
    manifests = options.manifests
    const receivers = new Agent({ connections: 32, pipelining: 1 })
    const onPod = async (type: string, { metadata, status }: Pod): Promise<void> => {
      const job = metadata.labels?.['batch.kubernetes.io/job-name']
      if (type === 'DELETED' || job === undefined || told.has(job)) return
      if (status?.phase !== 'Succeeded' && status?.phase !== 'Failed') return
      told.add(job)
      const body = JSON.stringify({ type: 'task_completed', data: { task_id: job } })
      const answer = await request(options.callbackUrl, { method: 'POST', dispatcher: receivers, body })
      await answer.body.dump()
    }
    await watchRaw<Pod>(
      createRawClient(options.credentials, 2),
      podsPath(namespace),
      (type, pod) => void onPod(type, pod),
      new AbortController().signal,
      // In jobhook's bursts it must not tell of jobhook's tasks.
      `${LABELS.worker}=${workerOf(manifests)}`,
    )
  },
  async burst({ prefix, count, concurrency }: { prefix: string; count: number; concurrency: number }) {
    const startedMs = performance.timeOrigin + performance.now()
    await inParallel(count, concurrency, async (index) => {
      const name = `${prefix}-${index}`
      const secret = await client.sendOnly('POST', secretsPath(namespace), named(manifests.secret, name))
      const job = await client.sendOnly('POST', jobsPath(namespace), named(manifests.job, name))
      if (secret !== 201 || job !== 201) throw new Error(`${name}: Secret ${secret}, Job ${job}`)
    })
    return startedMs
  },
})
