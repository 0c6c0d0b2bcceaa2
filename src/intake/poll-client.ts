// The two requests of the long poll, lease and ack: one HTTP exchange each, with its own deadline and size limit; what came of it as data.
import { type Dispatcher, request } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { describeError } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { parseRetryAfter } from '../lib/retry-after.ts'
import type { ReadToken } from './bearer.ts'

export interface LeasedMessage {
  id: string
  message: unknown
}

export interface AckResult {
  id: string
  result: 'claimed' | 'rejected' | 'invalid' | 'cancelled'
  reason?: string
}

export type Failed =
  /** The token was refused, or there is none. */
  | { kind: 'unauthenticated'; cause: string }
  /** More than may be read at once. */
  | { kind: 'too_large'; cause: string }
  | { kind: 'failed'; status: number; cause: string; retryAfterMs: number | null }

/** `withoutId`: how many more came that cannot be acknowledged, so that they must not be carried out either. */
export type Leased = { kind: 'messages'; lease: string; messages: LeasedMessage[]; withoutId: number } | { kind: 'nothing' } | Failed

export interface PollClient {
  /** Waits up to `waitSeconds` at the control plane. */
  lease(max: number, waitSeconds: number, signal: AbortSignal): Promise<Leased>
  ack(lease: string, results: AckResult[], signal: AbortSignal): Promise<{ kind: 'done' } | Failed>
}

/** Beyond what the control plane was asked to wait, for the way there and back. */
const SLACK_MS = 10_000
const ACK_TIMEOUT_MS = 10_000
export const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024

export function createPollClient(
  deps: { token: ReadToken; dispatcher: Dispatcher; clock: Clock; metrics: Metrics },
  options: { url: string; workerId: string; userAgent: string },
): PollClient {
  const base = `${options.url.replace(/\/+$/, '')}/v1/workers/${encodeURIComponent(options.workerId)}/assignments`

  async function post(
    kind: 'lease' | 'ack',
    body: object,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<{ kind: 'answer'; value: unknown } | Failed> {
    const token = await deps.token()
    if (!token.ok) return { kind: 'unauthenticated', cause: token.detail }
    let status = 0
    try {
      const response = await request(`${base}/${kind}`, {
        method: 'POST',
        dispatcher: deps.dispatcher,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          authorization: `Bearer ${token.token}`,
          'user-agent': options.userAgent,
        },
        body: JSON.stringify(body),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        // bodyTimeout never fires on an answer that drips: the whole request gets a deadline.
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      status = response.statusCode
      const text = await readLimited(response.body)
      if (text === null) return { kind: 'too_large', cause: `the answer has more than ${ANSWER_LIMIT_BYTES} bytes` }
      if (status === 401 || status === 403) return { kind: 'unauthenticated', cause: `the control plane refused the token (${status})` }
      if (status < 200 || status >= 300) {
        const hint = status === 404 ? '; is poll.url the control plane’s address, and does it know this worker?' : ''
        return failed(
          status,
          `the control plane answered ${status}${hint}`,
          parseRetryAfter(response.headers['retry-after'], deps.clock.now()),
        )
      }
      return { kind: 'answer', value: status === 204 || text.trim() === '' ? null : JSON.parse(text) }
    } catch (error) {
      if (error instanceof SyntaxError) return failed(status, 'the control plane’s answer is not JSON', null)
      const late = error instanceof Error && error.name === 'TimeoutError'
      return failed(status, late ? `no answer within ${timeoutMs / 1000} s` : describeError(error), null)
    } finally {
      deps.metrics.pollRequests.inc({ kind, status: String(status) })
    }
  }

  return {
    async lease(max, waitSeconds, signal) {
      const answer = await post('lease', { wait: waitSeconds, max }, waitSeconds * 1000 + SLACK_MS, signal)
      if (answer.kind !== 'answer') return answer
      if (answer.value === null) return { kind: 'nothing' }
      return readLease(answer.value) ?? failed(200, 'the control plane’s answer has no lease with messages, each with an id', null)
    },
    async ack(lease, results, signal) {
      const answer = await post('ack', { lease, results }, ACK_TIMEOUT_MS, signal)
      return answer.kind === 'answer' ? { kind: 'done' } : answer
    },
  }
}

function failed(status: number, cause: string, retryAfterMs: number | null): Failed {
  return { kind: 'failed', status, cause, retryAfterMs }
}

function readLease(value: unknown): Leased | null {
  if (typeof value !== 'object' || value === null || !('messages' in value) || !Array.isArray(value.messages)) return null
  if (value.messages.length === 0) return { kind: 'nothing' }
  if (!('lease' in value) || typeof value.lease !== 'string') return null
  const messages: LeasedMessage[] = []
  for (const each of value.messages as unknown[]) {
    // One bad message must not keep the others of its lease from being taken, lease after lease.
    if (typeof each !== 'object' || each === null || !('id' in each) || typeof each.id !== 'string') continue
    const { id, ...message } = each
    messages.push({ id, message })
  }
  if (messages.length === 0) return null
  return { kind: 'messages', lease: value.lease, messages, withoutId: value.messages.length - messages.length }
}

/** null: longer than the limit; the rest is not read. */
async function readLimited(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > ANSWER_LIMIT_BYTES) {
      body.destroy()
      return null
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
