// Receives signed callbacks over node:http: reads the raw body, verifies, hands over, answers. Shared by `jobhook listen` and the example control plane.
// Not for: what a callback means, duplicates, storage.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Verifier } from '../lib/standard-webhooks.ts'

/** A verdict with a 64 KiB log tail is far below this. */
export const BODY_LIMIT_BYTES = 1024 * 1024

/** One verified callback. */
export interface ReceivedCallback {
  /** webhook-id: the same for every delivery of one message; dedupe by it. */
  id: string
  receivedMs: number
  type: string
  data: Record<string, unknown>
  headers: IncomingMessage['headers']
}

export interface ReceiverAnswer {
  status: number
  headers?: Record<string, string>
  detail?: string
}

export interface ReceiverOptions {
  verifier: Verifier
  nowMs(): number
  /** Called for each verified callback; its answer goes to the sender. 2xx acknowledges: store first. Null never answers. */
  onCallback(callback: ReceivedCallback): ReceiverAnswer | null | Promise<ReceiverAnswer | null>
  /** Called for what was refused, with the reason as told to the sender. */
  onRefused(refused: { status: number; detail: string; headers: IncomingMessage['headers'] }): void
}

/** A handler of POST requests. Never throws: an error of onCallback becomes a 500, so that the sender tries again. */
export function createReceiver(options: ReceiverOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const refuse = (status: number, detail: string): void => {
      options.onRefused({ status, detail, headers: request.headers })
      answer(response, { status, detail })
    }
    try {
      if (request.method !== 'POST') return refuse(405, 'callbacks are sent by POST')
      const body = await readBody(request, BODY_LIMIT_BYTES)
      if (!body) return refuse(413, `the body is larger than ${BODY_LIMIT_BYTES} bytes`)
      const receivedMs = options.nowMs()
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
      const verified = options.verifier.verify({ id, timestamp, signature }, body, receivedMs / 1000)
      if (!verified.ok) return refuse(verified.problem === 'headers' ? 400 : 401, verified.detail)
      const message = readMessage(body)
      if (!message) return refuse(422, 'the body must be JSON of the form {"type": …, "data": {…}}')
      const reply = await options.onCallback({ id: String(id), receivedMs, ...message, headers: request.headers })
      if (reply) answer(response, reply)
    } catch (error) {
      if (!request.destroyed || request.complete) refuse(500, error instanceof Error ? error.message : 'unexpected error')
    }
  }
}

/** The whole body as bytes, or null when it is longer than the limit. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length <= limitBytes) chunks.push(chunk)
    else chunks.length = 0 // read on without keeping it, so that the sender hears the answer
  }
  return length > limitBytes ? null : Buffer.concat(chunks)
}

export function answer(response: ServerResponse, { status, headers = {}, detail }: ReceiverAnswer): void {
  const body = detail === undefined ? '' : `${JSON.stringify({ detail })}\n`
  response.writeHead(status, {
    ...headers,
    ...(body ? { 'content-type': 'application/json' } : {}),
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

function readMessage(body: Buffer): { type: string; data: Record<string, unknown> } | null {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (!isObject(parsed) || typeof parsed.type !== 'string' || !isObject(parsed.data)) return null
    return { type: parsed.type, data: parsed.data }
  } catch {
    return null
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
