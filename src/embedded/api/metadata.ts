/** Checks of metadata that every kind shares, at creation and at update. Pure. */
import { sameJson } from '../json.ts'
import type { StatusCause } from '../status.ts'
import type { KubeObject } from '../types.ts'
import { forbiddenField, immutable, invalidValue, required } from './causes.ts'
import { finalizerComplaint, labelValueComplaint, qualifiedNameComplaint, subdomainComplaint } from './names.ts'

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024

export type NameComplaint = (name: string) => string | null

export function metadataCauses(object: KubeObject, nameComplaint: NameComplaint = subdomainComplaint): StatusCause[] {
  const { metadata } = object
  const causes: StatusCause[] = []
  const generateName = metadata.generateName ?? ''
  const prefixComplaint = generateName === '' ? null : nameComplaint(generateName.replace(/[-.]+$/, ''))
  if (prefixComplaint !== null) causes.push(invalidValue('metadata.generateName', generateName, prefixComplaint))
  if (metadata.name === '') causes.push(required('metadata.name', 'name or generateName is required'))
  else {
    const complaint = nameComplaint(metadata.name)
    if (complaint !== null) causes.push(invalidValue('metadata.name', metadata.name, complaint))
  }
  causes.push(...labelCauses('metadata.labels', metadata.labels), ...annotationCauses(metadata.annotations))
  for (const [index, owner] of (metadata.ownerReferences ?? []).entries()) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if ((owner[field] ?? '') === '')
        causes.push(
          invalidValue(
            `metadata.ownerReferences[${index}].${field}`,
            owner[field] ?? '',
            `${field === 'apiVersion' ? 'version' : field} must not be empty`,
          ),
        )
    }
  }
  causes.push(...finalizerCauses(metadata.finalizers ?? []))
  return causes
}

export function labelCauses(field: string, labels: Record<string, string> | undefined): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [key, value] of Object.entries(labels ?? {})) {
    const keyComplaint = qualifiedNameComplaint(key)
    if (keyComplaint !== null) causes.push(invalidValue(field, key, keyComplaint))
    const valueComplaint = labelValueComplaint(value)
    if (valueComplaint !== null) causes.push(invalidValue(field, value, valueComplaint))
  }
  return causes
}

function annotationCauses(annotations: Record<string, string> | undefined): StatusCause[] {
  const causes: StatusCause[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
    const complaint = qualifiedNameComplaint(key.toLowerCase())
    if (complaint !== null) causes.push(invalidValue('metadata.annotations', key, complaint))
  }
  if (bytes > ANNOTATIONS_LIMIT_BYTES) {
    causes.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${ANNOTATIONS_LIMIT_BYTES} bytes`,
      field: 'metadata.annotations',
    })
  }
  return causes
}

function finalizerCauses(finalizers: readonly string[]): StatusCause[] {
  const malformed = finalizers.flatMap((name) => {
    const complaint = qualifiedNameComplaint(name)
    return complaint === null ? [] : [invalidValue('metadata.finalizers', name, complaint)]
  })
  const unqualified = finalizers.flatMap((name, index) => {
    const complaint = finalizerComplaint(name)
    return complaint === null ? [] : [invalidValue(`metadata.finalizers[${index}]`, name, complaint)]
  })
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    malformed.push(invalidValue('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
  return [...malformed, ...unqualified]
}

export function metadataUpdateCauses(next: KubeObject, previous: KubeObject): StatusCause[] {
  const causes: StatusCause[] = []
  if (previous.metadata.deletionTimestamp !== undefined) {
    const added = (next.metadata.finalizers ?? []).filter((name) => !(previous.metadata.finalizers ?? []).includes(name))
    if (added.length > 0)
      causes.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`,
        ),
      )
  }
  for (const field of ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (!sameJson(next.metadata[field], previous.metadata[field])) causes.push(immutable(`metadata.${field}`, next.metadata[field]))
  }
  return causes
}
