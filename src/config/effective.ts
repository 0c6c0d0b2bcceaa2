// `jobhook config print`: every setting as it takes effect, with the source it came from. No secret: what may be one is masked, references are shown
// as references. Not for: what the settings mean together (explain.ts).
import type { TSchema } from '@sinclair/typebox'
import { type ConfigSources, readLayers } from './load.ts'
import { ConfigSchema } from './schema.ts'

export interface EffectiveSetting {
  /** Dotted, as in the file: callback.timeout. */
  key: string
  value: unknown
  /** file, the variable’s name, the option, or default. */
  source: string
}

export const MASK = '********'

export function effectiveSettings(sources: ConfigSources): EffectiveSetting[] {
  const { file, environment, merged } = readLayers(sources)
  const sourceOf = (path: readonly string[]): string => {
    if (sources.flags && path.join('.') in sources.flags) return `--${path.join('.')}`
    const variables = [...environment].filter(([, set]) => set.every((part, index) => part === path[index]))
    const variable = variables.toSorted(([, a], [, b]) => a.length - b.length).at(-1)
    if (variable) return variable[0]
    return has(file, path) ? 'file' : 'default'
  }
  return leaves(ConfigSchema, merged, []).map(({ path, schema, value }) => ({
    key: path.join('.'),
    value: masked(schema, value, path.at(-1) ?? ''),
    source: sourceOf(path),
  }))
}

interface Leaf {
  path: string[]
  schema: TSchema
  value: unknown
}

function leaves(schema: TSchema, value: unknown, path: string[]): Leaf[] {
  const members = Object.entries((schema.properties ?? {}) as Record<string, TSchema>)
  if (members.length === 0 || !isRecord(value)) return [{ path, schema, value }]
  return members.flatMap(([key, member]) => (value[key] === undefined ? [] : leaves(member, value[key], [...path, key])))
}

/** Values of a Pod’s variables may be secrets, too, although no schema of ours says so. */
function masked(schema: TSchema | undefined, value: unknown, key: string): unknown {
  if (typeof value === 'string') return schema && mayBeSecret(schema) ? maskedText(value) : value
  if (Array.isArray(value)) return value.map((item: unknown) => masked(schema?.items, key === 'env' ? maskedVariable(item) : item, ''))
  if (!isRecord(value) || isReference(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, masked(schema?.properties?.[name], member, name)]))
}

function maskedVariable(item: unknown): unknown {
  return isRecord(item) && 'value' in item ? { ...item, value: MASK } : item
}

/** Of a URL the origin is worth seeing; its path may hold a token. */
function maskedText(text: string): string {
  const url = /^(https?|wss?):/.test(text) ? URL.parse(text) : null
  if (!url) return MASK
  return url.pathname === '/' && url.search === '' ? `${url.protocol}//${url.host}` : `${url.protocol}//${url.host}/${MASK}`
}

function mayBeSecret(schema: TSchema): boolean {
  const branches = (schema.anyOf ?? []) as TSchema[]
  return Boolean(schema['x-reference']) || branches.some((branch) => branch.properties?.file !== undefined)
}

function isReference(value: Record<string, unknown>): boolean {
  const [name, ...others] = Object.keys(value)
  return others.length === 0 && (name === 'file' || name === 'env') && typeof value[name] === 'string'
}

function has(tree: unknown, path: readonly string[]): boolean {
  const [first, ...rest] = path
  return first === undefined ? true : isRecord(tree) && tree[first] !== undefined && has(tree[first], rest)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
