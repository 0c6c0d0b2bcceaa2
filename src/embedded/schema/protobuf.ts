/**
 * Reads the protobuf form of an object, which `kubectl create secret`, `create job` and `auth can-i` send whatever the server prefers. Gives the same plain object
 * as JSON.parse would; decode.ts then checks it. Reading only: answers are always JSON. (https://protobuf.dev/programming-guides/encoding/)
 */
import { bytesOf, openProtobuf, ProtobufError, readFields, type Wire } from '../../lib/protobuf.ts'
import type { JsonObject } from '../types.ts'
import { type FieldType, fieldsOf, isScalar } from './schema.ts'

export function decodeProtobuf(bytes: Buffer): { kind: string; body: JsonObject } {
  const { apiVersion, kind, object } = openProtobuf(bytes)
  if (fieldsOf(kind) === null) throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}"`)
  return { kind, body: { ...struct(kind, object), apiVersion, kind } }
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
