/** Table and PartialObjectMetadata forms of objects, as kubectl and metadata-only clients ask for them. Pure. */
import type { Column, ResourceType } from '../api/resource.ts'
import type { JsonObject, KubeObject } from '../types.ts'
import type { Form } from './accept.ts'

export function partialMetadata(object: KubeObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}

function definition({ name, type, format = '', priority, description }: Column): JsonObject {
  return { name, type, format, description, priority }
}

export function tableRow(type: ResourceType, object: KubeObject, include: string, nowMs: number): JsonObject {
  const cells = type.columns.map((column) => column.cell(object, nowMs))
  if (include === 'None') return { cells }
  return { cells, object: include === 'Object' ? object : partialMetadata(object) }
}

export function table(type: ResourceType, rows: JsonObject[], metadata: JsonObject, withDefinitions: boolean): JsonObject {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withDefinitions ? type.columns.map(definition) : null,
    rows,
  }
}

/** One object in the form asked for; `first` says whether a watch still owes the column definitions. */
export function inForm(form: Form, type: ResourceType, object: KubeObject, include: string, first = true): unknown {
  if (form === 'object') return object
  if (form !== 'Table') return partialMetadata(object)
  return table(type, [tableRow(type, object, include, Date.now())], { resourceVersion: object.metadata.resourceVersion }, first)
}
