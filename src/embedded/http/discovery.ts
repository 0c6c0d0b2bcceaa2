/** /version, /api, /apis and the resource lists: what a client asks before it asks for anything else. Pure. */
import { arch, platform } from 'node:process'
import type { ResourceType } from '../api/resource.ts'
import type { JsonObject } from '../types.ts'

/** The Kubernetes whose behaviour this API follows. */
export const VERSION = { major: '1', minor: '37', gitVersion: 'v1.37.0+embedded' }

const ACCESS_REVIEW = {
  name: 'selfsubjectaccessreviews',
  singularName: 'selfsubjectaccessreview',
  namespaced: false,
  kind: 'SelfSubjectAccessReview',
  verbs: ['create'],
}

/** The answer to a discovery path, or null when the path is none. */
export function discovery(segments: readonly string[], types: ReadonlyMap<string, ResourceType>): JsonObject | null {
  const [root, group, version] = segments
  if (root === 'version' && segments.length === 1) {
    return {
      ...VERSION,
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
      goVersion: '',
      compiler: '',
      platform: `${platform}/${arch === 'x64' ? 'amd64' : arch}`,
    }
  }
  if (root === 'api' && segments.length === 1) return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  if (root === 'api' && segments.length === 2 && group === 'v1') return resourceList('', 'v1', types)
  if (root !== 'apis') return null
  const groups = groupVersions(types)
  if (segments.length === 1) return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(describeGroup) }
  const found = groups.find((candidate) => candidate.group === group)
  if (found === undefined) return null
  if (segments.length === 2) return { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(found) }
  return segments.length === 3 && version === found.version ? resourceList(found.group, found.version, types) : null
}

export function groupVersions(types: ReadonlyMap<string, ResourceType>): { group: string; version: string }[] {
  const groups = new Map([...types.values()].filter((type) => type.group !== '').map(({ group, version }) => [group, { group, version }]))
  return [...groups.values(), { group: 'authorization.k8s.io', version: 'v1' }]
}

function describeGroup({ group, version }: { group: string; version: string }): JsonObject {
  const entry = { groupVersion: `${group}/${version}`, version }
  return { name: group, versions: [entry], preferredVersion: entry }
}

function resourceList(group: string, version: string, types: ReadonlyMap<string, ResourceType>): JsonObject {
  const resources = [...types.values()].filter((type) => type.group === group).flatMap(describeResource)
  const groupVersion = group === '' ? version : `${group}/${version}`
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: group === 'authorization.k8s.io' ? [ACCESS_REVIEW] : resources,
  }
}

function describeResource(type: ResourceType): JsonObject[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = type
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  }
  const sub = (name: string, subVerbs: string[]): JsonObject => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind,
    verbs: subVerbs,
  })
  return [
    main,
    ...(type.hasStatus ? [sub('status', ['get', 'patch', 'update'])] : []),
    ...(type.key === 'pods' ? [sub('log', ['get'])] : []),
  ]
}
