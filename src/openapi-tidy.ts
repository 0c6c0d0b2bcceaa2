// Makes the generated OpenAPI document one that people and generators like: enums and nullable types instead of unions of one, schemas and problem
// answers by name instead of the same text a hundred times. Pure; it changes no meaning.

export type Json = Record<string, unknown>

/** How TypeBox says: members of any name. */
const ANY_NAME = '^(.*)$'

/** A copy with unions of single constants as one enum, and unions with null as a type that may be null. */
export function tidySchemas(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidySchemas)
  if (!isObject(value)) return value
  const copy: Json = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, tidySchemas(member)]))
  // The generator has its own way with some of these, and schemas that come past it have TypeBox's.
  if (Array.isArray(copy.enum) && copy.enum.length === 1 && typeof copy.type === 'string') {
    copy.const = copy.enum[0]
    delete copy.enum
  }
  if (isObject(copy.patternProperties) && ANY_NAME in copy.patternProperties) {
    copy.additionalProperties = copy.patternProperties[ANY_NAME]
    delete copy.patternProperties
  }
  if (!Array.isArray(copy.anyOf)) return copy
  const { anyOf, ...rest } = copy
  const branches = anyOf.filter(isObject)
  const constants = branches.map((branch) => branch.const)
  if (constants.every((constant) => constant !== undefined) && new Set(branches.map(({ type }) => type)).size === 1)
    return { type: branches[0]?.type, enum: constants, ...rest }
  const [only, ...others] = branches.filter(({ type }) => type !== 'null')
  if (
    only &&
    others.length === 0 &&
    branches.length === 2 &&
    typeof only.type === 'string' &&
    only.enum === undefined &&
    only.const === undefined
  )
    return { ...only, ...rest, type: [only.type, 'null'] }
  return copy
}

/** How a named schema may look in the document, by its canonical text: whole, or with others in it referred to already. */
export type KnownSchemas = ReadonlyMap<string, string>

export function knownSchemas(named: ReadonlyMap<string, unknown>): KnownSchemas {
  const whole = new Map([...named].map(([name, schema]) => [canonical(withoutDescription(schema)), name]))
  const referring = [...named].map(([name, schema]): [string, string] => [
    canonical(withoutDescription(referTo(schema, whole, name))),
    name,
  ])
  return new Map([...whole, ...referring])
}

/** A copy in which every schema that is known (descriptions of the whole aside) is referred to; `self` is not, at the top. Without $id. */
export function referTo(value: unknown, known: KnownSchemas, self?: string): unknown {
  if (Array.isArray(value)) return value.map((member) => referTo(member, known))
  if (!isObject(value)) return value
  const name = typeof value.type === 'string' ? known.get(canonical(withoutDescription(value))) : undefined
  if (name !== undefined && name !== self) return { $ref: `#/components/schemas/${name}` }
  const { $id: _, ...rest } = value
  return Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, referTo(member, known)]))
}

function withoutDescription(schema: unknown): unknown {
  if (!isObject(schema)) return schema
  const { description: _, $id: __, ...rest } = schema
  return rest
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  )
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
