// The environment of the task's container: four sources merged by one rule, sorted by name, secret values behind references.
// Precedence, weakest first: the profile's own defaults, the assignment's env_vars, the configuration, what jobhook relies on (reserved).
import type { V1EnvVar } from '@kubernetes/client-node'
import type { TemplateContainer } from '../model/pod-settings.ts'
import { shortHash } from './names.ts'
import type { EnvOrigin, EnvSource, JobSpecOptions } from './options.ts'
import { literal } from './text.ts'

/** Before it is known which Secret holds it. */
type Value = { kind: 'plain'; value: string } | { kind: 'secret'; value: string } | { kind: 'from'; env: V1EnvVar }
interface Variable {
  origin: EnvOrigin
  value: Value
}

export interface MergedEnv {
  env: V1EnvVar[]
  /** Values of the Secret, by its key. Empty: no Secret is needed. */
  secretData: Map<string, string>
  sources: EnvSource[]
}

export interface EnvInput {
  /** Values that hold text of the assignment must be literal() already. */
  profile: ReadonlyMap<string, string>
  assignment: Readonly<Record<string, string>>
  template: TemplateContainer['env']
  options: Pick<JobSpecOptions, 'kubernetes' | 'inheritedEnv'>
  reserved: ReadonlyMap<string, string>
  secretName: string
}

export function mergeEnv(input: EnvInput): MergedEnv {
  const variables = new Map<string, Variable[]>()
  const add = (name: string, origin: EnvOrigin, value: Value): void => {
    const candidates = variables.get(name)
    if (candidates) candidates.push({ origin, value })
    else variables.set(name, [{ origin, value }])
  }

  for (const [name, value] of input.profile) add(name, 'profile', { kind: 'plain', value })
  for (const [name, value] of Object.entries(input.assignment)) add(name, 'assignment', { kind: 'secret', value })
  for (const entry of input.template ?? []) add(entry.name, 'configuration', { kind: 'from', env: { ...entry } })
  for (const { name, value } of input.options.kubernetes.env ?? []) {
    if (value !== undefined) add(name, 'configuration', { kind: 'plain', value })
    else add(name, 'inherited', { kind: 'secret', value: inherited(input.options, name) ?? '' })
  }
  for (const [name, value] of input.reserved) add(name, 'reserved', { kind: 'plain', value })

  const env: V1EnvVar[] = []
  const secretData = new Map<string, string>()
  const sources: EnvSource[] = []
  for (const name of [...variables.keys()].sort()) {
    const candidates = variables.get(name) ?? []
    const winner = candidates.at(-1)
    if (!winner) continue
    sources.push({ name, from: winner.origin, overrides: candidates.slice(0, -1).map((candidate) => candidate.origin) })
    env.push(envVar(name, winner.value, secretData, input.secretName))
  }
  return { env: referencesFirst(env), secretData, sources }
}

/** The value of a variable that the configuration takes over by name. */
export function inherited(options: Pick<JobSpecOptions, 'inheritedEnv'>, name: string): string | undefined {
  return options.inheritedEnv && Object.hasOwn(options.inheritedEnv, name) ? options.inheritedEnv[name] : undefined
}

function envVar(name: string, value: Value, secretData: Map<string, string>, secretName: string): V1EnvVar {
  if (value.kind === 'plain') return { name, value: value.value }
  if (value.kind === 'from') return value.env
  const key = secretKey(name)
  secretData.set(key, value.value)
  return { name, valueFrom: { secretKeyRef: { name: secretName, key } } }
}

/** Secret keys allow only [-._a-zA-Z0-9] and 253 characters; names of variables more. An ordinary name stays readable, any other is hashed; "-" keeps the two apart. */
export function secretKey(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(name) ? name : `env-${shortHash(name, 16)}`
}

/**
 * Kubernetes expands $(NAME) only to variables that stand earlier in the list: a configured value that refers to another comes after it.
 * Otherwise the order by name stays.
 */
function referencesFirst(env: V1EnvVar[]): V1EnvVar[] {
  const byName = new Map(env.map((entry) => [entry.name, entry]))
  const done = new Set<string>()
  const result: V1EnvVar[] = []
  const place = (entry: V1EnvVar, path: readonly string[]) => {
    if (done.has(entry.name) || path.includes(entry.name)) return
    for (const name of references(entry.value ?? '')) {
      const other = byName.get(name)
      if (other) place(other, [...path, entry.name])
    }
    if (done.has(entry.name)) return
    done.add(entry.name)
    result.push(entry)
  }
  for (const entry of env) place(entry, [])
  return result
}

/** Names in $(NAME), not those escaped as $$(NAME). */
function references(value: string): string[] {
  if (!value.includes('$')) return []
  return [...value.matchAll(/\$(?:\$|\(([^)]*)\))/g)].map((match) => match[1]).filter((name) => name !== undefined)
}

/** Text of the assignment in a value of ours. */
export function plainEnv(entries: Record<string, string | undefined>): Map<string, string> {
  const result = new Map<string, string>()
  for (const [name, value] of Object.entries(entries)) if (value !== undefined) result.set(name, literal(value))
  return result
}
