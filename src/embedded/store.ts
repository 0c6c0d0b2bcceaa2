/**
 * What the cluster knows: every object by resource, namespace and name, one revision counter, and a bounded history of changes for watches and paged lists.
 * It validates nothing and runs nothing. Stored objects are never changed in place: a write replaces the object, so readers may keep what they were given.
 */
import type { KubeObject } from './types.ts'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Change {
  type: ChangeType
  revision: number
  resource: string
  object: KubeObject
  /** The object before the change; null for ADDED. */
  previous: KubeObject | null
}

export type ChangeListener = (change: Change) => void

export interface Store {
  revision(): number
  get(resource: string, namespace: string, name: string): KubeObject | undefined
  /** Sorted by namespace, then name, as etcd keys are. An empty namespace means all. Later writes change the array: copy it before writing in a loop over it. */
  list(resource: string, namespace: string): KubeObject[]
  /** The list as it was at a revision, or null when the history does not reach back that far. */
  listAt(resource: string, namespace: string, revision: number): KubeObject[] | null
  insert(resource: string, object: KubeObject): KubeObject
  replace(resource: string, object: KubeObject): KubeObject
  remove(resource: string, object: KubeObject): KubeObject
  /** Changes after a revision, oldest first, or null when some of them are forgotten. */
  changesSince(resource: string, revision: number): Change[] | null
  subscribe(resource: string | null, listener: ChangeListener): () => void
  resources(): string[]
  /** Puts an object back as it was, with its resourceVersion: nobody is told. Only before anyone listens. */
  restore(resource: string, object: KubeObject): void
  /** Forgets the history of every kind, as etcd's compaction does every few minutes. */
  compact(): void
}

interface Shelf {
  byNamespace: Map<string, Map<string, KubeObject>>
  sorted: Map<string, KubeObject[]> // by namespace, made at the first list and kept in order from then on
  history: Change[]
  forgottenTo: number
  listeners: Set<ChangeListener>
}

export function createStore(options: { firstRevision: number; historyLimit: number }): Store {
  const shelves = new Map<string, Shelf>()
  const everywhere = new Set<ChangeListener>()
  let revision = options.firstRevision
  const undelivered: Change[] = []
  let delivering = false

  function shelf(resource: string): Shelf {
    let found = shelves.get(resource)
    if (found === undefined) {
      found = { byNamespace: new Map(), sorted: new Map(), history: [], forgottenTo: options.firstRevision, listeners: new Set() }
      shelves.set(resource, found)
    }
    return found
  }

  function record(at: Shelf, change: Change): void {
    const namespace = change.object.metadata.namespace ?? ''
    for (const key of new Set([namespace, ''])) {
      const objects = at.sorted.get(key)
      if (objects !== undefined) keepInOrder(objects, change)
    }
    at.history.push(change)
    if (at.history.length > options.historyLimit * 2) {
      const dropped = at.history.splice(0, at.history.length - options.historyLimit)
      at.forgottenTo = dropped.at(-1)?.revision ?? at.forgottenTo
    }
    undelivered.push(change)
    if (!delivering) deliver()
  }

  /** One change after the other, to everybody: a listener that writes must not make others hear its change before the one that caused it. */
  function deliver(): void {
    delivering = true
    try {
      for (let change = undelivered.shift(); change !== undefined; change = undelivered.shift()) {
        for (const listener of shelf(change.resource).listeners) listener(change)
        for (const listener of everywhere) listener(change)
      }
    } finally {
      delivering = false
    }
  }

  function write(type: ChangeType, resource: string, object: KubeObject): KubeObject {
    const at = shelf(resource)
    const { namespace = '', name } = object.metadata
    const names = at.byNamespace.get(namespace) ?? new Map<string, KubeObject>()
    at.byNamespace.set(namespace, names)
    const previous = names.get(name) ?? null
    revision += 1
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
    if (type === 'DELETED') {
      names.delete(name)
      if (names.size === 0) at.byNamespace.delete(namespace)
    } else {
      names.set(name, stored)
    }
    record(at, { type, revision, resource, object: stored, previous })
    return stored
  }

  function list(resource: string, namespace: string): KubeObject[] {
    const at = shelf(resource)
    const known = at.sorted.get(namespace)
    if (known !== undefined) return known
    const objects =
      namespace === ''
        ? [...at.byNamespace.values()].flatMap((names) => [...names.values()])
        : [...(at.byNamespace.get(namespace)?.values() ?? [])]
    objects.sort(compareKeys)
    at.sorted.set(namespace, objects)
    return objects
  }

  return {
    revision: () => revision,
    get: (resource, namespace, name) => shelf(resource).byNamespace.get(namespace)?.get(name),
    list,
    listAt(resource, namespace, wanted) {
      const at = shelf(resource)
      if (wanted < at.forgottenTo) return null
      if ((at.history.at(-1)?.revision ?? 0) <= wanted) return list(resource, namespace)
      const objects = new Map(list(resource, namespace).map((object) => [keyOf(object), object]))
      for (let index = at.history.length - 1; index >= 0; index -= 1) {
        const change = at.history[index]
        if (change === undefined || change.revision <= wanted) break
        if (namespace !== '' && change.object.metadata.namespace !== namespace) continue
        if (change.previous === null) objects.delete(keyOf(change.object))
        else objects.set(keyOf(change.object), change.previous)
      }
      return [...objects.values()].sort(compareKeys)
    },
    insert: (resource, object) => write('ADDED', resource, object),
    replace: (resource, object) => write('MODIFIED', resource, object),
    remove: (resource, object) => write('DELETED', resource, object),
    changesSince(resource, since) {
      const at = shelf(resource)
      if (since < at.forgottenTo) return null
      let first = at.history.length
      while (first > 0 && (at.history[first - 1]?.revision ?? 0) > since) first -= 1
      return at.history.slice(first)
    },
    subscribe(resource, listener) {
      const listeners = resource === null ? everywhere : shelf(resource).listeners
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    resources: () => [...shelves.keys()],
    restore(resource, object) {
      const { namespace = '', name } = object.metadata
      const at = shelf(resource)
      const names = at.byNamespace.get(namespace) ?? new Map<string, KubeObject>()
      at.byNamespace.set(namespace, names.set(name, object))
    },
    compact() {
      for (const at of shelves.values()) {
        at.history = []
        at.forgottenTo = revision
      }
    },
  }
}

function keepInOrder(objects: KubeObject[], { type, object }: Change): void {
  let low = 0
  let high = objects.length
  while (low < high) {
    const middle = (low + high) >> 1
    const here = objects[middle]
    if (here !== undefined && compareKeys(here, object) < 0) low = middle + 1
    else high = middle
  }
  if (type === 'ADDED') objects.splice(low, 0, object)
  else if (type === 'DELETED') objects.splice(low, 1)
  else objects[low] = object
}

export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

/** Byte order of the etcd key `namespace/name`, which is the order of every list. */
export function compareKeys(a: KubeObject, b: KubeObject): number {
  const left = keyOf(a)
  const right = keyOf(b)
  return left < right ? -1 : left > right ? 1 : 0
}
