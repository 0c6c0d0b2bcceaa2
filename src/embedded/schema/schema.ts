/** Reads the field tables: which fields a type has, and what each is made of. Knows no object and checks nothing; decode.ts and the strategic merge patch do. */
import { objectTypes } from './types.ts'
import { volumeTypes } from './volumes.ts'

export interface FieldType {
  shape: 'one' | 'list' | 'map'
  /** A scalar word such as `string`, or the name of another type. */
  of: string
  /** For a list of structs that patches merge: the field that tells its items apart. */
  mergeKey: string | null
  /** A list of plain values that patches merge as a set. */
  set: boolean
  /** Where it stands in the protobuf form: field numbers from the type's message inwards. Empty when unknown. */
  numbers: number[]
}

const scalars = new Set(['string', 'bool', 'int32', 'int64', 'number', 'time', 'microtime', 'quantity', 'intOrString', 'bytes', 'any'])
const parsed = new Map<string, ReadonlyMap<string, FieldType>>()

export function isScalar(word: string): boolean {
  return scalars.has(word)
}

/** The fields of a type, or null when the tables do not know it. */
export function fieldsOf(typeName: string): ReadonlyMap<string, FieldType> | null {
  const known = parsed.get(typeName)
  if (known !== undefined) return known
  const text = objectTypes[typeName] ?? volumeTypes[typeName]
  if (text === undefined) return null
  const fields = new Map<string, FieldType>()
  for (const entry of text.split(' ')) {
    const colon = entry.indexOf(':')
    if (colon > 0) fields.set(entry.slice(0, colon), parseEntry(entry.slice(colon + 1)))
  }
  parsed.set(typeName, fields)
  return fields
}

function parseEntry(entry: string): FieldType {
  const [word = '', path = ''] = entry.split('=')
  const numbers = path === '' ? [] : path.split('.').map(Number)
  const bare = word.replace(/[~+]$/, '')
  if (bare.startsWith('{}')) return { shape: 'map', of: bare.slice(2), mergeKey: null, set: false, numbers }
  if (!bare.startsWith('[]')) return { shape: 'one', of: bare, mergeKey: null, set: false, numbers }
  const [of = '', mergeKey = null] = bare.slice(2).split('@')
  return { shape: 'list', of, mergeKey, set: word.endsWith('+'), numbers }
}
