/** Rules of the kinds that only hold data: Secrets, ConfigMaps, Leases, Namespaces, Events. Pure. */
import { isObject, sameJson } from '../json.ts'
import type { StatusCause } from '../status.ts'
import type { JsonObject, KubeObject } from '../types.ts'
import { forbiddenField, immutable, invalidValue } from './causes.ts'
import { metadataCauses } from './metadata.ts'
import { configKeyComplaint, labelNameComplaint } from './names.ts'

const DATA_LIMIT_BYTES = 1024 * 1024

/** stringData is write-only: it ends up in data, base64-encoded. */
export function mergeStringData(object: KubeObject): void {
  const text = object.stringData
  if (isObject(text)) {
    const encoded = Object.entries(text).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')])
    object.data = { ...asRecord(object.data), ...Object.fromEntries(encoded) }
  }
  delete object.stringData
  object.type ??= 'Opaque'
}

export function secretCauses(object: KubeObject): StatusCause[] {
  return [...metadataCauses(object), ...dataCauses(object, ['data'])]
}

export function configMapCauses(object: KubeObject): StatusCause[] {
  return [...metadataCauses(object), ...dataCauses(object, ['data', 'binaryData'])]
}

export function secretUpdateCauses(next: KubeObject, previous: KubeObject): StatusCause[] {
  const causes = secretCauses(next)
  if (next.type !== previous.type) causes.push(immutable('type', next.type))
  return [...causes, ...immutableCauses(next, previous, ['data'])]
}

export function configMapUpdateCauses(next: KubeObject, previous: KubeObject): StatusCause[] {
  return [...configMapCauses(next), ...immutableCauses(next, previous, ['data', 'binaryData'])]
}

function immutableCauses(next: KubeObject, previous: KubeObject, fields: readonly string[]): StatusCause[] {
  if (previous.immutable !== true) return []
  const why = 'field is immutable when `immutable` is set'
  const causes = next.immutable === true ? [] : [forbiddenField('immutable', why)]
  for (const field of fields) {
    if (!sameJson(asRecord(next[field]), asRecord(previous[field]))) causes.push(forbiddenField(field, why))
  }
  return causes
}

function dataCauses(object: KubeObject, fields: readonly string[]): StatusCause[] {
  const causes: StatusCause[] = []
  let bytes = 0
  for (const field of fields) {
    for (const [key, value] of Object.entries(asRecord(object[field]))) {
      bytes += String(value).length
      const complaint = configKeyComplaint(key)
      if (complaint !== null) causes.push(invalidValue(`${field}[${key}]`, key, complaint))
    }
  }
  if (bytes > DATA_LIMIT_BYTES * (object.kind === 'Secret' ? 4 / 3 : 1)) {
    causes.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${DATA_LIMIT_BYTES} bytes`,
      field: object.kind === 'Secret' ? 'data' : '',
    })
  }
  return causes
}

export function leaseCauses(object: KubeObject): StatusCause[] {
  const causes = metadataCauses(object)
  const spec = asRecord(object.spec)
  const seconds = spec.leaseDurationSeconds
  if (typeof seconds === 'number' && seconds <= 0) causes.push(invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0'))
  const transitions = spec.leaseTransitions
  if (typeof transitions === 'number' && transitions < 0) {
    causes.push(invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'))
  }
  return causes
}

export function prepareNamespace(object: KubeObject): void {
  object.spec = { finalizers: ['kubernetes'] }
  object.status = { phase: 'Active' }
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name }
}

export function namespaceCauses(object: KubeObject): StatusCause[] {
  return metadataCauses(object, labelNameComplaint)
}

export function eventCauses(object: KubeObject): StatusCause[] {
  const about = asRecord(object.involvedObject)
  const namespace = about.namespace ?? ''
  if (namespace === object.metadata.namespace || (namespace === '' && object.metadata.namespace === 'default'))
    return metadataCauses(object)
  return [...metadataCauses(object), invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')]
}

function asRecord(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}
