// Leader election by a Lease: one replica reports, polls, queues and sweeps. Safe against clocks that are wrong or jump: another holder's lease
// counts as expired only when it has not changed for a whole duration of our own monotonic time. Its requests use their own connection.
import { type Clock, sleep } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'

export interface LeaseApi {
  getLease(name: string, signal?: AbortSignal): Promise<KubeResult<KubeObject>>
  createLease(lease: unknown, signal?: AbortSignal): Promise<KubeResult<KubeObject>>
  updateLease(name: string, lease: unknown, signal?: AbortSignal): Promise<KubeResult<KubeObject>>
}

export interface Election {
  start(): void
  /** Gives the lease up (so that the next replica need not wait for its end) and stops. */
  stop(): Promise<void>
  isLeader(): boolean
  holder(): string | null
  /** Aborted when leadership ends or a renewal is overdue; null when not leading. */
  signal(): AbortSignal | null
}

interface LeaseSpec {
  holderIdentity?: string | null
  leaseDurationSeconds?: number
  acquireTime?: string | null
  renewTime?: string | null
  leaseTransitions?: number
}
interface Lease extends KubeObject {
  spec?: LeaseSpec
}

export function createElection(
  deps: {
    api: LeaseApi
    /** For the times in the Lease, which people read, and for waiting. */
    clock: Clock
    /** Monotonic, for every decision. */
    elapsedMs: () => number
    /** Whether a holder is a process of this machine that has ended: then nobody waits for its time to run out. */
    hasEnded?: (holder: string) => boolean
    log: Logger
    metrics: Metrics
    onLead: () => void
    /** Resolves when everything that only a leader may do has ended. */
    onYield: () => Promise<void>
  },
  options: { name: string; identity: string; durationMs: number; labels: Record<string, string> },
): Election {
  const { api, clock, log, elapsedMs } = deps
  const renewEveryMs = options.durationMs / 5
  /** We stop acting this long before others may take over. */
  const marginMs = options.durationMs / 5
  const stopping = new AbortController()
  let running: Promise<void> | null = null
  let leading: AbortController | null = null
  let validUntilMs = 0
  /** The last write had no answer: the Lease may be ours without our knowing. */
  let mayHold = false
  let lastHolder: string | null = null
  let observed: { version: string; sinceMs: number } | null = null

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = elapsedMs()
      const held = await tryHold(startedMs).catch((error: unknown) => {
        log.error({ err: error }, 'leader election: unexpected error')
        return false
      })
      if (signal.aborted) break
      if (leading && isOverdue(leading)) {
        // Also when this renewal came through, too late: what ran under the lease has been broken off, so leading begins anew.
        await loseLead('the lease could not be renewed in time')
        continue
      }
      if (held && !leading && elapsedMs() < validUntilMs) await becomeLeader()
      await sleep(clock, Math.max(50, startedMs + renewEveryMs - elapsedMs()), signal).catch(() => {})
    }
  }

  async function becomeLeader(): Promise<void> {
    leading = new AbortController()
    deps.metrics.leader.set(1)
    log.info({ identity: options.identity }, 'leading: this replica reports')
    watchOverdue(leading)
    deps.onLead()
  }

  /** A delivery must not outlive the lease: the signal is aborted at the time, even while a renewal hangs. */
  function watchOverdue(current: AbortController): void {
    clock.after(Math.max(10, validUntilMs - elapsedMs()), () => {
      if (leading === current && !isOverdue(current)) watchOverdue(current)
    })
  }

  /** Asked before anything is begun as well: in a process that was suspended the timer comes too late. */
  function isOverdue(current: AbortController): boolean {
    if (!current.signal.aborted && elapsedMs() >= validUntilMs) current.abort(new Error('the lease is overdue'))
    return current.signal.aborted
  }

  async function loseLead(why: string): Promise<void> {
    log.warn({ identity: options.identity }, `no longer leading: ${why}`)
    leading?.abort(new Error(why))
    leading = null
    validUntilMs = 0
    deps.metrics.leader.set(0)
    await deps.onYield()
  }

  /** One try to take or renew the lease. False also when the API did not answer; then validUntilMs decides. */
  async function tryHold(nowMs: number): Promise<boolean> {
    const requestSignal = AbortSignal.any([stopping.signal, AbortSignal.timeout(Math.max(1_000, options.durationMs / 2))])
    const read = await api.getLease(options.name, requestSignal).catch(unanswered)
    if (!read.ok) {
      if (read.error.status !== 404) return note(read.error.message)
      mayHold = true
      const created = await api.createLease(leaseBody(null), requestSignal).catch(unanswered)
      return created.ok ? hold(nowMs) : refused(created.error)
    }
    const lease = read.value as Lease
    const holder = lease.spec?.holderIdentity || null
    if (lastHolder !== holder) {
      lastHolder = holder
      if (holder !== null && holder !== options.identity) log.info({ holder }, 'another replica leads')
    }
    if (holder !== null && holder !== options.identity) {
      if (leading) await loseLead(`${holder} took the lease`)
      if (deps.hasEnded?.(holder)) log.info({ holder }, 'the holder of the lease was a process of this machine that has ended')
      else if (!hasExpired(lease, nowMs)) return false
    }
    mayHold = true
    const updated = await api.updateLease(options.name, leaseBody(lease), requestSignal).catch(unanswered)
    return updated.ok ? hold(nowMs) : refused(updated.error)
  }

  /** Unchanged for its whole duration while we looked. What its times say is not asked: they are another clock's. */
  function hasExpired(lease: Lease, nowMs: number): boolean {
    const version = lease.metadata.resourceVersion ?? ''
    if (observed?.version !== version) {
      observed = { version, sinceMs: nowMs }
      return false
    }
    const durationMs = (lease.spec?.leaseDurationSeconds ?? options.durationMs / 1000) * 1000
    return nowMs - observed.sinceMs >= durationMs
  }

  function refused(error: { status: number; message: string }): false {
    mayHold = error.status === 0 || error.status >= 500
    // Another replica was quicker: not an error.
    return error.status === 409 ? false : note(error.message)
  }

  function hold(nowMs: number): true {
    // Counted from before the request was sent: others count from when they saw it, which is later.
    validUntilMs = nowMs + options.durationMs - marginMs
    lastHolder = options.identity
    return true
  }

  function note(message: string): false {
    log.warn({ cause: message }, 'leader election: the lease could not be read or written; trying again')
    return false
  }

  function leaseBody(current: Lease | null): Lease {
    const spec = current?.spec ?? {}
    const taken = spec.holderIdentity !== options.identity
    const now = microTime(clock.now())
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: current ? current.metadata : { name: options.name, labels: options.labels },
      spec: {
        holderIdentity: options.identity,
        leaseDurationSeconds: Math.max(1, Math.ceil(options.durationMs / 1000)),
        acquireTime: taken ? now : (spec.acquireTime ?? now),
        renewTime: now,
        leaseTransitions: (spec.leaseTransitions ?? 0) + (taken && current ? 1 : 0),
      },
    }
  }

  async function release(): Promise<void> {
    const signal = AbortSignal.timeout(3_000)
    const read = await api.getLease(options.name, signal).catch(unanswered)
    if (!read.ok) return
    const lease = read.value as Lease
    if (lease.spec?.holderIdentity !== options.identity) return
    // An empty holder lets the next replica take over at once.
    await api
      .updateLease(options.name, { ...lease, spec: { ...lease.spec, holderIdentity: '', renewTime: microTime(clock.now()) } }, signal)
      .catch(unanswered)
  }

  return {
    start() {
      running ??= run(stopping.signal)
    },
    async stop() {
      stopping.abort(new Error('stopping'))
      await running
      if (leading) await loseLead('stopping')
      else if (!mayHold) return
      await release()
    },
    isLeader: () => leading !== null && !isOverdue(leading),
    holder: () => lastHolder,
    signal() {
      if (leading) isOverdue(leading)
      return leading?.signal ?? null
    },
  }
}

function unanswered(error: unknown): { ok: false; error: { status: number; message: string } } {
  return { ok: false, error: { status: 0, message: error instanceof Error ? error.message : String(error) } }
}

/** Kubernetes MicroTime: six digits of a second. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}
