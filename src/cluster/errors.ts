// Turns what the API (or the connection to it) answered into a KubeError. The one place that knows which errors are worth a retry.
import { readProtobufStatus, type StatusWords } from '../lib/kube-status.ts'
import { describeError, errorCode } from '../lib/log.ts'
import { parseRetryAfter } from '../lib/retry-after.ts'
import type { KubeError } from '../model/kube-api.ts'

/** Connection errors before a byte of the request was sent: nothing can have happened. */
const NOTHING_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** Statuses that say "later": too many requests, server trouble, gateway trouble. */
const RETRYABLE = new Set([408, 429, 500, 502, 503, 504])

/** From an HTTP answer that is not 2xx. `body` is what came: a Status as JSON or protobuf, or anything else. */
export function errorFromAnswer(status: number, body: string, retryAfter: string | string[] | undefined): KubeError {
  const parsed = parseStatus(body)
  return {
    status,
    reason: parsed.reason ?? `HTTP${status}`,
    message: parsed.message ?? (body.trim().slice(0, 500) || `the API answered ${status}`),
    retryAfterMs: parseRetryAfter(retryAfter, Date.now()) ?? (parsed.retryAfterSeconds === null ? null : parsed.retryAfterSeconds * 1000),
    retryable: RETRYABLE.has(status),
    // A 429 is refused before execution. 5xx may come from a proxy or a timeout after the object was stored.
    outcomeUnknown: status >= 500 || status === 408,
  }
}

/** From a thrown error: no HTTP answer came. */
export function errorFromThrown(error: unknown): KubeError {
  const code = errorCode(error) ?? 'ConnectionError'
  return {
    status: 0,
    reason: code,
    message: describeError(error),
    retryAfterMs: null,
    retryable: true,
    outcomeUnknown: !NOTHING_SENT.has(code),
    cause: error,
  }
}

function parseStatus(body: string): StatusWords {
  const words = readProtobufStatus(Buffer.from(body, 'latin1'))
  if (words) return words
  try {
    const status: unknown = JSON.parse(body)
    if (typeof status === 'object' && status !== null && 'kind' in status && status.kind === 'Status') {
      const { reason, message, details } = status as { reason?: unknown; message?: unknown; details?: { retryAfterSeconds?: unknown } }
      return {
        reason: typeof reason === 'string' && reason !== '' ? reason : null,
        message: typeof message === 'string' ? message : null,
        retryAfterSeconds: typeof details?.retryAfterSeconds === 'number' ? details.retryAfterSeconds : null,
      }
    }
  } catch {
    // Not JSON: a proxy's page, or plain text.
  }
  return { reason: null, message: null, retryAfterSeconds: null }
}
