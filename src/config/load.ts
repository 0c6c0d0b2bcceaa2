// Reads the configuration: file, then environment, then flags, the later winning; resolves references; checks it against the schema.
// Every problem is reported at once, each with the key, what is wrong and the remedy.
import { readFileSync } from 'node:fs'
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { describeError } from '../lib/log.ts'
import { nearest } from '../lib/nearest.ts'
import { createValidator } from '../lib/validate.ts'
import { type ReadYaml, readYaml } from '../lib/yaml.ts'
import { checkMeaning } from './meaning.ts'
import type { ConfigProblem } from './problem.ts'
import { type Config, ConfigSchema } from './schema.ts'

export type LoadedConfig = { ok: true; config: Config; warnings: ConfigProblem[] } | { ok: false; problems: ConfigProblem[] }

export interface ConfigSources {
  /** Path of a YAML file, or null. */
  file: string | null
  /** Already parsed content instead of a file. */
  content?: unknown
  env: Record<string, string | undefined>
  /** Dotted key → text, as from the command line. */
  flags?: Record<string, string>
}

/** What each source says by itself, references not followed; for showing where a setting came from. Problems are for loadConfig to tell. */
export interface ConfigLayers {
  file: Record<string, unknown>
  /** Variable name → the path it sets. */
  environment: Map<string, string[]>
  /** All sources laid over each other, with defaults. */
  merged: Record<string, unknown>
}

export function readLayers(sources: ConfigSources): ConfigLayers {
  const tree = sources.content ?? readFile(sources.file, [])
  const file = isRecord(tree) ? tree : {}
  const merged = structuredClone(file)
  applyEnvironment(merged, sources.env, [])
  applyFlags(merged, sources.flags ?? {}, [])
  const names = Object.keys(sources.env).filter((name) => isSetting(name) && sources.env[name] !== undefined)
  const environment = new Map(names.map((name) => [name, pathOf(name)]))
  return { file, environment, merged: Value.Default(ConfigSchema, merged) as Record<string, unknown> }
}

const ENV_PREFIX = 'JOBHOOK_'
/** Variables with our prefix that are no settings: the command line's own, the tests', and what Kubernetes injects for a Service named jobhook. */
const ENV_IGNORED = /^JOBHOOK_(TEST_|CACHE$|URL$|TOKEN$|CONFIG$|SERVICE_|PORT($|_))/

export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: ConfigProblem[] = []
  const tree = sources.content ?? readFile(sources.file, problems)
  if (!isRecord(tree)) {
    if (problems.length === 0) problems.push({ key: '(file)', detail: 'must be a mapping of keys, such as worker_id: w1' })
    return { ok: false, problems }
  }
  const merged: Record<string, unknown> = structuredClone(tree)
  applyEnvironment(merged, sources.env, problems)
  applyFlags(merged, sources.flags ?? {}, problems)
  resolveReferences(merged, ConfigSchema, [], sources.env, problems)
  if (problems.length > 0) return { ok: false, problems }

  const filled = Value.Default(ConfigSchema, merged)
  const checked = createValidator(ConfigSchema, 50)(filled)
  if (!checked.ok) return { ok: false, problems: checked.errors.map((error) => explain(error.pointer, error.detail)) }
  const meaning = checkMeaning(checked.value)
  return meaning.problems.length > 0
    ? { ok: false, problems: meaning.problems }
    : { ok: true, config: checked.value, warnings: meaning.warnings }
}

function readFile(file: string | null, problems: ConfigProblem[]): unknown {
  if (file === null) return {}
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    problems.push({ key: file, detail: `cannot be read: ${describeError(error)}` })
    return null
  }
  const read = readYaml(text)
  if (read.ok) return read.value ?? {}
  problems.push({ key: file, detail: read.detail })
  return null
}

function applyEnvironment(tree: Record<string, unknown>, env: Record<string, string | undefined>, problems: ConfigProblem[]): void {
  for (const [name, text] of Object.entries(env)) {
    if (!isSetting(name) || text === undefined) continue
    const path = pathOf(name)
    const schema = schemaAt(path)
    if (!schema) {
      const known = knownPaths(ConfigSchema).map((key) => ENV_PREFIX + key.toUpperCase().replaceAll('.', '__'))
      problems.push({ key: name, detail: `is no setting${suggest(name, known)}` })
      continue
    }
    const read = typedValue(schema, text)
    if (read.ok) setPath(tree, path, read.value)
    else problems.push({ key: name, detail: read.detail })
  }
}

function applyFlags(tree: Record<string, unknown>, flags: Record<string, string>, problems: ConfigProblem[]): void {
  for (const [key, text] of Object.entries(flags)) {
    const path = key.split('.')
    const read = typedValue(schemaAt(path), text)
    if (read.ok) setPath(tree, path, read.value)
    else problems.push({ key, detail: read.detail })
  }
}

function isSetting(variable: string): boolean {
  return variable.startsWith(ENV_PREFIX) && !ENV_IGNORED.test(variable)
}

function pathOf(variable: string): string[] {
  return variable.slice(ENV_PREFIX.length).toLowerCase().split('__')
}

/** Text as it is where the schema wants a string; YAML everywhere else and for {file: …}. */
function typedValue(schema: TSchema | null, text: string): ReadYaml {
  return schema && acceptsString(schema) && !text.startsWith('{') ? { ok: true, value: text } : readYaml(text)
}

function acceptsString(schema: TSchema): boolean {
  return schema.type === 'string' || (Array.isArray(schema.anyOf) && schema.anyOf.some((branch: TSchema) => branch.type === 'string'))
}

/** Replaces {file: …} and {env: …} by what they lead to, where the schema allows a reference. */
function resolveReferences(
  value: unknown,
  schema: TSchema,
  path: (string | number)[],
  env: Record<string, string | undefined>,
  problems: ConfigProblem[],
): void {
  if (Array.isArray(value) && schema.items) {
    value.forEach((item, index) => {
      const resolved = resolveOne(item, schema.items, [...path, index], env, problems)
      if (resolved === undefined) resolveReferences(item, schema.items, [...path, index], env, problems)
      else value[index] = resolved
    })
  } else if (isRecord(value) && schema.properties) {
    for (const [key, member] of Object.entries(schema.properties as Record<string, TSchema>)) {
      if (!(key in value)) continue
      const resolved = resolveOne(value[key], member, [...path, key], env, problems)
      if (resolved === undefined) resolveReferences(value[key], member, [...path, key], env, problems)
      else value[key] = resolved
    }
  }
}

function resolveOne(
  value: unknown,
  schema: TSchema,
  path: (string | number)[],
  env: Record<string, string | undefined>,
  problems: ConfigProblem[],
): string | undefined {
  if (!schema['x-reference'] || !isRecord(value)) return undefined
  const key = path.join('.')
  if (typeof value.env === 'string') {
    const text = env[value.env]
    if (text !== undefined && text !== '') return text
    problems.push({ key, detail: `names the environment variable ${value.env}, which is not set: set it, or write the value or {file: …}` })
  } else if (typeof value.file === 'string') {
    try {
      const text = readFileSync(value.file, 'utf8').trim()
      if (text !== '') return text
      problems.push({ key, detail: `names the file ${value.file}, which is empty` })
    } catch (error) {
      problems.push({ key, detail: `names a file that cannot be read: ${describeError(error)}` })
    }
  }
  return undefined
}

/** A schema error in words: unknown keys get the nearest known one, and what belongs to backends we do not have is told apart. */
function explain(pointer: string, detail: string): ConfigProblem {
  const path = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const key = path.join('.')
  if (detail !== 'is not a known field') return { key, detail }
  const other = /^backend\.(docker|direct|command)$/.exec(key)
  if (other)
    return {
      key,
      detail: `is a backend that jobhook does not have: use backend.kubernetes, or cluster: embedded to run tasks as local processes`,
    }
  const siblings = Object.keys((schemaAt(path.slice(0, -1))?.properties as Record<string, TSchema> | undefined) ?? {})
  return { key, detail: `is not a known key${suggest(path.at(-1) ?? '', siblings)}` }
}

function suggest(word: string, candidates: string[]): string {
  const near = nearest(word, candidates)
  return near ? `; did you mean ${near}?` : ''
}

function schemaAt(path: readonly string[]): TSchema | null {
  let schema: TSchema | null = ConfigSchema
  for (const part of path) {
    const properties: Record<string, TSchema> | undefined = schema?.properties
    schema = (properties && Object.hasOwn(properties, part) ? properties[part] : null) ?? null
    if (!schema) return null
  }
  return schema
}

function knownPaths(schema: TSchema, prefix = ''): string[] {
  return Object.entries((schema.properties ?? {}) as Record<string, TSchema>).flatMap(([key, member]) => [
    prefix + key,
    ...knownPaths(member, `${prefix}${key}.`),
  ])
}

function setPath(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = tree
  path.slice(0, -1).forEach((part) => {
    if (!isRecord(node[part])) node[part] = {}
    node = node[part] as Record<string, unknown>
  })
  node[path.at(-1) ?? ''] = value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
