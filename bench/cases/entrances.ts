// The three ways a task gets into the cluster, ready to be loaded side by side: through jobhook, through the bare relay, and by raw posts.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Manifests, manifestsOf } from '../lib/assignments.ts'
import { startChild } from '../lib/child.ts'
import { configOf, startJobhook, WEBHOOK_SECRET } from '../lib/jobhook.ts'
import type { Plane } from '../lib/plane.ts'
import { cpuSecondsOf } from '../lib/process-usage.ts'
import type { Load, LoadResult, Target } from '../load/generator.ts'
import type { Context } from '../model.ts'

export type Side = 'jobhook' | 'relay' | 'raw'

/** As many as jobhook's own default (limits.kube_connections). */
const CONNECTIONS = 64

/** On a bare plane no Job ever gets a Pod: jobhook must not take that for a failure. */
const NO_PODS = { deadlines: { drain_delay: '0s', create: '2h' } }

/** The same bytes as jobhook's but for the worker's label: jobhook's informer must not carry the baselines' Jobs. */
export function baselineManifests(plane: Plane, options: Parameters<typeof configOf>[0]): Manifests {
  const configFile = join(plane.folder, 'manifests.yaml')
  writeFileSync(configFile, stringify({ ...configOf(options), worker_id: 'other' }), { mode: 0o600 })
  return manifestsOf(configFile, plane.namespace)
}

/** A run takes a few seconds and differs from the next by a third: for the record there are more of them. */
export const runsOf = ({ runs, quick }: Pick<Context, 'runs' | 'quick'>): number => (quick ? runs : runs + 4)

export interface Entrances {
  load(side: Side, load: Omit<Load, 'target'>): Promise<LoadResult>
  /** CPU seconds of the process that stands between load and API server, so far. */
  cpuSeconds(side: 'jobhook' | 'relay'): number
  stop(): Promise<void>
}

export async function startEntrances(plane: Plane): Promise<Entrances> {
  const generator = startChild(join(import.meta.dirname, '../load/generator.ts'))
  const observer = startChild(join(import.meta.dirname, '../load/observer.ts'))
  const relay = startChild(join(import.meta.dirname, '../baselines/relay.ts'))
  const callbackUrl = await observer.call<string>('listen')
  const options = { kubeconfig: plane.kubeconfig, callbackUrl, config: NO_PODS }
  const manifests = baselineManifests(plane, options)
  const relayUrl = await relay.call<string>('listen', { credentials: plane.account, manifests, connections: CONNECTIONS })
  const jobhook = await startJobhook({ folder: plane.folder, ...options })
  const targets: Record<Side, Target> = {
    jobhook: { kind: 'webhook', url: `${jobhook.url}/v1/webhook`, secret: WEBHOOK_SECRET },
    relay: { kind: 'webhook', url: relayUrl, secret: WEBHOOK_SECRET },
    raw: { kind: 'raw', credentials: plane.account, manifests },
  }
  return {
    load: (side, load) => generator.call<LoadResult>('run', { target: targets[side], ...load }),
    cpuSeconds: (side) => (side === 'jobhook' ? jobhook.cpuSeconds() : cpuSecondsOf(relay.pid)),
    async stop() {
      await Promise.all([jobhook.stop(), generator.stop(), relay.stop(), observer.stop()])
    },
  }
}
