// The API's Status in its protobuf form. Where nothing of a good answer is read, jobhook asks for protobuf, because it costs the API server a tenth less
// CPU than writing the object as JSON; then an error comes in that form too. Only what an error needs is read.
// (meta/v1 generated.proto)
import { bytesOf, openProtobuf, readFields } from './protobuf.ts'

/** For `accept`. The embedded cluster, and a proxy that answers by itself, know only JSON. */
export const PROTOBUF_OR_JSON = 'application/vnd.kubernetes.protobuf, application/json;q=0.9'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

export interface StatusWords {
  reason: string | null
  message: string | null
  retryAfterSeconds: number | null
}

/** null: no protobuf, another kind, or bytes that cannot be read. */
export function readProtobufStatus(bytes: Buffer): StatusWords | null {
  try {
    const { kind, object } = openProtobuf(bytes)
    if (kind !== 'Status') return null
    const status = readFields(object)
    const seconds = readFields(bytesOf(status, 5)).find(({ number }) => number === 5)?.value
    return {
      reason: bytesOf(status, 4).toString() || null,
      message: bytesOf(status, 3).toString(),
      retryAfterSeconds: typeof seconds === 'bigint' && seconds > 0n ? Number(seconds) : null,
    }
  } catch {
    return null
  }
}
