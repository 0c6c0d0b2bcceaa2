// What the configuration's schema is made of: durations, references to files and variables, rates, closed objects.
import { type TSchema, Type } from '@sinclair/typebox'
import { DURATION_PATTERN } from './duration.ts'

export const closed = { additionalProperties: false }

export const duration = (description: string, fallback?: string) =>
  Type.Union([Type.String({ pattern: DURATION_PATTERN }), Type.Number({ minimum: 0 })], {
    description: `${description} A duration such as 30s, 2m, 8h; a number means seconds.`,
    ...(fallback === undefined ? {} : { default: fallback }),
  })

/** A string, or where to read it: {file: path} or {env: NAME}. References are resolved by the loader, so that the rest sees strings. */
const Reference = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object({ file: Type.String({ minLength: 1 }) }, closed),
  Type.Object({ env: Type.String({ minLength: 1 }) }, closed),
])
export const reference = (description: string) =>
  Type.Unsafe<string>({ ...Reference, 'x-reference': true, description: `${description} May be {file: …} or {env: …}.` })

/** The same, but read anew each time it is needed: a token that is rotated needs no restart. */
export const rotating = (description: string) =>
  Type.Union(Reference.anyOf, { description: `${description} May be {file: …} or {env: …}; a file is read again each time.` })

export const rate = (description: string, fallback: number) =>
  Type.Integer({ minimum: 0, maximum: 1_000_000, default: fallback, description: `${description} Requests a second; 0: no limit.` })

export const object = <T extends Record<string, TSchema>>(properties: T, description: string) =>
  Type.Object(properties, { ...closed, description, default: {} })
