/** Who belongs to whom: an index from an owner's uid to its dependents, kept up to date from the store's changes. Decides nothing. */
import type { Store } from '../store.ts'
import type { KubeObject } from '../types.ts'

export interface Dependent {
  resource: string
  namespace: string
  name: string
}

export interface OwnerIndex {
  dependents(ownerUid: string): Dependent[]
  /** Whether an object with this uid exists. */
  exists(uid: string): boolean
  close(): void
}

export function createOwnerIndex(store: Store): OwnerIndex {
  const byOwner = new Map<string, Map<string, Dependent>>()
  const uids = new Set<string>()

  function link(resource: string, object: KubeObject): void {
    const { namespace = '', name } = object.metadata
    for (const owner of object.metadata.ownerReferences ?? []) {
      const known = byOwner.get(owner.uid) ?? new Map<string, Dependent>()
      known.set(object.metadata.uid, { resource, namespace, name })
      byOwner.set(owner.uid, known)
    }
  }

  function unlink(object: KubeObject): void {
    for (const owner of object.metadata.ownerReferences ?? []) {
      const known = byOwner.get(owner.uid)
      known?.delete(object.metadata.uid)
      if (known?.size === 0) byOwner.delete(owner.uid)
    }
  }

  for (const resource of store.resources()) {
    for (const object of store.list(resource, '')) {
      uids.add(object.metadata.uid)
      link(resource, object)
    }
  }
  const close = store.subscribe(null, ({ type, resource, object, previous }) => {
    if (previous !== null && previous.metadata.ownerReferences !== object.metadata.ownerReferences) unlink(previous)
    if (type === 'DELETED') {
      unlink(object)
      uids.delete(object.metadata.uid)
      return
    }
    uids.add(object.metadata.uid)
    if (object.metadata.ownerReferences !== undefined) link(resource, object)
  })
  return { dependents: (uid) => [...(byOwner.get(uid)?.values() ?? [])], exists: (uid) => uids.has(uid), close }
}
