/** Reads a request's body: bounded, and of the media types the method allows: JSON, or the protobuf that some kubectl commands insist on. */
import type { IncomingMessage } from 'node:http'
import { ProtobufError } from '../../lib/protobuf.ts'
import { decodeProtobuf } from '../schema/protobuf.ts'
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

const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

/** Refuses every other media type, and none at all: a web page's plain form or text cannot pass for an object. */
export function requireObjectType(request: IncomingMessage): void {
  const type = mediaType(request)
  if (type !== JSON_TYPE && type !== PROTOBUF_TYPE) throw unsupportedMediaType([JSON_TYPE, PROTOBUF_TYPE])
}

/** The body as a plain value, whichever of the two forms it came in. */
export function parseObject(request: IncomingMessage, bytes: Buffer, onError?: (why: string) => ApiError): unknown {
  if (mediaType(request) !== PROTOBUF_TYPE) return parseJson(bytes, onError)
  try {
    return decodeProtobuf(bytes).body
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(error.message)
    throw error
  }
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
