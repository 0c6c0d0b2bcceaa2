// Sends one signed callback and says what the receiver made of it. No retry here: when to try again is recorded on the Job and decided there.
import { Agent, type Dispatcher, request } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { parseRetryAfter } from '../lib/retry-after.ts'
import type { DeliveryResult, OwedMessage } from '../model/callback.ts'

export interface Deliverer {
  /** Never throws for an answer or a broken connection; an abort of `signal` counts as a failed attempt with that cause. */
  deliver(message: OwedMessage, signal?: AbortSignal): Promise<DeliveryResult>
  close(): Promise<void>
}

/** Of a receiver's answer only the status and Retry-After matter; more than this of its body is not read. */
const ANSWER_LIMIT_BYTES = 64 * 1024

/** A longer Retry-After is treated as a day: a receiver must not park a verdict for ever. */
const LONGEST_RETRY_AFTER_MS = 86_400_000

export function createDeliverer(
  deps: {
    sign: (id: string, timestampSeconds: number, body: string) => string
    clock: Clock
    log: Logger
    metrics: Metrics
    /** For per-task URLs: refuses addresses that a task must not reach. Absent: they are not used. */
    guardedDispatcher?: Dispatcher
  },
  options: { timeoutMs: number; userAgent: string; connections: number },
): Deliverer {
  const trusted = new Agent({
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: options.timeoutMs },
    keepAliveTimeout: 10_000,
  })

  async function attempt(message: OwedMessage, signal: AbortSignal | undefined): Promise<DeliveryResult> {
    const deadline = AbortSignal.timeout(options.timeoutMs)
    const timestamp = Math.floor(deps.clock.now() / 1000)
    const response = await request(message.url, {
      method: 'POST',
      dispatcher: message.perTask && deps.guardedDispatcher ? deps.guardedDispatcher : trusted,
      headers: {
        'content-type': 'application/json',
        'user-agent': options.userAgent,
        'webhook-id': message.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': deps.sign(message.id, timestamp, message.body),
        ...(message.traceparent ? { traceparent: message.traceparent } : {}),
      },
      body: message.body,
      signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    })
    await response.body.dump({ limit: ANSWER_LIMIT_BYTES }).catch(() => {})
    const status = response.statusCode
    if (status >= 200 && status < 300) return { kind: 'acknowledged', status }
    if (status === 410) return { kind: 'gone' }
    const afterMs = parseRetryAfter(response.headers['retry-after'], deps.clock.now())
    return {
      kind: 'retry',
      status,
      afterMs: afterMs === null ? null : Math.min(afterMs, LONGEST_RETRY_AFTER_MS),
      cause:
        status >= 300 && status < 400
          ? `the receiver answered ${status}; redirects are not followed: set the final URL`
          : `the receiver answered ${status}`,
    }
  }

  return {
    async deliver(message, signal) {
      const started = performance.now()
      const result = await attempt(message, signal).catch(
        (error: unknown): DeliveryResult => ({ kind: 'retry', status: null, afterMs: null, cause: describeError(error) }),
      )
      deps.metrics.deliverySeconds.observe((performance.now() - started) / 1000)
      const fields = { task_id: message.taskId, webhook_id: message.id, type: message.type }
      if (result.kind === 'retry') deps.log.warn({ ...fields, status: result.status, cause: result.cause }, 'callback not acknowledged')
      else deps.log.info({ ...fields, result: result.kind }, 'callback answered')
      return result
    },
    close: () => trusted.destroy(),
  }
}
