// Kubernetes' protobuf on the wire: which fields with which bytes, and the envelope around each object. What they mean is for the caller.
// (https://protobuf.dev/programming-guides/encoding/; runtime generated.proto)

export class ProtobufError extends Error {}

/** Opens every such body; a runtime.Unknown message follows: 1 = {1: apiVersion, 2: kind}, 2 = the object itself. */
const MAGIC = Buffer.from('k8s\0')

export interface Wire {
  number: number
  /** A varint or fixed value as bigint, or the bytes of a string, message or packed list. */
  value: bigint | Buffer
}

export function isProtobuf(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC)
}

/** @throws ProtobufError when it is none */
export function openProtobuf(bytes: Buffer): { apiVersion: string; kind: string; object: Buffer } {
  if (!isProtobuf(bytes)) throw new ProtobufError('provided data does not appear to be a protobuf message')
  const unknown = readFields(bytes.subarray(MAGIC.length))
  const typeMeta = readFields(bytesOf(unknown, 1))
  return { apiVersion: bytesOf(typeMeta, 1).toString(), kind: bytesOf(typeMeta, 2).toString(), object: bytesOf(unknown, 2) }
}

export function bytesOf(fields: readonly Wire[], number: number): Buffer {
  const found = fields.find((field) => field.number === number)?.value
  return found instanceof Buffer ? found : Buffer.alloc(0)
}

/** @throws ProtobufError where the bytes end too early or are none */
export function readFields(bytes: Buffer): Wire[] {
  const fields: Wire[] = []
  let at = 0
  const varint = (): bigint => {
    let result = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined || shift > 63n) throw new ProtobufError('unexpected EOF')
      at += 1
      result |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return result
    }
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new ProtobufError('unexpected EOF')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = varint()
    const number = Number(tag >> 3n)
    const wireType = Number(tag & 7n)
    if (wireType === 0) fields.push({ number, value: varint() })
    else if (wireType === 2) fields.push({ number, value: take(Number(varint())) })
    else if (wireType === 1) fields.push({ number, value: take(8).readBigUInt64LE() })
    else if (wireType === 5) fields.push({ number, value: BigInt(take(4).readUInt32LE()) })
    else throw new ProtobufError(`proto: illegal wireType ${wireType}`)
  }
  return fields
}
