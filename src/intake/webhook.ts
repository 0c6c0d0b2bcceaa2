// One inbound webhook request: signature over the raw bytes first, then decoding, then the schema. Nothing is parsed before it is verified.
import type { Verifier, WebhookHeaders } from '../lib/standard-webhooks.ts'
import type { InboundMessage } from '../model/assignment.ts'
import { refusal } from '../model/problem.ts'
import { type Parsed, parseJsonBytes, parseMessage } from './parse.ts'

const CODES = { headers: 'webhook_headers', timestamp: 'timestamp_out_of_window', signature: 'signature_mismatch' } as const

/** `verifier` null accepts unsigned requests (only --insecure on loopback). */
export function readWebhook(
  verifier: Verifier | null,
  headers: WebhookHeaders,
  raw: Uint8Array,
  nowSeconds: number,
): Parsed<InboundMessage> {
  if (verifier) {
    const verified = verifier.verify(headers, raw, nowSeconds)
    if (!verified.ok) return { ok: false, refusal: refusal(CODES[verified.problem], verified.detail) }
  }
  const json = parseJsonBytes(raw)
  return json.ok ? parseMessage(json.value) : json
}
