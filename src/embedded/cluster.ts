/** What every part inside the cluster works with: the store, the registry, the kinds, and a recorder of Events. No part of it runs by itself. */

import { createCatalogue } from './api/catalogue.ts'
import type { Registry } from './api/registry.ts'
import { createRegistry } from './api/registry.ts'
import type { ResourceType } from './api/resource.ts'
import { clone } from './json.ts'
import { ApiError } from './status.ts'
import { createStore, type Store } from './store.ts'
import { timestamp } from './time.ts'
import type { KubeObject } from './types.ts'

export interface Cluster {
  store: Store
  registry: Registry
  types: ReadonlyMap<string, ResourceType>
  jobs: ResourceType
  pods: ResourceType
  namespaces: ResourceType
  /** Writes the status of an object through its status subresource; an object that is gone is left alone. */
  writeStatus(type: ResourceType, object: KubeObject, change: (copy: KubeObject) => void): void
  recordEvent(
    about: KubeObject,
    event: { type: 'Normal' | 'Warning'; reason: string; message: string; from: string; fieldPath?: string },
  ): void
}

export function createCluster(options: { firstRevision: number; historyLimit: number; eventLimit: number }): Cluster {
  const store = createStore(options)
  const types = createCatalogue()
  const registry = createRegistry({ store, types })
  const known = (key: string): ResourceType => {
    const type = types.get(key)
    if (type === undefined) throw new Error(`no such kind: ${key}`)
    return type
  }
  const events = known('events')
  const recent: { namespace: string; name: string }[] = []

  function writeStatus(type: ResourceType, object: KubeObject, change: (copy: KubeObject) => void): void {
    const { namespace = '', name, uid } = object.metadata
    if (store.get(type.key, namespace, name)?.metadata.uid !== uid) return
    const changed = (current: KubeObject): KubeObject => {
      change(current)
      return current
    }
    registry.update(type, namespace, name, changed, { part: 'status' })
  }

  /** The oldest Events make room for new ones: the real cluster drops them after an hour, a busy laptop would not wait that long. */
  function recordEvent(
    about: KubeObject,
    event: { type: 'Normal' | 'Warning'; reason: string; message: string; from: string; fieldPath?: string },
  ): void {
    const { namespace = 'default', name, uid, resourceVersion } = about.metadata
    const now = timestamp()
    const involvedObject = { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid, resourceVersion }
    const fields = {
      involvedObject: event.fieldPath === undefined ? involvedObject : { ...involvedObject, fieldPath: event.fieldPath },
      ...{ type: event.type, reason: event.reason, message: event.message, count: 1 },
      ...{
        firstTimestamp: now,
        lastTimestamp: now,
        eventTime: null,
        source: { component: event.from },
        reportingComponent: event.from,
        reportingInstance: '',
      },
    }
    const eventName = `${name.slice(0, 200)}.${(store.revision() + 1).toString(16).padStart(16, '0')}`
    const body = { apiVersion: 'v1', kind: 'Event', metadata: { name: eventName, namespace }, ...fields }
    try {
      registry.create(events, namespace, clone(body) as unknown as KubeObject) // the registry fills in the rest of the metadata
    } catch (error) {
      if (error instanceof ApiError) return // its namespace is going away
      throw error
    }
    recent.push({ namespace, name: eventName })
    while (recent.length > options.eventLimit) {
      const oldest = recent.shift()
      const gone = oldest === undefined ? undefined : store.get(events.key, oldest.namespace, oldest.name)
      if (gone !== undefined) store.remove(events.key, gone)
    }
  }

  return {
    store,
    registry,
    types,
    jobs: known('jobs.batch'),
    pods: known('pods'),
    namespaces: known('namespaces'),
    writeStatus,
    recordEvent,
  }
}
