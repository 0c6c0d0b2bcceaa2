// JSON schemas for kubeconform, made from the OpenAPI document of the API server under test: no schema site is asked, and it is this very version.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Api } from '../cluster/harness/api.ts'

interface Definition {
  $ref?: string
  properties?: Record<string, Definition>
  items?: Definition
  additionalProperties?: Definition | boolean
  type?: string
  format?: string
  required?: string[]
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

/** Writes KIND-GROUP-VERSION.json for these kinds, strict: a field that the API does not know is an error. */
export async function writeSchemas(api: Api, folder: string, kinds: ReadonlySet<string>): Promise<void> {
  const { definitions } = await api.get<{ definitions: Record<string, Definition> }>('/openapi/v2')
  mkdirSync(folder, { recursive: true })

  function inline(definition: Definition, name: string | null): object {
    if (definition.$ref) {
      const target = definition.$ref.replace('#/definitions/', '')
      return inline(definitions[target] ?? {}, target)
    }
    if (name?.endsWith('.IntOrString')) return { oneOf: [{ type: 'string' }, { type: 'integer' }] }
    if (name?.endsWith('.Quantity')) return { oneOf: [{ type: 'string' }, { type: 'number' }] }
    const { properties, items, additionalProperties, type, required } = definition
    if (properties)
      return {
        type: 'object',
        ...(required ? { required } : {}),
        properties: Object.fromEntries(Object.entries(properties).map(([key, member]) => [key, inline(member, null)])),
        additionalProperties: false,
      }
    if (items) return { type: ['array', 'null'], items: inline(items, null) }
    if (typeof additionalProperties === 'object')
      return { type: ['object', 'null'], additionalProperties: inline(additionalProperties, null) }
    return type ? { type: [type, 'null'] } : {}
  }

  for (const [name, definition] of Object.entries(definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      if (!kinds.has(kind)) continue
      const suffix = group === '' ? version : `${group.split('.')[0]}-${version}`
      writeFileSync(join(folder, `${kind.toLowerCase()}-${suffix}.json`), JSON.stringify(inline(definition, name)))
    }
  }
}
