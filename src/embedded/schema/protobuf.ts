/**
 * Reads the protobuf form of an object, which `kubectl create secret`, `create job` and `auth can-i` send whatever the server prefers. Gives the same plain object
 * as JSON.parse would; decode.ts then checks it. Reading only: answers are always JSON. (https://protobuf.dev/programming-guides/encoding/)
 */
import type { JsonObject } from '../types.ts'
import { type FieldType, fieldsOf, isScalar } from './schema.ts'

export class ProtobufError extends Error {}

/** Opens every such body; a runtime.Unknown message follows: 1 = {1: apiVersion, 2: kind}, 2 = the object itself. */
const MAGIC = Buffer.from('k8s\0')

interface Wire {
  number: number
  /** A varint or fixed value as bigint, or the bytes of a string, message or packed list. */
  value: bigint | Buffer
}

export function decodeProtobuf(bytes: Buffer): { kind: string; body: JsonObject } {
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw new ProtobufError('provided data does not appear to be a protobuf message')
  const unknown = readFields(bytes.subarray(4))
  const typeMeta = readFields(bytesOf(unknown, 1))
  const apiVersion = bytesOf(typeMeta, 1).toString()
  const kind = bytesOf(typeMeta, 2).toString()
  if (fieldsOf(kind) === null) throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}"`)
  return { kind, body: { ...struct(kind, bytesOf(unknown, 2)), apiVersion, kind } }
}

function bytesOf(fields: readonly Wire[], number: number): Buffer {
  const found = fields.find((field) => field.number === number)?.value
  return found instanceof Buffer ? found : Buffer.alloc(0)
}

function readFields(bytes: Buffer): Wire[] {
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

function struct(typeName: string, bytes: Buffer): JsonObject {
  const result: JsonObject = {}
  const wires = readFields(bytes)
  for (const [name, field] of fieldsOf(typeName) ?? []) {
    const values = valuesAt(wires, field.numbers)
    const value = values.length === 0 ? undefined : member(field, values)
    // Go writes every plain field, also an empty one; JSON leaves out what is empty.
    if (value !== undefined && value !== '') result[name] = value
  }
  return result
}

function valuesAt(wires: readonly Wire[], numbers: readonly number[]): Wire['value'][] {
  const [first, ...rest] = numbers
  const here = wires.filter((wire) => wire.number === first).map((wire) => wire.value)
  if (rest.length === 0) return here
  return here.flatMap((value) => (value instanceof Buffer ? valuesAt(readFields(value), rest) : []))
}

function member(field: FieldType, values: readonly Wire['value'][]): unknown {
  if (field.shape === 'list') return values.map((value) => one(field.of, value))
  if (field.shape === 'one') return one(field.of, values.at(-1) ?? 0n)
  const entries = values.map((value): [string, unknown] => {
    const entry = value instanceof Buffer ? readFields(value) : []
    return [bytesOf(entry, 1).toString(), one(field.of, bytesOf(entry, 2))]
  })
  return Object.fromEntries(entries)
}

function one(word: string, value: Wire['value']): unknown {
  if (typeof value === 'bigint') return word === 'bool' ? value !== 0n : Number(BigInt.asIntN(64, value))
  if (!isScalar(word)) return struct(word, value)
  switch (word) {
    case 'bytes':
      return value.toString('base64')
    case 'time':
    case 'microtime':
      return time(word, readFields(value))
    case 'quantity':
      return bytesOf(readFields(value), 1).toString()
    case 'intOrString': {
      const fields = readFields(value)
      const isText = fields.some((item) => item.number === 1 && item.value === 1n)
      return isText ? bytesOf(fields, 3).toString() : Number(fields.find((item) => item.number === 2)?.value ?? 0)
    }
    default:
      return value.toString()
  }
}

/** Undefined for Go's zero time, which means absent. */
function time(word: string, fields: readonly Wire[]): string | undefined {
  const seconds = fields.find((item) => item.number === 1)?.value
  if (typeof seconds !== 'bigint') return undefined
  const nanos = fields.find((item) => item.number === 2)?.value
  const whole = new Date(Number(BigInt.asIntN(64, seconds)) * 1000).toISOString().slice(0, 19)
  if (word === 'time') return `${whole}Z`
  const micros = Math.floor(Number(typeof nanos === 'bigint' ? nanos : 0n) / 1000)
  return `${whole}.${String(micros).padStart(6, '0')}Z`
}
