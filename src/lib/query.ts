// Query parameters as their schema means them: a query holds only text, and a schema that said so would tell callers nothing. Strict: what is not
// exactly a number, a boolean or a list stays text, and the schema refuses it.
import type { TSchema } from '@sinclair/typebox'

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, '1': true, '': true, false: false, '0': false }

/** A copy with integers, booleans (`?follow` alone is true) and comma-separated or repeated lists read by the schema's own types. */
export function readQuery(schema: TSchema, query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query
  const properties: Record<string, TSchema | undefined> = schema.properties ?? {}
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, readParameter(properties[name], value)]))
}

function readParameter(schema: TSchema | undefined, value: unknown): unknown {
  if (schema?.type === 'array') return [value].flat().flatMap((text) => (typeof text === 'string' ? text.split(',') : text))
  if (typeof value !== 'string') return value
  // Beyond 15 digits a number is no longer what was written.
  if (schema?.type === 'integer') return /^-?[0-9]{1,15}$/.test(value) ? Number(value) : value
  if (schema?.type === 'boolean') return BOOLEANS[value] ?? value
  return value
}
