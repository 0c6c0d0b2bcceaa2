// The Kubernetes client on a connection, as these tests need it: the real clock, metrics of its own, and nothing that waits for a place.
import { createKubeClient, type KubeClient } from '../../src/cluster/client.ts'
import { createConcurrency } from '../../src/cluster/concurrency.ts'
import type { Connection } from '../../src/cluster/connection.ts'
import { elapsedMs, systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'

export function clientOn(connection: Connection, userAgent = 't'): KubeClient {
  const concurrency = createConcurrency({ elapsedMs }, { most: 64 })
  return createKubeClient({ connection, concurrency, clock: systemClock, metrics: createMetrics(), userAgent })
}
