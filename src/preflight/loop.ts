// Preflight at the start of the service: runs the blocking checks in the background, again and again until they pass, and then never again. After
// that an API server that is away is the informer's business: it must not take every replica out of the Service.
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { CheckResult } from './check.ts'

export interface PreflightLoop {
  start(): void
  stop(): void
  /** For readyz. Not ok until it has passed once. */
  status(): { ok: boolean; detail: string }
}

const RETRY = { baseMs: 1_000, capMs: 30_000 }

export function createPreflightLoop(deps: {
  run: () => Promise<CheckResult[]>
  /** Run once after they have passed; only logged. */
  afterwards: (signal: AbortSignal) => Promise<CheckResult[]>
  clock: Clock
  log: Logger
}): PreflightLoop {
  const stopping = new AbortController()
  let passed = false
  let reason: string | null = null
  let failures = 0
  let cancelRetry = (): void => {}

  async function round(): Promise<void> {
    const results = await deps.run()
    if (stopping.signal.aborted) return
    const blocking = results.filter((result) => result.blocking && result.status === 'failed')
    if (blocking.length === 0) return pass(results)
    const before = reason
    reason = blocking.map((result) => `${result.what}: ${result.why}`).join('; ')
    failures++
    // One line a change: the same failure every 30 s would drown the rest.
    if (reason !== before) for (const result of blocking) tell(result)
    cancelRetry = deps.clock.after(backoffMs(failures, RETRY), start)
  }

  async function pass(results: readonly CheckResult[]): Promise<void> {
    passed = true
    reason = null
    for (const result of results) if (result.status === 'failed') tell(result)
    deps.log.info({ checks: results.length }, 'preflight passed')
    for (const result of await deps.afterwards(stopping.signal)) tell(result)
  }

  function tell({ name, status, what, why, fix, blocking }: CheckResult): void {
    if (status === 'ok') return void deps.log.info({ check: name }, `preflight: ${what}`)
    const text = `preflight: ${what}: ${why}`
    if (blocking) deps.log.error({ check: name, fix }, `${text} (not ready until this is put right)`)
    else deps.log.warn({ check: name, fix }, text)
  }

  function start(): void {
    if (stopping.signal.aborted) return
    round().catch((error: unknown) => {
      if (stopping.signal.aborted) return
      // A bug of ours must not keep the service out: say so and go on.
      passed = true
      deps.log.error({ err: error }, `preflight could not be done: ${describeError(error)}`)
    })
  }

  return {
    start,
    stop() {
      stopping.abort(new Error('stopping'))
      cancelRetry()
    },
    status() {
      if (passed) return { ok: true, detail: 'passed' }
      return { ok: false, detail: reason ?? 'still running' }
    },
  }
}
