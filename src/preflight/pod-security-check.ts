// The check `pod-security`: what the namespace enforces against what the tasks' Pods are, and which setting of ours makes them fit. Pure.
import type { V1PodSpec } from '@kubernetes/client-node'
import { TASK_CONTAINER } from '../model/keys.ts'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import { SETUP_CONTAINER, SIDECAR_CONTAINER_PREFIX } from '../model/pod-settings.ts'
import { type CheckResult, failed, ok, oneLine, warning } from './check.ts'
import { fits, LEVELS, type Level, podSecurityViolations, refusedBy, type Violation } from './pod-security.ts'

const NAME = 'pod-security'
const LABEL = 'pod-security.kubernetes.io/enforce'
const TEMPLATE = 'backend.kubernetes.pod_template'

export interface Samples {
  /** What every task's Pod is at least. */
  plain: V1PodSpec
  /** The same with a sidecar image. */
  withSidecar: V1PodSpec
}

/** The level a namespace enforces by its labels, and the policy's minor version; null when it has no such label. */
export function enforcedLevel(namespace: KubeObject): { level: Level; minor: number | undefined } | null {
  const labels = namespace.metadata.labels ?? {}
  const level = LEVELS.find((known) => known === labels[LABEL])
  if (level === undefined) return null
  const [, minor] = /^v1\.(\d+)$/.exec(labels[`${LABEL}-version`] ?? '') ?? []
  return { level, minor: minor === undefined ? undefined : Number(minor) }
}

export function checkPodSecurity(read: KubeResult<KubeObject>, name: string, samples: Samples): CheckResult {
  const enforced = read.ok ? enforcedLevel(read.value) : null
  const plain = podSecurityViolations(samples.plain, enforced?.minor)
  const withSidecar = podSecurityViolations(samples.withSidecar, enforced?.minor)
  const fitting = describeFit(fits(plain), fits(withSidecar))
  if (!read.ok) {
    const what = `what namespace ${name} enforces could not be read; ${fitting}`
    return warning(NAME, what, oneLine(read.error.message), `kubectl get namespace ${name} --show-labels`)
  }
  if (!enforced) return ok(NAME, `namespace ${name} has no label ${LABEL}; ${fitting}`)
  const { level } = enforced
  const always = refusedBy(level, plain)
  if (always.length > 0) return refused(name, level, 'every task’s Pod', always, true)
  const sometimes = refusedBy(level, withSidecar)
  if (sometimes.length > 0) return refused(name, level, 'the Pods of tasks with sidecar images', sometimes, false)
  return ok(NAME, `namespace ${name} enforces ${level}; ${fitting}`)
}

function describeFit(plain: Level, withSidecar: Level): string {
  if (plain === withSidecar) return `the tasks’ Pods fit the level ${plain}`
  return `the tasks’ Pods fit the level ${plain}, with sidecar images ${withSidecar}`
}

function refused(name: string, level: Level, which: string, violations: readonly Violation[], blocking: boolean): CheckResult {
  const why = violations.map(({ field, detail }) => `${field} ${detail}`).join('; ')
  return failed(NAME, `namespace ${name} enforces ${level} and refuses ${which}`, why, fixes(violations, level, name), blocking)
}

/** What to do about each violation, the same thing said once; or a more lenient namespace. */
function fixes(violations: readonly Violation[], level: Level, namespace: string): string {
  const steps = new Set(violations.map(remedyFor))
  const lenient = violations.some((violation) => violation.level === 'baseline') ? 'privileged' : 'baseline'
  const label = `kubectl label namespace ${namespace} ${LABEL}=${lenient} --overwrite`
  return `${[...steps].join('; ')}; or be more lenient than ${level}: ${label}`
}

/** The setting that removes a violation. */
export function remedyFor({ field, detail }: Violation): string {
  const [, list, name = '', rest = ''] = /^spec\.(containers|initContainers|volumes)\[([^\]]*)\]\.(.*)$/.exec(field) ?? []
  // Copying a sidecar image needs root; mounting it does not.
  if (list === 'initContainers' && name.startsWith(SIDECAR_CONTAINER_PREFIX)) return 'set backend.kubernetes.use_image_volumes: true'
  if (list === 'volumes') return `use another kind of volume for ${TEMPLATE}.volumes[${name}]`
  if (list === undefined) return setOrRemove(field.replace(/^spec\./, `${TEMPLATE}.`))
  // Said once for the whole Pod where every container lacks it.
  const podWide = rest === 'securityContext.runAsNonRoot' && detail === 'is not true'
  if (podWide || rest === 'securityContext.seccompProfile.type') return setOrRemove(`${TEMPLATE}.${rest}`)
  // The setup container has the task's security context.
  const owner =
    list === 'initContainers' && name !== SETUP_CONTAINER
      ? `initContainers[${name}]`
      : `containers[${name === SETUP_CONTAINER ? TASK_CONTAINER : name}]`
  return setOrRemove(`${TEMPLATE}.${owner}.${rest}`)
}

const WANTED: Readonly<Record<string, string>> = {
  runAsNonRoot: 'true',
  runAsUser: '1000',
  allowPrivilegeEscalation: 'false',
  'capabilities.drop': '[ALL]',
  'seccompProfile.type': 'RuntimeDefault',
}

function setOrRemove(field: string): string {
  const wanted = Object.entries(WANTED).find(([end]) => field.endsWith(`.${end}`))
  return wanted ? `set ${field}: ${wanted[1]}` : `remove ${field}`
}
