/** What the registry, the HTTP layer and discovery must know of a kind of object. The kinds themselves are in catalogue.ts. */
import type { StatusCause } from '../status.ts'
import type { KubeObject } from '../types.ts'

export interface Column {
  name: string
  type: 'string' | 'integer' | 'date'
  format?: string
  /** 0 is shown always, 1 with `kubectl get -o wide`. */
  priority: number
  description: string
  cell(object: KubeObject, nowMs: number): string | number | null
}

export interface ResourceType {
  /** Key in the store: `jobs.batch`, `pods`. */
  key: string
  group: string
  version: string
  plural: string
  singular: string
  kind: string
  shortNames: string[]
  categories: string[]
  namespaced: boolean
  verbs: string[]
  /** Whether a change of spec raises metadata.generation. */
  generation: boolean
  hasStatus: boolean
  fieldLabels: string[]
  columns: Column[]
  /** What a DELETE without propagationPolicy means: Jobs of batch/v1 orphan their Pods, everything else deletes in the background. */
  defaultPropagation: 'Background' | 'Orphan'
  /** Fills in defaults; the object is a copy and may be changed. */
  prepareForCreate(object: KubeObject): void
  prepareForUpdate(next: KubeObject, previous: KubeObject): void
  validate(object: KubeObject): StatusCause[]
  validateUpdate(next: KubeObject, previous: KubeObject): StatusCause[]
}

export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`
}
