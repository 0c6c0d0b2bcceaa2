/**
 * The rules of writing: every create, update and delete of the HTTP layer and of the controllers passes here (names, uids, resourceVersion checks, validation,
 * finalizers, grace). It keeps no state of its own and starts nothing.
 */
import { randomInt, randomUUID } from 'node:crypto'
import { clone, isObject, sameJson } from '../json.ts'
import { ApiError, alreadyExists, badRequest, conflict, forbidden, invalid, notFound, STALE } from '../status.ts'
import type { Store } from '../store.ts'
import { timestamp } from '../time.ts'
import type { KubeObject, ObjectMeta, Pod } from '../types.ts'
import { metadataUpdateCauses } from './metadata.ts'
import { apiVersionOf, type ResourceType } from './resource.ts'

export interface DeleteOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: string
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: boolean
}

export interface Registry {
  create(type: ResourceType, namespace: string, body: KubeObject, options?: { dryRun?: boolean }): KubeObject
  get(type: ResourceType, namespace: string, name: string): KubeObject
  /** `change` gets a copy to change or to replace. `part` says which half of the object a subresource may touch. */
  update(
    type: ResourceType,
    namespace: string,
    name: string,
    change: (current: KubeObject) => KubeObject,
    options?: UpdateOptions,
  ): KubeObject
  delete(type: ResourceType, namespace: string, name: string, options?: DeleteOptions): { object: KubeObject; removed: boolean }
}

export interface UpdateOptions {
  dryRun?: boolean
  /** `all` is for the node, which binds a Pod and reports on it in one write. */
  part?: 'main' | 'status' | 'all'
  /** A PUT carries the uid as a precondition (409); a patch that names another uid is invalid (422). */
  uidIsPrecondition?: boolean
}

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'
const GENERATED_PREFIX_LIMIT = 58

export function createRegistry(deps: { store: Store; types: ReadonlyMap<string, ResourceType> }): Registry {
  const { store, types } = deps

  function get(type: ResourceType, namespace: string, name: string): KubeObject {
    const found = store.get(type.key, namespace, name)
    if (found === undefined) throw notFound(type, name)
    return found
  }

  function requireNamespace(type: ResourceType, namespace: string, name: string): void {
    const namespaces = types.get('namespaces')
    if (!type.namespaced || namespaces === undefined) return
    const found = get(namespaces, '', namespace)
    if (found.metadata.deletionTimestamp === undefined) return
    throw forbidden(type, name, `unable to create new content in namespace ${namespace} because it is being terminated`, [
      { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
    ])
  }

  function create(type: ResourceType, namespace: string, body: KubeObject, options: { dryRun?: boolean } = {}): KubeObject {
    const { metadata } = body
    if (type.namespaced && metadata.namespace !== undefined && metadata.namespace !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    }
    if ((metadata.resourceVersion ?? '') !== '') throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created')
    const object = clone(body)
    object.metadata = freshMetadata(metadata, type.namespaced ? namespace : null)
    object.apiVersion = apiVersionOf(type)
    object.kind = type.kind
    requireNamespace(type, namespace, object.metadata.name)
    if (type.generation) object.metadata.generation = 1
    type.prepareForCreate(object)
    const causes = type.validate(object)
    if (causes.length > 0) throw invalid(type, object.metadata.name, causes)
    if (store.get(type.key, object.metadata.namespace ?? '', object.metadata.name) !== undefined)
      throw alreadyExists(type, object.metadata.name)
    return options.dryRun === true ? object : store.insert(type.key, object)
  }

  function update(
    type: ResourceType,
    namespace: string,
    name: string,
    change: (current: KubeObject) => KubeObject,
    options: UpdateOptions = {},
  ): KubeObject {
    const previous = get(type, namespace, name)
    const next = change(clone(previous))
    if ((next.metadata.name ?? '') !== name)
      throw badRequest(`the name of the object (${next.metadata.name}) does not match the name on the URL (${name})`)
    if (type.namespaced && next.metadata.namespace !== undefined && next.metadata.namespace !== namespace) {
      throw badRequest(`the namespace of the object (${next.metadata.namespace}) does not match the namespace on the URL (${namespace})`)
    }
    const { uid, resourceVersion } = next.metadata
    if (options.uidIsPrecondition === true && (uid ?? '') !== '' && uid !== previous.metadata.uid) {
      throw conflict(type, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.metadata.uid}`)
    }
    if ((resourceVersion ?? '') !== '' && resourceVersion !== previous.metadata.resourceVersion) throw conflict(type, name, STALE)
    carryOver(type, next, previous, options.part ?? 'main')
    const causes = [...metadataUpdateCauses(next, previous), ...type.validateUpdate(next, previous)]
    if (causes.length > 0) throw invalid(type, name, causes)
    if (sameJson(next, previous)) return previous
    if (options.dryRun === true) return next
    return isGone(next) ? store.remove(type.key, next) : store.replace(type.key, next)
  }

  function remove(
    type: ResourceType,
    namespace: string,
    name: string,
    options: DeleteOptions = {},
  ): { object: KubeObject; removed: boolean } {
    const current = get(type, namespace, name)
    checkPreconditions(type, current, options)
    const finalizers = finalizersForDeletion(type, current, options.propagationPolicy)
    const graceSeconds = type.key === 'pods' ? podGrace(current as Pod, options.gracePeriodSeconds) : 0
    const object = markedForDeletion(current, finalizers, graceSeconds)
    const removed = isGone(object)
    if (options.dryRun === true) return { object, removed }
    if (removed) return { object: store.remove(type.key, current.metadata.deletionTimestamp === undefined ? current : object), removed }
    return { object: sameJson(object, current) ? current : store.replace(type.key, object), removed }
  }

  return { create, get, update, delete: remove }
}

function freshMetadata(metadata: Partial<ObjectMeta>, namespace: string | null): ObjectMeta {
  const {
    deletionTimestamp: _a,
    deletionGracePeriodSeconds: _b,
    generation: _c,
    resourceVersion: _d,
    managedFields: _e,
    selfLink: _f,
    ...kept
  } = metadata
  const prefix = (metadata.generateName ?? '').slice(0, GENERATED_PREFIX_LIMIT)
  const name = metadata.name || (prefix === '' ? '' : `${prefix}${randomSuffix()}`)
  const fresh = { ...kept, name, uid: randomUUID(), creationTimestamp: timestamp() }
  return (namespace === null ? fresh : { ...fresh, namespace }) as ObjectMeta // the store adds resourceVersion
}

function randomSuffix(): string {
  return Array.from({ length: 5 }, () => SUFFIX_LETTERS[randomInt(SUFFIX_LETTERS.length)]).join('')
}

/** A write through the object keeps the status, one through /status keeps all else; absent system metadata stays as it was. */
function carryOver(type: ResourceType, next: KubeObject, previous: KubeObject, part: 'main' | 'status' | 'all'): void {
  next.apiVersion = previous.apiVersion
  next.kind = previous.kind
  const { metadata } = next
  const before = previous.metadata
  metadata.resourceVersion = before.resourceVersion
  metadata.uid ||= before.uid
  metadata.creationTimestamp ??= before.creationTimestamp
  if (before.namespace !== undefined) metadata.namespace = before.namespace
  if (before.deletionTimestamp !== undefined) metadata.deletionTimestamp ??= before.deletionTimestamp
  if (before.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds ??= before.deletionGracePeriodSeconds
  delete metadata.managedFields
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    const value = metadata[field]
    if (value !== undefined && Object.keys(value).length === 0) delete metadata[field]
  }
  if (part === 'main' && type.hasStatus) next.status = previous.status
  if (part === 'status') next.spec = previous.spec
  type.prepareForUpdate(next, previous)
  if (before.generation !== undefined)
    metadata.generation = before.generation + (type.generation && !sameJson(next.spec, previous.spec) ? 1 : 0)
  else delete metadata.generation
}

function checkPreconditions(type: ResourceType, current: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {}
  // The real API names the kind, not the resource, in these two.
  const subject = { ...type, plural: type.kind }
  if (uid !== undefined && uid !== current.metadata.uid) {
    throw conflict(
      subject,
      current.metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${current.metadata.uid}). The object might have been deleted and then recreated`,
    )
  }
  if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
    throw conflict(
      subject,
      current.metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.metadata.resourceVersion}). The object might have been modified`,
    )
  }
}

function finalizersForDeletion(type: ResourceType, current: KubeObject, policy: string | undefined): string[] {
  const present = current.metadata.finalizers ?? []
  const others = present.filter((name) => name !== 'orphan' && name !== 'foregroundDeletion')
  if (policy === 'Orphan') return [...others, 'orphan']
  if (policy === 'Foreground') return [...others, 'foregroundDeletion']
  if (policy === 'Background') return others
  if (present.length !== others.length) return present
  return type.defaultPropagation === 'Orphan' ? [...others, 'orphan'] : present
}

/** Seconds a Pod is given: none when it never ran or has ended, else what is asked, else its own. */
function podGrace(pod: Pod, wanted: number | undefined): number {
  if ((pod.spec.nodeName ?? '') === '' || pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return 0
  const seconds = wanted ?? pod.spec.terminationGracePeriodSeconds ?? 30
  return seconds < 0 ? 1 : seconds
}

function markedForDeletion(current: KubeObject, finalizers: string[], graceSeconds: number): KubeObject {
  const { metadata } = current
  const already = metadata.deletionTimestamp !== undefined
  const grace = already ? Math.min(graceSeconds, metadata.deletionGracePeriodSeconds ?? 0) : graceSeconds
  const shorter = already && grace < (metadata.deletionGracePeriodSeconds ?? 0)
  const when = !already || shorter ? timestamp(Date.now() + grace * 1000) : metadata.deletionTimestamp
  const marked: ObjectMeta = { ...metadata, finalizers, deletionGracePeriodSeconds: grace }
  if (when !== undefined) marked.deletionTimestamp = when
  if (!already && metadata.generation !== undefined) marked.generation = metadata.generation + 1
  if (finalizers.length === 0) delete marked.finalizers
  return { ...current, metadata: marked }
}

/** Marked for deletion, nothing left to wait for. A namespace also waits for its spec.finalizers. */
function isGone(object: KubeObject): boolean {
  const { metadata } = object
  if (metadata.deletionTimestamp === undefined || (metadata.deletionGracePeriodSeconds ?? 0) > 0) return false
  const spec = object.spec
  const held = object.kind === 'Namespace' && isObject(spec) && Array.isArray(spec.finalizers) && spec.finalizers.length > 0
  return !held && (metadata.finalizers ?? []).length === 0
}
