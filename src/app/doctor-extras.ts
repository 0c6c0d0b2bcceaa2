// Wires two of doctor's checks that need other stages: what the sweeper would find, and whether the long poll is served.

import { createTransport, proxyOfEnvironment } from '../callback/index.ts'
import type { connectCluster } from '../cluster/index.ts'
import type { Config, Settings } from '../config/index.ts'
import { createPollClient, createTokenReader } from '../intake/index.ts'
import { workerLabel } from '../jobspec/index.ts'
import type { Clock } from '../lib/clock.ts'
import { createMetrics } from '../lib/metrics.ts'
import { LABELS, MANAGED_BY, TASK_APP_NAME } from '../model/keys.ts'
import { type CheckResult, checkLeftovers, checkPoll } from '../preflight/index.ts'
import { findOrphans } from '../upkeep/orphans.ts'

const POLL_TIMEOUT_MS = 15_000

interface About {
  config: Config
  settings: Settings
  clock: Clock
  userAgent: string
  env: Readonly<Record<string, string | undefined>>
}

/** With a cluster that answers. */
export async function leftovers(cluster: ReturnType<typeof connectCluster>['cluster'], about: About): Promise<CheckResult[]> {
  const { config, settings, clock } = about
  if (!config.sweep_secrets) return [checkLeftovers(null)]
  const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.worker]: workerLabel(settings.workerId), [LABELS.name]: TASK_APP_NAME }
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  const found = await findOrphans({ ...cluster, cachedSecretOf: () => null, clock }, { labelSelector })
  // Credentials or a right that is missing for the look has its own line already.
  if (found.error?.status === 401 || found.error?.status === 403) return []
  return [checkLeftovers(found)]
}

/** Asks for no message and does not wait: nothing can be handed out to a doctor. As the service connects: same proxy, same authorities. */
export async function longPoll({ config, settings, clock, userAgent, env }: About): Promise<CheckResult[]> {
  if (!config.poll) return []
  const transport = createTransport({
    connections: 1,
    connectTimeoutMs: POLL_TIMEOUT_MS,
    tls: { ...settings.callbackTls, certFile: null, keyFile: null },
    proxy: proxyOfEnvironment(env),
    allowPrivate: false,
  })
  try {
    const client = createPollClient(
      { token: createTokenReader(config.poll.token, env), dispatcher: transport.trusted, clock, metrics: createMetrics() },
      { url: config.poll.url, workerId: settings.workerId, userAgent },
    )
    return checkPoll(config.poll.url, await client.lease(0, 0, AbortSignal.timeout(POLL_TIMEOUT_MS)))
  } finally {
    await transport.close()
  }
}
