// Checks a pod_template against what every task's Pod needs. Only clashes: everything else in it is the operator's and is kept.
import { TASK_CONTAINER } from '../model/keys.ts'
import { type PodTemplate, SETUP_CONTAINER, SIDECAR_CONTAINER_PREFIX, type TemplateContainer } from '../model/pod-settings.ts'
import type { JobSpecOptions } from './options.ts'
import { AGENT, inside, SIDECAR_VOLUME_PREFIX, STATE, STATE_VOLUME, WORKSPACE, WORKSPACE_VOLUME, withoutTrailingSlash } from './paths.ts'
import { reservedEnvNames } from './profile.ts'
import { envNameProblem } from './text.ts'

const TEMPLATE = 'backend.kubernetes.pod_template'

export function checkTemplate(template: PodTemplate, options: JobSpecOptions): string[] {
  const containers = template.containers ?? []
  const task = containers.find((container) => container.name === TASK_CONTAINER)
  return [...checkWhole(template), ...checkNames(template), ...checkVolumes(template), ...(task ? checkTask(task, options) : [])]
}

function checkWhole(template: PodTemplate): string[] {
  const errors: string[] = []
  for (const wrapper of ['spec', 'metadata', 'template']) {
    if (Object.hasOwn(template, wrapper)) {
      errors.push(
        `${TEMPLATE}.${wrapper}: pod_template is a PodSpec itself; move what is under spec one level up, and labels and annotations to extra_labels and extra_annotations`,
      )
    }
  }
  if (template.restartPolicy !== undefined && template.restartPolicy !== 'Never') {
    errors.push(`${TEMPLATE}.restartPolicy is ${template.restartPolicy}, but a task runs once: jobhook sets Never; remove it`)
  }
  if (template.activeDeadlineSeconds !== undefined) {
    errors.push(`${TEMPLATE}.activeDeadlineSeconds would end the Pod behind jobhook’s deadlines; remove it and set deadlines.run`)
  }
  return errors
}

function checkNames(template: PodTemplate): string[] {
  const errors: string[] = []
  const seen = new Set<string>()
  for (const [list, containers] of [
    ['containers', template.containers ?? []],
    ['initContainers', template.initContainers ?? []],
  ] as const) {
    for (const { name } of containers) {
      const at = `${TEMPLATE}.${list}[${name}]`
      if (seen.has(name)) errors.push(`${at} is there twice; rename one`)
      seen.add(name)
      if (name === TASK_CONTAINER && list === 'initContainers') {
        errors.push(`${at} has the name of the task’s container; rename it, or move it to containers`)
      }
      if (name === SETUP_CONTAINER || name.startsWith(SIDECAR_CONTAINER_PREFIX)) {
        errors.push(`${at} has a name that jobhook’s own init containers use (${SETUP_CONTAINER}, ${SIDECAR_CONTAINER_PREFIX}N); rename it`)
      }
    }
  }
  return errors
}

function checkVolumes(template: PodTemplate): string[] {
  const errors: string[] = []
  const seen = new Set<string>()
  for (const { name } of template.volumes ?? []) {
    const at = `${TEMPLATE}.volumes[${name}]`
    if (seen.has(name)) errors.push(`${at} is there twice; rename one`)
    seen.add(name)
    if (name === WORKSPACE_VOLUME || name === STATE_VOLUME || new RegExp(`^${SIDECAR_VOLUME_PREFIX}\\d+$`).test(name)) {
      errors.push(`${at} has the name of a volume that jobhook adds itself; rename it`)
    }
  }
  return errors
}

function checkTask(task: TemplateContainer, options: JobSpecOptions): string[] {
  const at = `${TEMPLATE}.containers[${TASK_CONTAINER}]`
  const errors: string[] = []
  const paths = new Set<string>()
  for (const mount of task.volumeMounts ?? []) {
    const path = withoutTrailingSlash(mount.mountPath)
    const where = `${at}.volumeMounts[${mount.mountPath}]`
    // Below /workspace is fine: a cache volume there is mounted over it.
    for (const needed of [WORKSPACE, STATE, ...(options.profile === 'oz' ? [AGENT] : [])]) {
      if (path === needed || inside(needed, path))
        errors.push(`${where} hides ${needed}, which jobhook mounts itself; choose another mountPath`)
    }
    if (inside(path, STATE)) errors.push(`${where} lies in ${STATE}, which jobhook mounts itself; choose another mountPath`)
    if (paths.has(path)) errors.push(`${where} is there twice; change one`)
    paths.add(path)
  }
  const reserved = reservedEnvNames(options)
  const names = new Set<string>()
  for (const { name } of task.env ?? []) {
    const problem = envNameProblem(name)
    if (problem !== null) errors.push(`${at}.env[${name}] ${problem}`)
    if (reserved.includes(name))
      errors.push(`${at}.env[${name}] sets a variable that jobhook sets itself (profile ${options.profile}); remove it`)
    if (names.has(name)) errors.push(`${at}.env[${name}] is there twice; remove one`)
    names.add(name)
  }
  if (options.profile === 'oz') {
    for (const field of ['command', 'args'] as const) {
      if (task[field] !== undefined)
        errors.push(`${at}.${field} is set, but the profile oz sets it itself; remove it, or use profile: generic`)
    }
  }
  if (task.lifecycle?.preStop !== undefined && options.kubernetes.teardown_command !== undefined) {
    errors.push(`${at}.lifecycle.preStop and backend.kubernetes.teardown_command both want the container’s preStop hook; keep one of them`)
  }
  if (task.restartPolicy !== undefined && task.restartPolicy !== 'Never') {
    errors.push(`${at}.restartPolicy is ${task.restartPolicy}, but a task runs once; remove it`)
  }
  return errors
}
