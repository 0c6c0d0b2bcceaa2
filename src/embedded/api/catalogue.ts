/** The kinds of objects this cluster serves, each with its rules and the columns kubectl shows. */
import type { KubeObject } from '../types.ts'
import { configMapColumns, eventColumns, jobColumns, leaseColumns, namespaceColumns, podColumns, secretColumns } from './columns.ts'
import { jobCauses, jobUpdateCauses, prepareJob, prepareJobUpdate } from './jobs.ts'
import {
  configMapCauses,
  configMapUpdateCauses,
  eventCauses,
  leaseCauses,
  mergeStringData,
  namespaceCauses,
  prepareNamespace,
  secretCauses,
  secretUpdateCauses,
} from './plain.ts'
import { podCauses, podUpdateCauses, preparePod, preparePodUpdate } from './pods.ts'
import type { ResourceType } from './resource.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const METADATA_FIELDS = ['metadata.name', 'metadata.namespace']

const shared = {
  version: 'v1',
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: VERBS,
  generation: false,
  hasStatus: false,
  fieldLabels: METADATA_FIELDS,
  defaultPropagation: 'Background' as const,
  prepareForCreate: () => {},
  prepareForUpdate: () => {},
}

export function createCatalogue(): ReadonlyMap<string, ResourceType> {
  const types: ResourceType[] = [namespaces(), pods(), secrets(), configMaps(), events(), jobs(), leases()]
  return new Map(types.map((type) => [type.key, type]))
}

function namespaces(): ResourceType {
  return {
    ...shared,
    ...{ key: 'namespaces', group: '', plural: 'namespaces', singular: 'namespace', kind: 'Namespace' },
    shortNames: ['ns'],
    namespaced: false,
    verbs: VERBS.filter((verb) => verb !== 'deletecollection'),
    hasStatus: true,
    fieldLabels: ['metadata.name', 'status.phase'],
    columns: namespaceColumns,
    prepareForCreate: prepareNamespace,
    prepareForUpdate: (next, previous) => {
      next.spec = previous.spec
    },
    validate: namespaceCauses,
    validateUpdate: (next) => namespaceCauses(next),
  }
}

function pods(): ResourceType {
  return {
    ...shared,
    ...{ key: 'pods', group: '', plural: 'pods', singular: 'pod', kind: 'Pod' },
    shortNames: ['po'],
    categories: ['all'],
    generation: true,
    hasStatus: true,
    fieldLabels: [
      ...METADATA_FIELDS,
      ...[
        'spec.nodeName',
        'spec.restartPolicy',
        'spec.schedulerName',
        'spec.serviceAccountName',
        'status.phase',
        'status.podIP',
        'status.nominatedNodeName',
      ],
    ],
    columns: podColumns,
    prepareForCreate: preparePod,
    prepareForUpdate: preparePodUpdate,
    validate: podCauses,
    validateUpdate: podUpdateCauses,
  }
}

function secrets(): ResourceType {
  return {
    ...shared,
    ...{ key: 'secrets', group: '', plural: 'secrets', singular: 'secret', kind: 'Secret' },
    fieldLabels: [...METADATA_FIELDS, 'type'],
    columns: secretColumns,
    prepareForCreate: mergeStringData,
    prepareForUpdate: (next, previous) => {
      next.type ??= previous.type
      mergeStringData(next)
    },
    validate: secretCauses,
    validateUpdate: secretUpdateCauses,
  }
}

function configMaps(): ResourceType {
  return {
    ...shared,
    ...{ key: 'configmaps', group: '', plural: 'configmaps', singular: 'configmap', kind: 'ConfigMap' },
    shortNames: ['cm'],
    columns: configMapColumns,
    validate: configMapCauses,
    validateUpdate: configMapUpdateCauses,
  }
}

const INVOLVED_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
  (field) => `involvedObject.${field}`,
)

function events(): ResourceType {
  return {
    ...shared,
    ...{ key: 'events', group: '', plural: 'events', singular: 'event', kind: 'Event' },
    shortNames: ['ev'],
    fieldLabels: [...METADATA_FIELDS, ...INVOLVED_FIELDS, 'reason', 'reportingComponent', 'source', 'type'],
    columns: eventColumns,
    validate: eventCauses,
    validateUpdate: (next: KubeObject) => eventCauses(next),
  }
}

function jobs(): ResourceType {
  return {
    ...shared,
    ...{ key: 'jobs.batch', group: 'batch', plural: 'jobs', singular: 'job', kind: 'Job' },
    categories: ['all'],
    generation: true,
    hasStatus: true,
    fieldLabels: [...METADATA_FIELDS, 'status.successful'],
    columns: jobColumns,
    defaultPropagation: 'Orphan',
    prepareForCreate: prepareJob,
    prepareForUpdate: prepareJobUpdate,
    validate: jobCauses,
    validateUpdate: jobUpdateCauses,
  }
}

function leases(): ResourceType {
  return {
    ...shared,
    ...{ key: 'leases.coordination.k8s.io', group: 'coordination.k8s.io', plural: 'leases', singular: 'lease', kind: 'Lease' },
    columns: leaseColumns,
    validate: leaseCauses,
    validateUpdate: (next: KubeObject) => leaseCauses(next),
  }
}
