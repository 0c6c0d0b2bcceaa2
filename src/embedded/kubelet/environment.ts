/** A container's environment and command line from its spec: values, $(VAR) references, Secrets, ConfigMaps and the Pod's own fields. Pure but for what the lookups give. */
import { at } from '../json.ts'
import type { Container, EnvVar, KubeObject, Pod } from '../types.ts'

/** The container cannot be created: its waiting state shows this. */
export class ConfigError extends Error {}

export interface Lookup {
  secret(name: string): KubeObject | undefined
  configMap(name: string): KubeObject | undefined
}

export function containerEnvironment(pod: Pod, container: Container, lookup: Lookup, base: Record<string, string>): Record<string, string> {
  const result: Record<string, string> = { ...base }
  const namespace = pod.metadata.namespace ?? ''
  for (const source of container.envFrom ?? []) {
    const [kind, reference] =
      source.secretRef === undefined ? (['configmap', source.configMapRef] as const) : (['secret', source.secretRef] as const)
    const values = dataOf(kind, reference?.name ?? '', namespace, lookup, reference?.optional === true)
    for (const [key, value] of Object.entries(values ?? {})) result[`${source.prefix ?? ''}${key}`] = value
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom === undefined ? expand(variable.value ?? '', result) : fromSource(pod, container, variable, lookup)
    if (value !== null) result[variable.name] = value
  }
  return result
}

export function commandLine(container: Container, environment: Record<string, string>): string[] {
  return [...(container.command ?? []), ...(container.args ?? [])].map((word) => expand(word, environment))
}

/** `$(NAME)` becomes the value of NAME when there is one, `$$(NAME)` the text `$(NAME)`; everything else stays as it is. */
export function expand(text: string, values: Record<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^()]*)\)/g, (match, name: string | undefined) => {
    if (match === '$$') return '$'
    return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? '') : match
  })
}

function fromSource(pod: Pod, container: Container, variable: EnvVar, lookup: Lookup): string | null {
  const namespace = pod.metadata.namespace ?? ''
  const { secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef } = variable.valueFrom ?? {}
  if (secretKeyRef !== undefined) return fromKey('secret', secretKeyRef, namespace, lookup)
  if (configMapKeyRef !== undefined) return fromKey('configmap', configMapKeyRef, namespace, lookup)
  if (fieldRef !== undefined) return podField(pod, fieldRef.fieldPath)
  if (resourceFieldRef !== undefined) {
    const value = at(container.resources, resourceFieldRef.resource.split('.'))
    if (value === undefined) throw new ConfigError(`${resourceFieldRef.resource} is not set on container ${container.name}`)
    return String(value)
  }
  throw new ConfigError(`the source of environment variable ${variable.name} is not supported here`)
}

function fromKey(
  kind: 'secret' | 'configmap',
  ref: { name?: string; key: string; optional?: boolean },
  namespace: string,
  lookup: Lookup,
): string | null {
  const values = dataOf(kind, ref.name ?? '', namespace, lookup, ref.optional === true)
  const value = values?.[ref.key]
  if (value !== undefined) return value
  if (ref.optional === true) return null
  throw new ConfigError(`couldn't find key ${ref.key} in ${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${namespace}/${ref.name}`)
}

function dataOf(
  kind: 'secret' | 'configmap',
  name: string,
  _namespace: string,
  lookup: Lookup,
  optional: boolean,
): Record<string, string> | null {
  const found = kind === 'secret' ? lookup.secret(name) : lookup.configMap(name)
  if (found !== undefined) return decoded(found)
  if (optional) return null
  throw new ConfigError(`${kind} "${name}" not found`)
}

export function decoded(object: KubeObject): Record<string, string> {
  const data = Object.entries((object.data ?? {}) as Record<string, string>)
  if (object.kind !== 'Secret') return Object.fromEntries(data)
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

function podField(pod: Pod, path: string): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (subscript !== null) return pod.metadata[subscript[1] === 'labels' ? 'labels' : 'annotations']?.[subscript[2] ?? ''] ?? ''
  if (path === 'status.podIP' || path === 'status.podIPs' || path === 'status.hostIP' || path === 'status.hostIPs') return '127.0.0.1'
  return String(at(pod, path.split('.')) ?? '')
}
