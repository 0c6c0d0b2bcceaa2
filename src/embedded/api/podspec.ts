/** Defaults and checks of a Pod's spec, in a Pod and in a Job's template. Pure. Covers what can run here; the real API checks far more. */
import type { StatusCause } from '../status.ts'
import type { Container, PodSpec } from '../types.ts'
import { duplicate, invalidValue, notSupported, required } from './causes.ts'
import { envNameComplaint, labelNameComplaint } from './names.ts'

export function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always'
  spec.terminationGracePeriodSeconds ??= 30
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.securityContext ??= {}
  spec.schedulerName ??= 'default-scheduler'
  if (spec.serviceAccountName !== undefined) spec.serviceAccount ??= spec.serviceAccountName
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) defaultContainer(container)
}

function defaultContainer(container: Container): void {
  container.resources ??= {}
  const { limits, requests } = container.resources
  if (limits !== undefined) container.resources.requests = { ...limits, ...requests }
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.imagePullPolicy ??= pullPolicy(container.image ?? '')
  for (const variable of container.env ?? []) {
    const fieldRef = variable.valueFrom?.fieldRef as { apiVersion?: string } | undefined
    if (fieldRef !== undefined) fieldRef.apiVersion ??= 'v1'
  }
}

function pullPolicy(image: string): string {
  const reference = image.split('/').at(-1) ?? ''
  const moving = !reference.includes('@') && (!reference.includes(':') || reference.endsWith(':latest'))
  return moving ? 'Always' : 'IfNotPresent'
}

export function podSpecCauses(spec: PodSpec, path: string, restartPolicies: readonly string[]): StatusCause[] {
  const causes: StatusCause[] = []
  const seen = new Set<string>()
  causes.push(...volumeCauses(spec, path))
  const containers = spec.containers ?? []
  if (containers.length === 0) causes.push(required(`${path}.containers`))
  const volumes = new Set((spec.volumes ?? []).map((volume) => volume.name))
  for (const [list, members] of [['containers', containers] as const, ['initContainers', spec.initContainers ?? []] as const]) {
    for (const [index, container] of members.entries()) {
      const at = `${path}.${list}[${index}]`
      if (seen.has(container.name)) causes.push(duplicate(`${at}.name`, container.name))
      seen.add(container.name)
      causes.push(...containerCauses(container, at, volumes))
      if (list === 'initContainers' && container.lifecycle !== undefined && container.restartPolicy !== 'Always') {
        causes.push({
          reason: 'FieldValueForbidden',
          message: 'Forbidden: may not be set for init containers without restartPolicy=Always',
          field: `${at}.lifecycle`,
        })
      }
    }
  }
  causes.push(...restartPolicyCauses(spec.restartPolicy, `${path}.restartPolicy`, restartPolicies))
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    causes.push(
      invalidValue(`${path}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds, 'must be greater than or equal to 0'),
    )
  }
  if (spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1) {
    causes.push(invalidValue(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 'must be between 1 and 2147483647, inclusive'))
  }
  return causes
}

function restartPolicyCauses(policy: string | undefined, field: string, allowed: readonly string[]): StatusCause[] {
  const quoted = allowed.map((word) => JSON.stringify(word)).join(', ')
  if (policy === undefined || policy === '') return [required(field, `valid values: ${quoted}`)]
  if (allowed.includes(policy)) return []
  return allowed.includes('Always') ? [notSupported(field, policy, allowed)] : [required(field, `valid values: ${quoted}`)]
}

function volumeCauses(spec: PodSpec, path: string): StatusCause[] {
  const causes: StatusCause[] = []
  const seen = new Set<string>()
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const at = `${path}.volumes[${index}]`
    const complaint = labelNameComplaint(volume.name ?? '')
    if ((volume.name ?? '') === '') causes.push(required(`${at}.name`))
    else if (complaint !== null) causes.push(invalidValue(`${at}.name`, volume.name, complaint))
    else if (seen.has(volume.name)) causes.push(duplicate(`${at}.name`, volume.name))
    seen.add(volume.name)
    if (Object.keys(volume).length < 2) causes.push(required(at, 'must specify a volume type'))
  }
  return causes
}

function containerCauses(container: Container, at: string, volumes: ReadonlySet<string>): StatusCause[] {
  const causes: StatusCause[] = []
  const name = container.name ?? ''
  const complaint = labelNameComplaint(name)
  if (name === '') causes.push(required(`${at}.name`))
  else if (complaint !== null) causes.push(invalidValue(`${at}.name`, name, complaint))
  const image = container.image ?? ''
  if (image.trim() === '') causes.push(required(`${at}.image`))
  for (const [index, variable] of (container.env ?? []).entries()) causes.push(...envCauses(variable, `${at}.env[${index}]`))
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const mountAt = `${at}.volumeMounts[${index}]`
    if ((mount.name ?? '') === '') causes.push(required(`${mountAt}.name`))
    else if (!volumes.has(mount.name))
      causes.push({ reason: 'FieldValueNotFound', message: `Not found: ${JSON.stringify(mount.name)}`, field: `${mountAt}.name` })
    if ((mount.mountPath ?? '') === '') causes.push(required(`${mountAt}.mountPath`))
  }
  const policies = ['Always', 'IfNotPresent', 'Never']
  if (!policies.includes(container.imagePullPolicy ?? ''))
    causes.push(notSupported(`${at}.imagePullPolicy`, container.imagePullPolicy, policies))
  return causes
}

function envCauses(variable: { name: string; value?: string; valueFrom?: object }, at: string): StatusCause[] {
  const name = variable.name ?? ''
  if (name === '') return [required(`${at}.name`)]
  const complaint = envNameComplaint(name)
  if (complaint !== null) return [invalidValue(`${at}.name`, name, complaint)]
  if (variable.valueFrom === undefined) return []
  if ((variable.value ?? '') !== '') return [invalidValue(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty')]
  const sources = Object.keys(variable.valueFrom).length
  if (sources === 0)
    return [
      invalidValue(
        `${at}.valueFrom`,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    ]
  return sources > 1 ? [invalidValue(`${at}.valueFrom`, '', 'may not have more than one field specified at a time')] : []
}
