// The Lease in the hands of several replicas: clocks that are wrong or jump, a holder that was killed, a process that was suspended. Time is moved by hand.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { KubeObject, KubeResult } from '../../src/model/kube-api.ts'
import { createElection, type Election, type LeaseApi } from '../../src/upkeep/lease.ts'

const DURATION_MS = 15_000
const running: Election[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((election) => election.stop()))
})

type Answer = KubeResult<KubeObject>
const refused = (status: number): Answer => ({
  ok: false,
  error: { status, reason: '', message: `status ${status}`, retryAfterMs: null, retryable: true, outcomeUnknown: status >= 500 },
})

/** One Lease, one monotonic time; each replica has a clock of its own. */
function world() {
  let lease: KubeObject | null = null
  let version = 0
  let nowMs = 0
  let timers: { atMs: number; run: () => void }[] = []
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const write = (next: unknown): Answer => {
    const { metadata, ...rest } = structuredClone(next) as KubeObject
    if (lease && metadata.resourceVersion !== lease.metadata.resourceVersion) return refused(409)
    lease = { ...rest, metadata: { ...metadata, resourceVersion: String(++version) } }
    return { ok: true, value: lease }
  }

  return {
    holder: (): unknown => (lease as (KubeObject & { spec?: { holderIdentity?: string } }) | null)?.spec?.holderIdentity,
    settle,
    /** Monotonic time goes by; timers of replicas that are `suspended` do not run. */
    async pass(ms: number): Promise<void> {
      const endMs = nowMs + ms
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        timers = timers.filter((timer) => timer !== next)
        nowMs = Math.max(nowMs, next.atMs)
        next.run()
        await settle()
      }
      nowMs = endMs
    },
    /** Time goes by and nobody's timers have run yet. */
    suspend(ms: number): void {
      nowMs += ms
    },
    replica(identity: string, options: { hasEnded?: (holder: string) => boolean } = {}) {
      const state = { clockMs: 1_800_000_000_000, reachable: true, writesAnswered: true, turns: [] as string[] }
      const written = (next: unknown): Answer => {
        if (!state.reachable) return refused(0)
        const answer = write(next)
        return state.writesAnswered ? answer : refused(0)
      }
      const api: LeaseApi = {
        getLease: async () => (!state.reachable ? refused(0) : lease ? { ok: true, value: structuredClone(lease) } : refused(404)),
        createLease: async (next) => written(next),
        updateLease: async (_name, next) => written(next),
      }
      const election = createElection(
        {
          api,
          clock: {
            now: () => state.clockMs + nowMs,
            after(delayMs, run) {
              const timer = { atMs: nowMs + delayMs, run }
              timers.push(timer)
              return () => {
                timers = timers.filter((other) => other !== timer)
              }
            },
          },
          elapsedMs: () => nowMs,
          ...(options.hasEnded ? { hasEnded: options.hasEnded } : {}),
          log: createLog({ level: 'silent', workerId: 'w1' }),
          metrics: createMetrics(),
          onLead: () => void state.turns.push('lead'),
          onYield: async () => void state.turns.push('yield'),
        },
        { name: 'l', identity, durationMs: DURATION_MS, labels: {} },
      )
      running.push(election)
      return { state, election, start: () => election.start() }
    },
  }
}

const HOUR_MS = 3_600_000

for (const [what, jumpMs] of [
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
] as const) {
  test(`a clock set ${what} by an hour neither takes the lease from another nor gives one’s own up`, async () => {
    const { replica, pass, settle, holder } = world()
    const a = replica('a')
    const b = replica('b')
    a.start()
    await settle()
    b.start()
    await pass(20_000)
    a.state.clockMs += jumpMs
    b.state.clockMs += jumpMs
    await pass(60_000)
    assert.deepEqual([holder(), a.state.turns, b.state.turns], ['a', ['lead'], []])
  })
}

test('a leader that cannot renew stops before another may begin, also with its clock set back meanwhile', async () => {
  const { replica, pass, settle, holder } = world()
  const a = replica('a')
  const b = replica('b')
  a.start()
  await settle()
  b.start()
  await pass(6_000)
  const signal = a.election.signal()
  a.state.reachable = false
  a.state.clockMs -= HOUR_MS
  while (holder() === 'a') {
    await pass(100)
    if (b.election.isLeader()) assert.equal(a.election.isLeader(), false, 'two leaders at once')
  }
  assert.ok(signal?.aborted, 'what ran under the lease was not broken off')
  assert.deepEqual([holder(), a.election.isLeader(), b.election.isLeader()], ['b', false, true])
})

test('a process that was suspended past its lease begins nothing, even before its timers have run', async () => {
  const { replica, settle, suspend } = world()
  const a = replica('a')
  a.start()
  await settle()
  assert.equal(a.election.isLeader(), true)
  suspend(DURATION_MS)
  assert.equal(a.election.isLeader(), false)
  assert.equal(a.election.signal()?.aborted, true)
})

test('a holder that is known to have ended is not waited for; any other is, for its whole duration', async () => {
  const { replica, pass, settle, holder } = world()
  const killed = replica('killed')
  killed.start()
  await settle()
  killed.state.reachable = false
  const b = replica('b', { hasEnded: (identity) => identity === 'killed' })
  b.start()
  await settle()
  assert.deepEqual([holder(), b.state.turns], ['b', ['lead']])
  b.state.reachable = false
  const c = replica('c', { hasEnded: () => false })
  c.start()
  await pass(DURATION_MS - 1_000)
  assert.deepEqual(c.state.turns, [])
  await pass(4_000)
  assert.deepEqual([holder(), c.state.turns], ['c', ['lead']])
})

test('a replica that stops after a write without an answer gives back the lease that it may hold', async () => {
  const { replica, settle, holder } = world()
  const a = replica('a')
  a.state.writesAnswered = false
  a.start()
  await settle()
  assert.deepEqual([holder(), a.election.isLeader()], ['a', false])
  a.state.writesAnswered = true
  await a.election.stop()
  assert.equal(holder(), '')
})
