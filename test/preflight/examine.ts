// Runs preflight's rounds against a given API, wired as the service wires them, and counts the requests.
import assert from 'node:assert/strict'
import { preflightOptions } from '../../src/app/preflight.ts'
import { connectCluster } from '../../src/cluster/index.ts'
import { type Config, jobSpecOptions, loadConfig, settingsOf } from '../../src/config/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { CheckResult, runAll, runBlocking } from '../../src/preflight/index.ts'

export function configOf(content: Record<string, unknown> = {}): Config {
  const loaded = loadConfig({
    file: null,
    env: {},
    content: { worker_id: 'w1', ...content, backend: { kubernetes: { namespace: 'agents', ...(content.backend as object) } } },
  })
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return loaded.config
}

export async function examine(
  config: Config,
  kubeconfig: string,
  run: typeof runAll | typeof runBlocking,
): Promise<{ results: CheckResult[]; requests: number }> {
  const metrics = createMetrics()
  const settings = settingsOf(config)
  const connected = connectCluster(
    { clock: systemClock, metrics, userAgent: 'test' },
    { kubeconfig: { kind: 'text', text: kubeconfig }, namespace: settings.namespace, connections: 8 },
  )
  try {
    const spec = jobSpecOptions(config, settings, connected.cluster.namespace, {})
    const options = preflightOptions({ config, settings, spec, userAgent: 'test', server: connected.connection.origin, env: {} })
    const results = await run({ api: connected.cluster, clock: systemClock }, options)
    const counted = await metrics.kubeRequests.get()
    return { results, requests: counted.values.reduce((sum, { value }) => sum + value, 0) }
  } finally {
    await connected.connection.close()
  }
}
