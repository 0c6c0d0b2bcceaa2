// Wires two of doctor's checks that need other stages: what the sweeper would find, and whether the long poll is served.
import { Agent } from 'undici'
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

export async function doctorExtras(
  cluster: ReturnType<typeof connectCluster>['cluster'],
  from: { config: Config; settings: Settings; clock: Clock; userAgent: string; env: Readonly<Record<string, string | undefined>> },
): Promise<CheckResult[]> {
  const { config, settings, clock } = from
  const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.worker]: workerLabel(settings.workerId), [LABELS.name]: TASK_APP_NAME }
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  const found = config.sweep_secrets ? await findOrphans({ ...cluster, cachedSecretOf: () => null, clock }, { labelSelector }) : null
  // Said only when there is something: a right that is missing for the look has its own line already.
  const leftovers = found && found.orphans.length > 0 ? [checkLeftovers(found)] : []
  return [...leftovers, ...(await pollChecks(from))]
}

/** Asks for no message and does not wait: nothing can be handed out to a doctor. */
async function pollChecks({ config, settings, clock, userAgent, env }: Parameters<typeof doctorExtras>[1]): Promise<CheckResult[]> {
  if (!config.poll) return []
  const dispatcher = new Agent({ connections: 1 })
  try {
    const client = createPollClient(
      { token: createTokenReader(config.poll.token, env), dispatcher, clock, metrics: createMetrics() },
      { url: config.poll.url, workerId: settings.workerId, userAgent },
    )
    return checkPoll(config.poll.url, await client.lease(0, 0, AbortSignal.timeout(POLL_TIMEOUT_MS)))
  } finally {
    await dispatcher.destroy()
  }
}
