// The long poll: fetches assignments from a control plane that cannot reach us. Asks only for as many as could start now, carries each out by the
// same submit as a webhook, and says by message id what became of it. What is not acknowledged is handed out again and recognised.
import { backoffMs } from '../lib/backoff.ts'
import { type Clock, sleep } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { AckResult, Failed, LeasedMessage, PollClient } from './poll-client.ts'
import { type Take, type Taken, taskIdOf } from './take.ts'

export interface Poller {
  /** From now on this replica polls. */
  lead(): void
  /** Asks for nothing more, finishes and acknowledges what it holds. */
  yieldLead(): Promise<void>
  status(): { ok: boolean; detail: string }
}

const BACKOFF = { baseMs: 1_000, capMs: 60_000 }
const LONGEST_RETRY_AFTER_MS = 300_000
/** Messages worked on at once. */
const AT_ONCE = 16
/** Between two requests when the control plane answers at once with nothing. */
const LEAST_GAP_MS = 1_000
/** How often a message whose outcome is not known, or an ack, is tried before the control plane's redelivery has to do. */
const TRIES = 4
const RETRY = { baseMs: 250, capMs: 2_000 }
/** What was handed out gets this long, also while this replica stops. */
const FINISH_MS = 20_000

export function createPoller(
  deps: {
    client: PollClient
    take: Take
    /** How many more tasks could start now. */
    free: () => number
    /** Calls back when that may have changed; the returned function ends it. */
    onFree: (listener: () => void) => () => void
    clock: Clock
    log: Logger
    random?: () => number
  },
  options: { waitSeconds: number; maxMessages: number },
): Poller {
  const { clock, log } = deps
  const backoff = { ...BACKOFF, ...(deps.random ? { random: deps.random } : {}) }
  let current: { stop: AbortController; done: Promise<void> } | null = null
  let state: { ok: boolean; detail: string } = { ok: true, detail: 'not polling: another replica leads' }

  /** An error nobody thought of must not end the polling for good. */
  async function runForEver(signal: AbortSignal): Promise<void> {
    for (let errors = 1; !signal.aborted; errors++) {
      try {
        await run(signal)
      } catch (error) {
        state = { ok: false, detail: 'an unexpected error; the log has it' }
        log.error({ err: error }, 'long poll: unexpected error')
        await pause(backoffMs(errors, backoff), signal)
      }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0
    let most = options.maxMessages
    while (!signal.aborted) {
      const max = Math.min(deps.free(), most)
      if (max < 1) {
        state = { ok: true, detail: 'waiting for capacity' }
        await untilFree(signal)
        continue
      }
      const askedMs = clock.now()
      const leased = await deps.client.lease(max, options.waitSeconds, signal)
      if (leased.kind === 'messages') {
        most = options.maxMessages
        if (leased.withoutId > 0)
          log.warn({ messages: leased.withoutId }, 'long poll: messages without an id were left out; each needs one')
        const took = await handle(leased.lease, leased.messages)
        failures = took ? 0 : failures + 1
        state = took
          ? { ok: true, detail: 'polling' }
          : { ok: false, detail: 'what was handed out could not be taken; the log has the reason' }
        // A control plane that hands out again at once must not meet a cluster that is away in a tight loop.
        if (!took) await pause(backoffMs(failures, backoff), signal)
      } else if (leased.kind === 'nothing') {
        failures = 0
        state = { ok: true, detail: 'polling' }
        await pause(askedMs + LEAST_GAP_MS - clock.now(), signal)
      } else if (!signal.aborted) {
        failures++
        if (leased.kind === 'too_large') most = 1
        await pause(waitAfter(leased, failures), signal)
      }
    }
  }

  function waitAfter(failed: Failed, failures: number): number {
    state = { ok: false, detail: failed.cause }
    const facts = { failures, cause: failed.cause }
    if (failed.kind === 'unauthenticated') log.error(facts, 'long poll: not let in; check poll.token (a file is read again at each try)')
    else log.warn(facts, 'long poll: failed; trying again')
    const retryAfterMs = failed.kind === 'failed' ? (failed.retryAfterMs ?? 0) : 0
    return Math.max(backoffMs(failures, backoff), Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS))
  }

  /** Also while stopping: what was handed out is finished, or handed back. False: nothing of it could be taken now. */
  async function handle(lease: string, messages: LeasedMessage[]): Promise<boolean> {
    const results: AckResult[] = []
    const signal = AbortSignal.timeout(FINISH_MS)
    const next = messages.values()
    /** By task: a cancellation that comes in one lease with its assignment must not look for a Job that is only being made. */
    const underWay = new Map<string, Promise<Taken>>()
    async function work(): Promise<void> {
      for (const { id, message } of next) {
        const taskId = taskIdOf(message)
        const before = taskId === null ? undefined : underWay.get(taskId)
        const taking = before ? before.then(() => takePatiently(id, message, signal)) : takePatiently(id, message, signal)
        if (taskId !== null) underWay.set(taskId, taking)
        const taken = await taking
        const result = ackOf(id, taken)
        if (result) results.push(result)
      }
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, messages.length) }, work))
    if (results.length > 0) await acknowledge(lease, results, signal)
    return results.some(({ result }) => result !== 'rejected')
  }

  async function takePatiently(id: string, message: unknown, signal: AbortSignal): Promise<Taken> {
    for (let tries = 1; ; tries++) {
      const taken = await deps.take(message, id)
      if (taken.kind !== 'unknown' || tries === TRIES || signal.aborted) return taken
      await pause(backoffMs(tries, RETRY), signal)
    }
  }

  async function acknowledge(lease: string, results: AckResult[], signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      const acked = await deps.client.ack(lease, results, signal)
      if (acked.kind === 'done') return
      // The lease has expired or is not known any more: the messages come again under another one.
      const final = acked.kind === 'failed' && acked.status >= 400 && acked.status < 500 && acked.status !== 408 && acked.status !== 429
      if (final || tries === TRIES || signal.aborted) {
        log.warn(
          { cause: acked.cause, messages: results.length },
          'long poll: not acknowledged; the messages will come again and be recognised',
        )
        return
      }
      const retryAfterMs = acked.kind === 'failed' ? (acked.retryAfterMs ?? 0) : 0
      await pause(Math.max(backoffMs(tries, RETRY), retryAfterMs), signal)
    }
  }

  function untilFree(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        unsubscribe()
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const unsubscribe = deps.onFree(() => {
        if (deps.free() >= 1) done()
      })
      // The cluster's own "wait" ends by time, not by a change.
      const cancel = clock.after(1_000, done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }

  async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
    if (delayMs > 0) await sleep(clock, delayMs, signal).catch(() => {})
  }

  return {
    lead() {
      if (current) return
      const stop = new AbortController()
      state = { ok: true, detail: 'polling' }
      current = { stop, done: runForEver(stop.signal) }
    },
    async yieldLead() {
      const running = current
      if (!running) return
      current = null
      running.stop.abort(new Error('not polling any more'))
      await running.done
      state = { ok: true, detail: 'not polling: another replica leads' }
    },
    status: () => state,
  }
}

function ackOf(id: string, taken: Taken): AckResult | null {
  switch (taken.kind) {
    case 'claimed':
    case 'heartbeat':
      return { id, result: 'claimed' }
    case 'cancelled':
      return { id, result: 'cancelled' }
    case 'invalid':
      return { id, result: 'invalid', reason: reasonOf(taken.refusal) }
    case 'rejected':
      return { id, result: 'rejected', reason: reasonOf(taken.refusal) }
    case 'unknown':
      return null
  }
}

function reasonOf(refusal: { code: string; detail: string }): string {
  return `${refusal.code}: ${refusal.detail}`.slice(0, 1_000)
}
