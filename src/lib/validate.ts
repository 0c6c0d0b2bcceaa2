// Checks a value against a TypeBox schema and says what is wrong as data: a JSON pointer and a sentence each, never the value itself.
import type { Static, TSchema } from '@sinclair/typebox'
import { TypeCompiler, type ValueError, ValueErrorType } from '@sinclair/typebox/compiler'
import type { FieldError } from '../model/problem.ts'

export type Checked<T> = { ok: true; value: T } | { ok: false; errors: FieldError[] }

/** Compiles the schema once; the check itself changes nothing (no coercion, no removal, no defaults). At most `cap` errors are listed. */
export function createValidator<S extends TSchema>(schema: S, cap = 20): (value: unknown) => Checked<Static<S>> {
  const compiled = TypeCompiler.Compile(schema)
  return (value) => {
    if (compiled.Check(value)) return { ok: true, value }
    const errors: FieldError[] = []
    const seen = new Set<string>()
    for (const error of compiled.Errors(value)) {
      // One error a place: a missing field is also reported as a wrong type.
      if (seen.has(error.path)) continue
      seen.add(error.path)
      errors.push({ pointer: error.path, detail: describe(error) })
      if (errors.length === cap) break
    }
    return { ok: false, errors }
  }
}

function describe(error: ValueError): string {
  const schema = error.schema
  switch (error.type) {
    case ValueErrorType.ObjectRequiredProperty:
      return 'is required'
    case ValueErrorType.ObjectAdditionalProperties:
      return 'is not a known field'
    case ValueErrorType.StringMinLength:
      return schema.minLength === 1 ? 'must not be empty' : `must have at least ${schema.minLength} characters`
    case ValueErrorType.StringMaxLength:
      return `must have at most ${schema.maxLength} characters (it has ${String(error.value).length})`
    case ValueErrorType.StringPattern:
      return schema.description ? `has characters or a form that is not allowed. ${schema.description}` : `must match ${schema.pattern}`
    case ValueErrorType.IntegerMinimum:
    case ValueErrorType.NumberMinimum:
      return `must be at least ${schema.minimum}`
    case ValueErrorType.IntegerMaximum:
    case ValueErrorType.NumberMaximum:
      return `must be at most ${schema.maximum}`
    case ValueErrorType.NumberExclusiveMinimum:
      return `must be more than ${schema.exclusiveMinimum}`
    case ValueErrorType.ArrayMinItems:
      return `must have at least ${schema.minItems} item(s)`
    case ValueErrorType.ArrayMaxItems:
      return `must have at most ${schema.maxItems} items`
    case ValueErrorType.Union:
      return unionChoices(schema) ?? error.message
    default:
      return typeof schema.type === 'string'
        ? `must be ${article(schema.type)} (it is ${typeName(error.value)})`
        : error.message.toLowerCase()
  }
}

function unionChoices(schema: TSchema): string | null {
  const branches: unknown = schema.anyOf
  if (!Array.isArray(branches)) return null
  const words = branches.map((branch: TSchema) =>
    'const' in branch ? JSON.stringify(branch.const) : typeof branch.type === 'string' ? article(branch.type) : null,
  )
  return words.every((word) => word !== null) ? `must be ${words.join(' or ')}` : null
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'missing'
  return article(Array.isArray(value) ? 'array' : typeof value)
}

/** Joins parts into a JSON pointer (RFC 6901). */
export function pointer(...parts: (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
