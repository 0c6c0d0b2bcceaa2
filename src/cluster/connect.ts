// Puts the cluster stage together: kubeconfig, connection, client, operations.
import { elapsedMs } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createKubeClient } from './client.ts'
import { createConcurrency } from './concurrency.ts'
import { type Connection, createConnection } from './connection.ts'
import { createReload, type KubeConfigSource, readKubeConfig } from './kubeconfig.ts'
import { type Cluster, createCluster } from './operations.ts'

/** `namespace` null: the current context's, else `default`. Throws with the remedy when there is no cluster to be found. */
export function connectCluster(
  deps: Pick<Parameters<typeof createKubeClient>[0], 'clock' | 'metrics' | 'userAgent' | 'onDate'> & { log?: Logger },
  options: { kubeconfig: KubeConfigSource; namespace: string | null; connections: number },
): { cluster: Cluster; connection: Connection } {
  const { kubeConfig, namespace } = readKubeConfig(options.kubeconfig)
  const connection = createConnection(
    { kubeConfig, reload: createReload(options.kubeconfig, kubeConfig), elapsedMs },
    // Bookmarks come about once a minute: two and a half minutes of silence mean a dead watch.
    { connections: options.connections, connectTimeoutMs: 5_000, watchIdleMs: 150_000 },
  )
  const most = options.connections
  const concurrency = createConcurrency({ elapsedMs, onLimit: tellOfLimit(deps, most) }, { most })
  const client = createKubeClient({ connection, concurrency, ...deps })
  return { connection, cluster: createCluster({ client }, { namespace: options.namespace ?? namespace ?? 'default' }) }
}

const TELL_EVERY_MS = 60_000

/** The gauge always; a line now and then, because the limit moves with every few requests while the API server refuses some. */
function tellOfLimit({ metrics, log }: { metrics: Metrics; log?: Logger }, most: number): (limit: number) => void {
  let toldAtMs = Number.NEGATIVE_INFINITY
  metrics.kubeConcurrency.set(most)
  return (limit) => {
    metrics.kubeConcurrency.set(limit)
    if (limit === most || elapsedMs() - toldAtMs < TELL_EVERY_MS) return
    toldAtMs = elapsedMs()
    log?.warn(
      { at_once: limit, most },
      'the Kubernetes API refuses requests (429): fewer go at once; a FlowSchema with a priority level of its own grants jobhook more',
    )
  }
}
