/** Garbage collection: dependents go when their last owner has gone, and the finalizers `orphan` and `foregroundDeletion` are carried out. */
import type { Cluster } from '../cluster.ts'
import { ApiError } from '../status.ts'
import type { KubeObject } from '../types.ts'
import type { Dependent, OwnerIndex } from './owners.ts'
import { createWorkQueue } from './queue.ts'

export interface Controller {
  close(): void
}

export function startGarbageCollector(cluster: Cluster, owners: OwnerIndex, log: (line: string) => void): Controller {
  const { store, registry, types } = cluster
  const gone = createWorkQueue((uid) => collectOrphans(uid), log)
  const closing = createWorkQueue((key) => finishDeletion(key), log)

  function typeOf(resource: string) {
    const type = types.get(resource)
    if (type === undefined) throw new Error(`no such kind: ${resource}`)
    return type
  }

  function find({ resource, namespace, name }: Dependent): KubeObject | undefined {
    return store.get(resource, namespace, name)
  }

  function deleteDependent(dependent: Dependent, uid: string, policy: 'Background' | 'Foreground'): void {
    try {
      registry.delete(typeOf(dependent.resource), dependent.namespace, dependent.name, {
        propagationPolicy: policy,
        preconditions: { uid },
      })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error // gone already, or another object by now
    }
  }

  function collectOrphans(ownerUid: string): void {
    if (owners.exists(ownerUid)) return
    for (const dependent of owners.dependents(ownerUid)) {
      const object = find(dependent)
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) continue
      const stillOwned = object.metadata.ownerReferences?.some((owner) => owner.uid !== ownerUid && owners.exists(owner.uid)) === true
      if (stillOwned) dropOwner(dependent, ownerUid)
      else deleteDependent(dependent, object.metadata.uid, 'Background')
    }
  }

  function dropOwner(dependent: Dependent, ownerUid: string): void {
    registry.update(typeOf(dependent.resource), dependent.namespace, dependent.name, (current) => {
      current.metadata.ownerReferences = (current.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== ownerUid)
      return current
    })
  }

  function finishDeletion(key: string): void {
    const [resource = '', namespace = '', name = ''] = key.split('|')
    const object = store.get(resource, namespace, name)
    if (object?.metadata.deletionTimestamp === undefined) return
    const { uid } = object.metadata
    const finalizers = object.metadata.finalizers ?? []
    if (finalizers.includes('orphan')) {
      for (const dependent of owners.dependents(uid)) dropOwner(dependent, uid)
      dropFinalizer(resource, object, 'orphan')
      return
    }
    if (!finalizers.includes('foregroundDeletion')) return
    const blocking = owners.dependents(uid).filter((dependent) => {
      const found = find(dependent)
      if (found === undefined) return false
      if (found.metadata.deletionTimestamp === undefined) deleteDependent(dependent, found.metadata.uid, 'Foreground')
      return find(dependent)?.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true) === true
    })
    if (blocking.length === 0) dropFinalizer(resource, object, 'foregroundDeletion')
  }

  function dropFinalizer(resource: string, object: KubeObject, finalizer: string): void {
    registry.update(typeOf(resource), object.metadata.namespace ?? '', object.metadata.name, (current) => {
      current.metadata.finalizers = (current.metadata.finalizers ?? []).filter((name) => name !== finalizer)
      return current
    })
  }

  function lookAt(resource: string, { metadata }: KubeObject): void {
    const carriedOut = metadata.finalizers?.some((name) => name === 'orphan' || name === 'foregroundDeletion')
    if (metadata.deletionTimestamp !== undefined && carriedOut === true)
      closing.add(`${resource}|${metadata.namespace ?? ''}|${metadata.name}`)
  }

  function lookForOwners({ metadata }: KubeObject): void {
    for (const owner of metadata.ownerReferences ?? []) if (!owners.exists(owner.uid) && isOurs(owner.kind)) gone.add(owner.uid)
  }

  for (const resource of store.resources()) {
    for (const object of store.list(resource, '')) {
      lookAt(resource, object)
      lookForOwners(object)
    }
  }
  const unsubscribe = store.subscribe(null, ({ type, resource, object }) => {
    if (type !== 'DELETED') {
      lookAt(resource, object)
      if (type === 'ADDED') lookForOwners(object)
      return
    }
    gone.add(object.metadata.uid)
    for (const owner of object.metadata.ownerReferences ?? []) requeueOwner(owner.kind, object.metadata.namespace ?? '', owner.name)
  })

  function isOurs(kind: string): boolean {
    return [...types.values()].some((type) => type.kind === kind)
  }

  /** A foreground deletion of the owner may have waited for this dependent. */
  function requeueOwner(kind: string, namespace: string, name: string): void {
    const type = [...types.values()].find((candidate) => candidate.kind === kind)
    if (type !== undefined) closing.add(`${type.key}|${type.namespaced ? namespace : ''}|${name}`)
  }

  return {
    close() {
      unsubscribe()
      gone.close()
      closing.close()
    },
  }
}
