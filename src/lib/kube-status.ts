// The API's Status in its protobuf form. Where nothing of a good answer is read, jobhook asks for protobuf, because it costs the API server a tenth less
// CPU than writing the object as JSON; then an error comes in that form too. Only what an error needs is read.
// (meta/v1 generated.proto, runtime generated.proto; https://protobuf.dev/programming-guides/encoding/)

/** For `accept`. The embedded cluster, and a proxy that answers by itself, know only JSON. */
export const PROTOBUF_OR_JSON = 'application/vnd.kubernetes.protobuf, application/json;q=0.9'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

/** Opens each such body; then comes a runtime.Unknown: 1 = {1: apiVersion, 2: kind}, 2 = the object. */
const MAGIC = 'k8s\0'

export interface StatusWords {
  reason: string | null
  message: string | null
  retryAfterSeconds: number | null
}

export function isProtobuf(body: string): boolean {
  return body.startsWith(MAGIC)
}

/** null: no Status, or one that is broken off before its kind. */
export function readProtobufStatus(bytes: Buffer): StatusWords | null {
  const unknown = fieldsOf(bytes.subarray(MAGIC.length))
  const kind = textOf(fieldsOf(bytesOf(unknown, 1)), 2)
  if (kind !== 'Status') return null
  const status = fieldsOf(bytesOf(unknown, 2))
  const retryAfterSeconds = fieldsOf(bytesOf(status, 5)).get(5)
  return {
    reason: textOf(status, 4) || null,
    message: textOf(status, 3),
    retryAfterSeconds: typeof retryAfterSeconds === 'number' && retryAfterSeconds > 0 ? retryAfterSeconds : null,
  }
}

type Fields = ReadonlyMap<number, number | Buffer>

/** The last value of each field; what comes after a place that cannot be read is left out. */
function fieldsOf(bytes: Buffer): Fields {
  const fields = new Map<number, number | Buffer>()
  let at = 0
  /** NaN at the end of the bytes, or when it is no varint. */
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return Number.NaN
  }
  while (at < bytes.length) {
    const tag = varint()
    const [number, wireType] = [Math.floor(tag / 8), tag % 8]
    const size = wireType === 1 ? 8 : wireType === 5 ? 4 : varint()
    if (wireType === 0) {
      if (Number.isNaN(size)) break
      fields.set(number, size)
      continue
    }
    if (!(wireType === 1 || wireType === 2 || wireType === 5) || !(at + size <= bytes.length)) break
    if (wireType === 2) fields.set(number, bytes.subarray(at, at + size))
    at += size
  }
  return fields
}

function bytesOf(fields: Fields, number: number): Buffer {
  const value = fields.get(number)
  return value instanceof Buffer ? value : Buffer.alloc(0)
}

function textOf(fields: Fields, number: number): string {
  return bytesOf(fields, number).toString('utf8')
}
