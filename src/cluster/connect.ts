// Puts the cluster stage together: kubeconfig, connection, client, operations.
import { elapsedMs } from '../lib/clock.ts'
import { createKubeClient } from './client.ts'
import { type Connection, createConnection } from './connection.ts'
import { createReload, type KubeConfigSource, readKubeConfig } from './kubeconfig.ts'
import { type Cluster, createCluster } from './operations.ts'

/** `namespace` null: the current context's, else `default`. Throws with the remedy when there is no cluster to be found. */
export function connectCluster(
  deps: Pick<Parameters<typeof createKubeClient>[0], 'clock' | 'metrics' | 'userAgent' | 'onDate'>,
  options: { kubeconfig: KubeConfigSource; namespace: string | null; connections: number },
): { cluster: Cluster; connection: Connection } {
  const { kubeConfig, namespace } = readKubeConfig(options.kubeconfig)
  const connection = createConnection(
    { kubeConfig, reload: createReload(options.kubeconfig, kubeConfig), elapsedMs },
    // Bookmarks come about once a minute: two and a half minutes of silence mean a dead watch.
    { connections: options.connections, connectTimeoutMs: 5_000, watchIdleMs: 150_000 },
  )
  const client = createKubeClient({ connection, ...deps })
  return { connection, cluster: createCluster({ client }, { namespace: options.namespace ?? namespace ?? 'default' }) }
}
