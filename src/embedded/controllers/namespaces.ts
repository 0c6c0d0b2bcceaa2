/** Namespaces: one that is deleted turns Terminating, loses everything in it, and goes when it is empty. */
import type { Cluster } from '../cluster.ts'
import type { KubeObject } from '../types.ts'
import type { Controller } from './garbage.ts'
import { createWorkQueue } from './queue.ts'

export function startNamespaceController(cluster: Cluster, log: (line: string) => void): Controller {
  const { store, registry, types, namespaces } = cluster
  const queue = createWorkQueue(empty, log)

  function empty(name: string): void {
    const namespace = store.get(namespaces.key, '', name)
    if (namespace?.metadata.deletionTimestamp === undefined) return
    cluster.writeStatus(namespaces, namespace, (copy) => {
      copy.status = { ...(copy.status as object), phase: 'Terminating' }
    })
    let left = 0
    for (const type of types.values()) {
      if (!type.namespaced) continue
      for (const object of [...store.list(type.key, name)]) {
        if (object.metadata.deletionTimestamp === undefined)
          registry.delete(type, name, object.metadata.name, { propagationPolicy: 'Background' })
      }
      left += store.list(type.key, name).length
    }
    const current = store.get(namespaces.key, '', name)
    if (left > 0 || current === undefined) return
    const freed: KubeObject = { ...current, spec: { finalizers: [] } }
    if ((current.metadata.finalizers ?? []).length === 0) store.remove(namespaces.key, freed)
  }

  const unsubscribe = store.subscribe(null, ({ type, resource, object }) => {
    if (resource === namespaces.key) queue.add(object.metadata.name)
    else if (type === 'DELETED') queue.add(object.metadata.namespace ?? '')
  })
  return {
    close() {
      unsubscribe()
      queue.close()
    },
  }
}
