// Applies a recorded watch stream, in a process of its own: through jobhook's informer into its cache, or split and parsed by hand into a Map.
import type { Readable } from 'node:stream'
import { request } from 'undici'
import { createInformer, LIST_PAGE_SIZE } from '../../src/informer/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { projectJob, projectPod } from '../../src/model/project.ts'
import { linesOf } from '../baselines/raw-watch.ts'
import { serveCalls } from '../lib/child.ts'

export interface Watching {
  side: 'jobhook' | 'raw'
  /** Serves the recorded streams at /jobs and /pods. */
  url: string
}

export interface WatchResult {
  seconds: number
  /** CPU microseconds for all events. */
  cpuUs: number
}

serveCalls({
  async run({ side, url }: Watching): Promise<WatchResult> {
    const open = async (resource: string): Promise<Readable> => (await request(`${url}/${resource}`)).body
    const apply = side === 'jobhook' ? ours(open) : byHand(open)
    const cpu = process.cpuUsage()
    const started = performance.now()
    await apply()
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - started) / 1000, cpuUs: user + system }
  },
})

function ours(open: (resource: string) => Promise<Readable>): () => Promise<void> {
  const common = { clock: systemClock, metrics: createMetrics(), log: createLog({ level: 'silent', workerId: 'bench' }) }
  const ended = new Set<string>()
  let done = (): void => {}
  const bothEnded = new Promise<void>((resolve) => {
    done = resolve
  })
  const informer = createInformer(
    {
      ...common,
      projectJob,
      projectPod,
      source: {
        list: async () => ({ ok: true, value: { items: [], resourceVersion: '1', continueToken: null } }),
        async watch(resource, _query, signal) {
          // The recording was read to its end: whoever asks again has applied all of it.
          if (ended.has(resource)) {
            ended.delete(resource)
            if (ended.size === 0) done()
            return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          }
          ended.add(resource)
          return { ok: true, value: await open(resource) }
        },
      },
    },
    { labelSelector: '', pageSize: LIST_PAGE_SIZE },
  )
  return async () => {
    informer.start()
    await bothEnded
  }
}

function byHand(open: (resource: string) => Promise<Readable>): () => Promise<void> {
  const objects = new Map<string, unknown>()
  const read = async (resource: string): Promise<void> => {
    for await (const line of linesOf(await open(resource))) {
      const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { name: string } } }
      const key = `${resource}/${object.metadata.name}`
      if (type === 'DELETED') objects.delete(key)
      else objects.set(key, object)
    }
  }
  return async () => {
    await Promise.all([read('jobs'), read('pods')])
  }
}
