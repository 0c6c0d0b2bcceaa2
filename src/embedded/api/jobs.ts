/** Defaults, checks and immutability of Jobs. Pure. What a Job then does is the Job controller's business. */
import { sameJson } from '../json.ts'
import type { StatusCause } from '../status.ts'
import type { Job, KubeObject } from '../types.ts'
import { immutable, invalidValue, notSupported } from './causes.ts'
import { labelCauses, metadataCauses } from './metadata.ts'
import { labelValueComplaint } from './names.ts'
import { defaultPodSpec, podSpecCauses } from './podspec.ts'

const RESTART_POLICIES = ['OnFailure', 'Never']
const REPLACEMENT_POLICIES = ['Failed', 'TerminatingOrFailed']

export function prepareJob(object: KubeObject): void {
  const job = object as Job
  job.status = {}
  job.spec ??= { template: { spec: { containers: [] } } }
  const { spec } = job
  spec.template ??= { spec: { containers: [] } }
  spec.template.spec ??= { containers: [] }
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= 6
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed'
  const restartPolicy = spec.template.spec.restartPolicy
  defaultPodSpec(spec.template.spec)
  if (restartPolicy === undefined) delete spec.template.spec.restartPolicy // required in a Job: no default hides that it is missing
  if (spec.manualSelector !== true) generateSelector(job)
}

/** The labels by which a Job finds its Pods. A Job without labels of its own gets them too, as in the real API. */
function generateSelector(job: Job): void {
  const { uid, name } = job.metadata
  const labels = {
    ...job.spec.template.metadata?.labels,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  }
  job.spec.template.metadata = { ...job.spec.template.metadata, labels }
  if (Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = { ...labels }
  job.spec.selector ??= { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } }
}

export function jobCauses(object: KubeObject): StatusCause[] {
  const { spec, metadata } = object as Job
  const causes = metadataCauses({ ...object, metadata: { ...metadata, labels: givenLabels(metadata.labels) } })
  for (const field of ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'] as const) {
    const value = spec[field]
    if (value !== undefined && value < 0) causes.push(invalidValue(`spec.${field}`, value, 'must be greater than or equal to 0'))
  }
  if (spec.completionMode !== 'NonIndexed') causes.push(notSupported('spec.completionMode', spec.completionMode, ['NonIndexed']))
  if (!REPLACEMENT_POLICIES.includes(spec.podReplacementPolicy ?? '')) {
    causes.push(notSupported('spec.podReplacementPolicy', spec.podReplacementPolicy, REPLACEMENT_POLICIES))
  }
  const nameComplaint = metadata.name === '' ? null : labelValueComplaint(metadata.name)
  if (nameComplaint !== null) causes.push(invalidValue('spec.template.labels', metadata.name, nameComplaint))
  causes.push(...labelCauses('spec.template.labels', givenLabels(spec.template.metadata?.labels)))
  causes.push(...podSpecCauses(spec.template.spec, 'spec.template.spec', RESTART_POLICIES))
  return causes
}

const GENERATED_LABELS = new Set(['batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-name', 'controller-uid', 'job-name'])

/** The generated labels repeat the name: one complaint about it is enough. */
function givenLabels(labels: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !GENERATED_LABELS.has(key)))
}

export function prepareJobUpdate(next: KubeObject, previous: KubeObject): void {
  const job = next as Job
  const before = previous as Job
  job.spec ??= before.spec
  const { spec } = job
  // A PUT need not repeat what the API filled in.
  spec.selector ??= before.spec.selector ?? {}
  spec.parallelism ??= 1
  if (before.spec.completions !== undefined) spec.completions ??= before.spec.completions
  spec.backoffLimit ??= 6
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  spec.podReplacementPolicy ??= 'TerminatingOrFailed'
  const restartPolicy = spec.template?.spec?.restartPolicy
  if (spec.template?.spec !== undefined) {
    defaultPodSpec(spec.template.spec)
    if (restartPolicy === undefined) delete spec.template.spec.restartPolicy
  }
}

export function jobUpdateCauses(next: KubeObject, previous: KubeObject): StatusCause[] {
  const job = next as Job
  const before = previous as Job
  const causes = jobCauses(next)
  for (const field of ['completions', 'selector', 'podFailurePolicy', 'completionMode', 'backoffLimitPerIndex', 'managedBy'] as const) {
    const value = (job.spec as unknown as Record<string, unknown>)[field]
    const old = (before.spec as unknown as Record<string, unknown>)[field]
    if (!sameJson(value, old)) causes.push(immutable(`spec.${field}`, value))
  }
  causes.push(...templateCauses(job, before))
  return causes
}

/** While a Job is suspended and never started, what decides where its Pod runs may change (queueing systems do that), and nothing else. */
function templateCauses(job: Job, before: Job): StatusCause[] {
  const { template } = job.spec
  if (sameJson(template, before.spec.template)) return []
  if (before.spec.suspend !== true || before.status.startTime !== undefined) return [immutable('spec.template', template)]
  const rest = ({ spec }: Job['spec']['template']) => ({
    ...spec,
    ...{ nodeSelector: null, tolerations: null, affinity: null, schedulingGates: null },
    containers: spec.containers.map((container) => ({ ...container, resources: null })),
  })
  return sameJson(rest(template), rest(before.spec.template)) ? [] : [immutable('spec.template.spec', template.spec)]
}
