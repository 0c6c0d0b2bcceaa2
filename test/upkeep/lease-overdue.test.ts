// A renewal that comes through after its time: found by the chaos run (seed 3, all requests frozen for 2 s under a lease of 3 s).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elapsedMs, systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { KubeObject, KubeResult } from '../../src/model/kube-api.ts'
import { createElection } from '../../src/upkeep/lease.ts'
import { until } from '../support/wait.ts'

test('a replica whose renewal hung until its lease was overdue leads again once it gets through', async () => {
  let stored: KubeObject | null = null
  let version = 0
  let hung: (() => void)[] | null = null
  const store = (lease: unknown): KubeResult<KubeObject> => {
    const { metadata, ...rest } = structuredClone(lease) as KubeObject
    stored = { ...rest, metadata: { ...metadata, resourceVersion: String(++version) } }
    return { ok: true, value: stored }
  }
  const passed = async (): Promise<void> => {
    const waiting = hung
    if (waiting) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const notFound = { status: 404, reason: 'NotFound', message: 'no', retryAfterMs: null, retryable: false, outcomeUnknown: false }
  const turns: string[] = []
  const election = createElection(
    {
      api: {
        async getLease() {
          await passed()
          return stored ? { ok: true, value: stored } : { ok: false, error: notFound }
        },
        createLease: async (lease) => store(lease),
        updateLease: async (_name, lease) => store(lease),
      },
      clock: systemClock,
      elapsedMs,
      log: createLog({ level: 'silent', workerId: 'w1' }),
      metrics: createMetrics(),
      onLead: () => void turns.push('lead'),
      onYield: async () => void turns.push('yield'),
    },
    { name: 'l', identity: 'a', durationMs: 500, labels: {} },
  )
  election.start()
  await until('it leads', election.isLeader)
  hung = []
  await until('its lease is overdue', () => !election.isLeader())
  const waiting: (() => void)[] = hung
  hung = null
  for (const resolve of waiting) resolve()
  await until('it leads again', election.isLeader)
  assert.deepEqual(turns, ['lead', 'yield', 'lead'])
  assert.equal(election.signal()?.aborted, false)
  await election.stop()
})
