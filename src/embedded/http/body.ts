/** Reads a request's body: bounded, JSON only, of the media types the method allows. */
import type { IncomingMessage } from 'node:http'
import { type ApiError, badRequest, tooLarge, unsupportedMediaType } from '../status.ts'

export const BODY_LIMIT_BYTES = 3 * 1024 * 1024

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_LIMIT_BYTES) throw tooLarge(BODY_LIMIT_BYTES)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Refuses every body that is not labelled JSON: that is what keeps a web page's plain form from running commands here. */
export function requireJson(request: IncomingMessage): void {
  if (mediaType(request) !== 'application/json') throw unsupportedMediaType(['application/json'])
}

export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

export function parseJson(bytes: Buffer, onError: (why: string) => ApiError = (why) => badRequest(why)): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (error) {
    throw onError(error instanceof Error ? error.message : String(error))
  }
}
