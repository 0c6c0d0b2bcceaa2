/** What a request's path and query ask for. Pure: `/api/v1/namespaces/NS/pods/NAME/log` and so on become a target, or null when the path leads nowhere. */
import type { ResourceType } from '../api/resource.ts'

export interface Target {
  type: ResourceType
  /** Empty for a cluster-wide resource, or for a list over all namespaces. */
  namespace: string
  /** Empty for a collection. */
  name: string
  subresource: string
}

export function resolveTarget(segments: readonly string[], types: ReadonlyMap<string, ResourceType>): Target | null {
  const [root, ...afterRoot] = segments
  const core = root === 'api'
  if (!core && root !== 'apis') return null
  const [group, version, ...rest] = core ? ['', ...afterRoot] : afterRoot
  const find = (plural: string | undefined): ResourceType | undefined =>
    [...types.values()].find((type) => type.group === group && type.version === version && type.plural === plural)

  if (rest[0] === 'namespaces' && rest.length > 2) {
    const [, namespace = '', plural, name = '', subresource = '', ...more] = rest
    const type = find(plural)
    if (type?.namespaced === true) return more.length === 0 ? { type, namespace, name, subresource } : null
  }
  const [plural, name = '', subresource = '', ...more] = rest
  const type = find(plural)
  if (type === undefined || more.length > 0 || (type.namespaced && name !== '')) return null
  return { type, namespace: '', name, subresource }
}
