// Puts the cluster stage together: kubeconfig, connection, client, operations.
import type { Clock } from '../lib/clock.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createKubeClient } from './client.ts'
import { type Connection, createConnection } from './connection.ts'
import { type KubeConfigSource, readKubeConfig } from './kubeconfig.ts'
import { type Cluster, createCluster } from './operations.ts'

/** `namespace` null: the current context's, else `default`. Throws with the remedy when there is no cluster to be found. */
export function connectCluster(
  deps: { clock: Clock; metrics: Metrics; userAgent: string },
  options: { kubeconfig: KubeConfigSource; namespace: string | null; connections: number },
): { cluster: Cluster; connection: Connection } {
  const { kubeConfig, namespace } = readKubeConfig(options.kubeconfig)
  const connection = createConnection(
    { kubeConfig, clock: deps.clock },
    // Bookmarks come about once a minute: two and a half minutes of silence mean a dead watch.
    { connections: options.connections, connectTimeoutMs: 5_000, watchIdleMs: 150_000 },
  )
  const client = createKubeClient({ connection, clock: deps.clock, metrics: deps.metrics, userAgent: deps.userAgent })
  return { connection, cluster: createCluster({ client }, { namespace: options.namespace ?? namespace ?? 'default' }) }
}
