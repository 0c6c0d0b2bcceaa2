// Sends one signed callback and says what the receiver made of it. No retry here: when to try again is recorded on the Job and decided there.
import type { Clock } from '../lib/clock.ts'
import { exchange } from '../lib/exchange.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { parseRetryAfter } from '../lib/retry-after.ts'
import { type Attributes, type Span, type Tracer, traceField } from '../lib/trace.ts'
import type { DeliveryResult, OwedMessage } from '../model/callback.ts'
import { type EgressPolicy, EgressRefused, literalProblem } from './egress.ts'
import type { Lanes, Outcome } from './lanes.ts'
import type { Transport } from './transport.ts'

export interface Deliverer {
  /**
   * Never throws for an answer or a broken connection. `key` is woken when a message that found no room may try again. An abort of `signal`
   * (this replica leads no more) is no attempt: whoever leads next sends it under the same id.
   */
  deliver(message: OwedMessage, context: { key: string; signal: AbortSignal | null }): Promise<DeliveryResult>
}

/** Of a receiver's answer only the status and Retry-After matter; more than this of its body is not read. */
const ANSWER_LIMIT_BYTES = 64 * 1024

/** A longer Retry-After is treated as a day: a receiver must not park a verdict for ever. */
const LONGEST_RETRY_AFTER_MS = 86_400_000

export function createDeliverer(
  deps: {
    sign: (id: string, timestampSeconds: number, body: string) => string
    transport: Pick<Transport, 'trusted' | 'guarded'>
    lanes: Lanes
    clock: Clock
    log: Logger
    metrics: Metrics
    tracer: Tracer
  },
  options: { timeoutMs: number; userAgent: string; allowPrivate: boolean },
): Deliverer {
  const guardedPolicy: EgressPolicy = options.allowPrivate ? 'private' : 'guarded'

  async function attempt(message: OwedMessage, traceparent: string | null, signal: AbortSignal): Promise<DeliveryResult> {
    // A proxy would connect for us, so an address in the URL itself is looked at here as well.
    const problem = literalProblem(message.url, message.perTask ? guardedPolicy : 'trusted')
    if (problem) throw new EgressRefused(new URL(message.url).hostname, new URL(message.url).hostname, problem)
    const timestamp = Math.floor(deps.clock.now() / 1000)
    const { origin, pathname, search } = new URL(message.url)
    const { status, headers } = await exchange({
      dispatcher: message.perTask ? deps.transport.guarded : deps.transport.trusted,
      options: {
        origin,
        path: pathname + search,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': options.userAgent,
          'webhook-id': message.id,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': deps.sign(message.id, timestamp, message.body),
          ...(traceparent === null ? {} : { traceparent }),
        },
        body: message.body,
        headersTimeout: options.timeoutMs,
        bodyTimeout: options.timeoutMs,
      },
      // bodyTimeout never fires on an answer that drips: the attempt as a whole gets a deadline.
      timeoutMs: options.timeoutMs,
      signal,
      body: 'none',
      limitBytes: ANSWER_LIMIT_BYTES,
    })
    if (status >= 200 && status < 300) return { kind: 'acknowledged', status }
    if (status === 410) return { kind: 'gone' }
    const afterMs = parseRetryAfter(headers['retry-after'], deps.clock.now())
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
    async deliver(message, { key, signal }) {
      if (!signal || signal.aborted) return { kind: 'later', cause: 'this replica does not lead' }
      const admitted = deps.lanes.enter(new URL(message.url).origin, key)
      if (!admitted.ok) return { kind: 'later', cause: admitted.cause }
      const started = performance.now()
      const parent = deps.tracer.contextOf(message.traceparent, key)
      const span = deps.tracer.start(`callback ${message.type}`, { parent, kind: 'client', attributes: attributesOf(message) })
      const result = await attempt(message, span.traceparent, signal).catch(
        (error: unknown): DeliveryResult =>
          signal.aborted
            ? { kind: 'later', cause: describeError(error) }
            : { kind: 'retry', status: null, afterMs: null, cause: causeOf(error, options.timeoutMs) },
      )
      endSpan(span, result)
      admitted.leave(outcomeOf(result))
      deps.metrics.deliverySeconds.observe((performance.now() - started) / 1000)
      const fields = { task_id: message.taskId, webhook_id: message.id, type: message.type, ...traceField(span.traceparent) }
      if (result.kind === 'retry') deps.log.warn({ ...fields, status: result.status, cause: result.cause }, 'callback not acknowledged')
      else if (result.kind === 'later') deps.log.info({ ...fields, cause: result.cause }, 'callback broken off; it will be sent again')
      else deps.log.info({ ...fields, result: result.kind }, 'callback answered')
      return result
    },
  }
}

/** Of the URL only where it leads: a path or a query may hold a secret. */
function attributesOf(message: OwedMessage): Attributes {
  const { hostname, port, protocol } = new URL(message.url)
  return {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    'jobhook.webhook_id': message.id,
    'jobhook.slot': message.slot,
    'jobhook.task_id': message.taskId,
  }
}

function endSpan(span: Span, result: DeliveryResult): void {
  if (result.kind === 'acknowledged') span.set({ 'http.response.status_code': result.status })
  else if (result.kind === 'gone') span.set({ 'http.response.status_code': 410 })
  else {
    const status = result.kind === 'retry' ? result.status : null
    span.set({ 'http.response.status_code': status })
    span.fail(result.kind === 'later' ? 'broken_off' : String(status ?? 'no_answer'))
  }
  span.end()
}

/** What an attempt says of the origin as a whole: a refusal of one message (4xx) comes from a receiver that works. */
function outcomeOf(result: DeliveryResult): Outcome {
  if (result.kind === 'later') return 'unknown'
  if (result.kind !== 'retry') return 'answered'
  const { status } = result
  return status === null || status === 408 || status === 429 || status >= 500 ? 'failed' : 'answered'
}

function causeOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
  return describeError(error)
}
