/** Checks a JSON body against the field tables as the API's decoder does: a wrong type is an error, an unknown field is dropped and reported. Sets no defaults. */
import { isObject } from '../json.ts'
import type { JsonObject } from '../types.ts'
import { type FieldType, fieldsOf, isScalar } from './schema.ts'

export class DecodeError extends Error {}

export interface Decoded {
  value: JsonObject
  /** Paths such as `spec.template.spec.containers[0].imag`. */
  unknownFields: string[]
}

const QUANTITY = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$/
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/
const MICRO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export function decode(typeName: string, body: unknown): Decoded {
  const unknownFields: string[] = []
  if (!isObject(body)) throw new DecodeError(`json: cannot unmarshal ${jsonKind(body)} into Go value of type v1.${typeName}`)
  return { value: struct(typeName, body, '', '', unknownFields), unknownFields }
}

/** `exact` has list indexes and names an unknown field, `loose` has none and names a wrong type: so does the real decoder. */
function struct(typeName: string, body: JsonObject, exact: string, loose: string, unknown: string[]): JsonObject {
  const fields = fieldsOf(typeName)
  if (fields === null) return body
  const result: JsonObject = {}
  for (const [name, value] of Object.entries(body)) {
    const field = fields.get(name)
    const exactPath = exact === '' ? name : `${exact}.${name}`
    if (field === undefined) unknown.push(exactPath)
    else if (value !== null)
      result[name] = member(field, value, { exact: exactPath, loose: loose === '' ? name : `${loose}.${name}`, owner: typeName }, unknown)
  }
  return result
}

interface Place {
  exact: string
  loose: string
  owner: string
}

function member(field: FieldType, value: unknown, place: Place, unknown: string[]): unknown {
  if (field.shape === 'list') {
    if (!Array.isArray(value)) throw mismatch(value, place, `[]${goType(field.of)}`)
    return value.map((item, index) => one(field.of, item, { ...place, exact: `${place.exact}[${index}]` }, unknown))
  }
  if (field.shape === 'map') {
    if (!isObject(value)) throw mismatch(value, place, `map[string]${goType(field.of)}`)
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => [
      key,
      one(field.of, item ?? '', { ...place, exact: `${place.exact}.${key}` }, unknown),
    ])
    return Object.fromEntries(entries)
  }
  return one(field.of, value, place, unknown)
}

function one(word: string, value: unknown, place: Place, unknown: string[]): unknown {
  if (isScalar(word)) return scalar(word, value, place)
  if (!isObject(value)) throw mismatch(value, place, goType(word))
  return struct(word, value, place.exact, place.loose, unknown)
}

function scalar(word: string, value: unknown, place: Place): unknown {
  switch (word) {
    case 'any':
      return value
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(value, place, 'bool')
      return value
    case 'int32':
    case 'int64':
      if (typeof value !== 'number') throw mismatch(value, place, word)
      if (!Number.isInteger(value) || (word === 'int32' && Math.abs(value) > 2 ** 31)) throw mismatch(value, place, word, `number ${value}`)
      return value
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, place, 'float64')
      return value
    case 'intOrString':
      if (typeof value !== 'number' && typeof value !== 'string') throw mismatch(value, place, 'intstr.IntOrString')
      return value
    case 'quantity':
      if ((typeof value !== 'string' && typeof value !== 'number') || !QUANTITY.test(String(value)))
        throw new DecodeError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
      return String(value)
    default:
      return text(word, value, place)
  }
}

function text(word: string, value: unknown, place: Place): string {
  if (typeof value !== 'string') throw mismatch(value, place, word === 'bytes' ? '[]uint8' : 'string')
  if (word === 'time' && !RFC3339.test(value)) throw badTime(value, '2006-01-02T15:04:05Z07:00')
  if (word === 'microtime' && !MICRO.test(value)) throw badTime(value, '2006-01-02T15:04:05.000000Z07:00')
  if (word === 'bytes' && !BASE64.test(value)) throw new DecodeError('illegal base64 data at input byte 0')
  return word === 'time' ? `${new Date(Date.parse(value)).toISOString().slice(0, 19)}Z` : value
}

function badTime(value: string, layout: string): DecodeError {
  return new DecodeError(`parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse it`)
}

function mismatch(value: unknown, place: Place, wanted: string, found = jsonKind(value)): DecodeError {
  return new DecodeError(`json: cannot unmarshal ${found} into Go struct field ${place.owner}.${place.loose} of type ${wanted}`)
}

function goType(word: string): string {
  if (!isScalar(word)) return `v1.${word}`
  return { bool: 'bool', int32: 'int32', int64: 'int64', number: 'float64' }[word] ?? 'string'
}

function jsonKind(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
