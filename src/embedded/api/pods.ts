/** Defaults, checks and immutability of Pods. Pure. */
import { sameJson } from '../json.ts'
import type { StatusCause } from '../status.ts'
import type { KubeObject, Pod } from '../types.ts'
import { forbiddenField, invalidValue } from './causes.ts'
import { metadataCauses } from './metadata.ts'
import { defaultPodSpec, podSpecCauses } from './podspec.ts'

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']

export function preparePod(object: KubeObject): void {
  const pod = object as Pod
  pod.spec ??= { containers: [] }
  defaultPodSpec(pod.spec)
  pod.spec.enableServiceLinks ??= true
  pod.spec.priority ??= 0
  pod.spec.preemptionPolicy ??= 'PreemptLowerPriority'
  pod.spec.serviceAccountName ??= 'default'
  pod.spec.serviceAccount ??= pod.spec.serviceAccountName
  pod.status = { phase: 'Pending', qosClass: qualityOfService(pod) }
}

function qualityOfService(pod: Pod): string {
  const resources = pod.spec.containers?.map((container) => container.resources ?? {}) ?? []
  if (resources.every(({ limits, requests }) => Object.keys({ ...limits, ...requests }).length === 0)) return 'BestEffort'
  const guaranteed = resources.every(
    ({ limits, requests }) => limits?.cpu !== undefined && limits.memory !== undefined && sameJson(limits, { ...limits, ...requests }),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

export function podCauses(object: KubeObject): StatusCause[] {
  const { spec } = object as Pod
  const padded = spec.containers.flatMap((container, index) => {
    const { image = '' } = container
    return image === image.trim()
      ? []
      : [invalidValue(`spec.containers[${index}].image`, image, 'must not have leading or trailing whitespace')]
  })
  return [...metadataCauses(object), ...podSpecCauses(spec, 'spec', RESTART_POLICIES), ...padded]
}

export function preparePodUpdate(next: KubeObject, previous: KubeObject): void {
  const pod = next as Pod
  pod.spec ??= (previous as Pod).spec
  pod.status ??= (previous as Pod).status
}

/** Of a running Pod only images, the deadline (downwards), the grace period and tolerations may change. */
export function podUpdateCauses(next: KubeObject, previous: KubeObject): StatusCause[] {
  const causes = podCauses(next)
  const fixed = (pod: Pod): object => ({
    ...pod.spec,
    activeDeadlineSeconds: null,
    terminationGracePeriodSeconds: null,
    tolerations: null,
    nodeName: null,
    schedulingGates: null,
    containers: pod.spec.containers.map((container) => ({ ...container, image: null })),
    initContainers: pod.spec.initContainers?.map((container) => ({ ...container, image: null })),
  })
  if (!sameJson(fixed(next as Pod), fixed(previous as Pod))) {
    causes.push(
      forbiddenField(
        'spec',
        'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
      ),
    )
  }
  return causes
}
