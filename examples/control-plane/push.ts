// Sends one signed message to jobhook's POST /v1/webhook until it is answered for good. Not for: what the answer means for a task.
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { parseRetryAfter } from '../../src/lib/retry-after.ts'
import type { Signer } from '../../src/lib/standard-webhooks.ts'

export interface PushOptions {
  /** The full URL of the webhook; asked for at each attempt, since jobhook may come up later or elsewhere. Null: not known yet. */
  url(): string | null
  signer: Signer
  nowMs(): number
  /** Gives up after this long. */
  giveUpAfterMs: number
  signal: AbortSignal
}

export interface PushAnswer {
  /** 0 when no answer came at all. */
  status: number
  body: unknown
  duplicate: boolean
  attempts: number
  /** Of the last attempt. */
  sentMs: number
  answeredMs: number
  detail: string
}

/** First wait, longest wait, and how long one answer may take. */
const FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 10_000
const ANSWER_TIMEOUT_MS = 15_000

/**
 * Pushes `message` under one webhook-id. Tries again after a broken connection, 429 and 5xx (jobhook deduplicates, so this is safe),
 * waiting as long as Retry-After says, else exponentially with jitter. Any other answer is final.
 */
export async function push(
  message: unknown,
  webhookId: string,
  options: PushOptions,
  onAttempt: (sentMs: number) => void,
): Promise<PushAnswer> {
  const body = JSON.stringify(message)
  const giveUpMs = options.nowMs() + options.giveUpAfterMs
  for (let attempts = 1; ; attempts++) {
    const answer = await attempt(body, webhookId, options, attempts, onAttempt)
    const final = answer.status !== 0 && answer.status !== 429 && answer.status < 500
    if (final) return answer
    const waitMs = answer.retryAfterMs ?? Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS) * (0.5 + Math.random() / 2)
    if (options.signal.aborted || options.nowMs() + waitMs > giveUpMs) return answer
    await delay(waitMs, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

async function attempt(
  body: string,
  webhookId: string,
  options: PushOptions,
  attempts: number,
  onAttempt: (sentMs: number) => void,
): Promise<PushAnswer & { retryAfterMs: number | null }> {
  const sentMs = options.nowMs()
  onAttempt(sentMs)
  const failed = (detail: string) => ({
    status: 0,
    body: null,
    duplicate: false,
    attempts,
    sentMs,
    answeredMs: options.nowMs(),
    detail,
    retryAfterMs: null,
  })
  const url = options.url()
  if (!url) return failed('the address of jobhook is not known yet')
  // Each attempt has its own timestamp, or a late one would fall out of the receiver's window; the id stays.
  const timestampSeconds = Math.floor(sentMs / 1000)
  try {
    const response = await request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': webhookId,
        'webhook-timestamp': String(timestampSeconds),
        'webhook-signature': options.signer.sign(webhookId, timestampSeconds, body),
      },
      body,
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    })
    const answeredMs = options.nowMs()
    const text = await response.body.text()
    const parsed = parseJson(text)
    return {
      status: response.statusCode,
      body: parsed,
      duplicate: response.headers['jobhook-duplicate'] === 'true',
      attempts,
      sentMs,
      answeredMs,
      detail: problemText(parsed) ?? text.slice(0, 500),
      retryAfterMs: parseRetryAfter(response.headers['retry-after'], answeredMs),
    }
  } catch (error) {
    return failed(error instanceof Error ? `no answer: ${error.message || error.name}` : 'no answer')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The sentence of a problem+json answer, with what it says of single fields. */
function problemText(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('title' in body)) return null
  const detail = 'detail' in body && typeof body.detail === 'string' ? `: ${body.detail}` : ''
  const errors = 'errors' in body && Array.isArray(body.errors) ? ` ${JSON.stringify(body.errors)}` : ''
  return `${String(body.title)}${detail}${errors}`
}
