/**
 * /openapi/v3 as far as kubectl needs it: which parameters a kind's PATCH takes (server-side field validation), and each type's fields with their merge keys
 * (`kubectl apply`, `kubectl explain`). Made from the same field tables that decode bodies. There is no OpenAPI v2: that one is protobuf only.
 */
import type { ResourceType } from '../api/resource.ts'
import { type FieldType, fieldsOf, isScalar } from '../schema/schema.ts'
import type { JsonObject } from '../types.ts'
import { groupVersions, VERSION } from './discovery.ts'

const REF = '#/components/schemas/'
const SCALARS: Record<string, JsonObject> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  number: { type: 'number', format: 'double' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time' },
  quantity: { type: 'string' },
  intOrString: { type: 'string', format: 'int-or-string' },
  bytes: { type: 'string', format: 'byte' },
  any: { type: 'object' },
}

/** The answer to a path under /openapi/v3, or null when there is none. */
export function openapi(segments: readonly string[], types: ReadonlyMap<string, ResourceType>): JsonObject | null {
  if (segments[0] !== 'openapi' || segments[1] !== 'v3') return null
  const names = ['api/v1', ...groupVersions(types).map(({ group, version }) => `apis/${group}/${version}`)]
  if (segments.length === 2) {
    return {
      paths: Object.fromEntries(names.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}?hash=${VERSION.gitVersion}` }])),
    }
  }
  const name = segments.slice(2).join('/')
  if (!names.includes(name)) return null
  const members = [...types.values()].filter((type) =>
    type.group === '' ? name === 'api/v1' : name === `apis/${type.group}/${type.version}`,
  )
  const schemas: Record<string, JsonObject> = {}
  for (const type of members) describe(type.kind, schemas, gvk(type))
  const paths = Object.fromEntries(members.flatMap((type) => pathsOf(name, type)))
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: VERSION.gitVersion }, paths, components: { schemas } }
}

function gvk({ group, version, kind }: ResourceType): JsonObject {
  return { group, version, kind }
}

function pathsOf(groupVersion: string, type: ResourceType): [string, JsonObject][] {
  const parameter = (name: string): JsonObject => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } })
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'pretty'].map(parameter)
  const operation = (action: string): JsonObject => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(type),
    parameters,
    responses: {},
  })
  const collection = `/${groupVersion}/${type.namespaced ? 'namespaces/{namespace}/' : ''}${type.plural}`
  return [
    [collection, { get: operation('list'), post: operation('post') }],
    [`${collection}/{name}`, { get: operation('get'), put: operation('put'), patch: operation('patch'), delete: operation('delete') }],
  ]
}

function describe(typeName: string, schemas: Record<string, JsonObject>, kind: JsonObject | null = null): void {
  const fields = fieldsOf(typeName)
  if (fields === null || schemas[typeName] !== undefined) return
  const schema: JsonObject = { type: 'object', ...(kind === null ? {} : { 'x-kubernetes-group-version-kind': [kind] }) }
  schemas[typeName] = schema
  schema.properties = Object.fromEntries([...fields].map(([name, field]) => [name, property(field, schemas)]))
}

function property(field: FieldType, schemas: Record<string, JsonObject>): JsonObject {
  const item = isScalar(field.of) ? (SCALARS[field.of] ?? {}) : reference(field.of, schemas)
  if (field.shape === 'map') return { type: 'object', additionalProperties: item }
  if (field.shape === 'one') return item
  const list = { type: 'array', items: item }
  if (field.mergeKey !== null) return { ...list, 'x-kubernetes-patch-merge-key': field.mergeKey, 'x-kubernetes-patch-strategy': 'merge' }
  return field.set ? { ...list, 'x-kubernetes-patch-strategy': 'merge' } : list
}

function reference(typeName: string, schemas: Record<string, JsonObject>): JsonObject {
  describe(typeName, schemas)
  return { allOf: [{ $ref: `${REF}${typeName}` }] }
}
