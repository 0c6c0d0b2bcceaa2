// Checks a pod_template against what every task's Pod needs. Only clashes: everything else in it is the operator's and is kept.
import { TASK_CONTAINER } from '../model/keys.ts'
import { type PodTemplate, SETUP_CONTAINER, SIDECAR_CONTAINER_PREFIX, type TemplateContainer } from '../model/pod-settings.ts'
import type { JobSpecOptions, SettingsProblem } from './options.ts'
import { AGENT, inside, SIDECAR_VOLUME_PREFIX, STATE, STATE_VOLUME, WORKSPACE, WORKSPACE_VOLUME, withoutTrailingSlash } from './paths.ts'
import { reservedEnvNames } from './profile.ts'
import { envNameProblem } from './text.ts'

const TEMPLATE = 'backend.kubernetes.pod_template'
const TASK = `${TEMPLATE}.containers[${TASK_CONTAINER}]`

type Add = (key: string, detail: string) => void

export function checkTemplate(template: PodTemplate, options: JobSpecOptions): SettingsProblem[] {
  const problems: SettingsProblem[] = []
  const add: Add = (key, detail) => void problems.push({ key, detail })
  const task = template.containers?.find((container) => container.name === TASK_CONTAINER)
  checkWhole(template, add)
  checkNames(template, add)
  checkVolumes(template, add)
  if (task) {
    checkMounts(task, options, add)
    checkEnv(task, options, add)
    checkTask(task, options, add)
  }
  return problems
}

function checkWhole(template: PodTemplate, add: Add): void {
  for (const wrapper of ['spec', 'metadata', 'template']) {
    if (Object.hasOwn(template, wrapper)) {
      add(
        `${TEMPLATE}.${wrapper}`,
        'is not a field of a PodSpec, which pod_template is; move what is under spec one level up, and labels and annotations to extra_labels and extra_annotations',
      )
    }
  }
  if (template.restartPolicy !== undefined && template.restartPolicy !== 'Never') {
    add(`${TEMPLATE}.restartPolicy`, `is ${template.restartPolicy}, but a task runs once: jobhook sets Never; remove it`)
  }
  if (template.activeDeadlineSeconds !== undefined) {
    add(`${TEMPLATE}.activeDeadlineSeconds`, 'would end the Pod behind jobhook’s deadlines; remove it and set deadlines.run')
  }
}

function checkNames(template: PodTemplate, add: Add): void {
  const seen = new Set<string>()
  for (const list of ['containers', 'initContainers'] as const) {
    for (const { name } of template[list] ?? []) {
      const key = `${TEMPLATE}.${list}[${name}]`
      if (seen.has(name)) add(key, 'is there twice; rename one')
      seen.add(name)
      if (name === TASK_CONTAINER && list === 'initContainers') {
        add(key, 'has the name of the task’s container; rename it, or move it to containers')
      }
      if (name === SETUP_CONTAINER || name.startsWith(SIDECAR_CONTAINER_PREFIX)) {
        add(key, `has a name that jobhook’s own init containers use (${SETUP_CONTAINER}, ${SIDECAR_CONTAINER_PREFIX}N); rename it`)
      }
    }
  }
}

function checkVolumes(template: PodTemplate, add: Add): void {
  const seen = new Set<string>()
  const ours = new RegExp(`^(${WORKSPACE_VOLUME}|${STATE_VOLUME}|${SIDECAR_VOLUME_PREFIX}\\d+)$`)
  for (const { name } of template.volumes ?? []) {
    const key = `${TEMPLATE}.volumes[${name}]`
    if (seen.has(name)) add(key, 'is there twice; rename one')
    seen.add(name)
    if (ours.test(name)) add(key, 'has the name of a volume that jobhook adds itself; rename it')
  }
}

function checkMounts(task: TemplateContainer, options: JobSpecOptions, add: Add): void {
  const needed = [WORKSPACE, STATE, ...(options.profile === 'oz' ? [AGENT] : [])]
  const paths = new Set<string>()
  for (const mount of task.volumeMounts ?? []) {
    const path = withoutTrailingSlash(mount.mountPath)
    const key = `${TASK}.volumeMounts[${mount.mountPath}]`
    // Below /workspace is fine: a cache volume there is mounted over it.
    for (const ours of needed) {
      if (path === ours || inside(ours, path)) add(key, `hides ${ours}, which jobhook mounts itself; choose another mountPath`)
    }
    if (inside(path, STATE)) add(key, `lies in ${STATE}, which jobhook mounts itself; choose another mountPath`)
    if (paths.has(path)) add(key, 'is there twice; change one')
    paths.add(path)
  }
}

function checkEnv(task: TemplateContainer, options: JobSpecOptions, add: Add): void {
  const reserved = reservedEnvNames(options)
  const names = new Set<string>()
  for (const { name } of task.env ?? []) {
    const key = `${TASK}.env[${name}]`
    const problem = envNameProblem(name)
    if (problem !== null) add(key, problem)
    if (reserved.includes(name)) add(key, `sets a variable that jobhook sets itself (profile ${options.profile}); remove it`)
    if (names.has(name)) add(key, 'is there twice; remove one')
    names.add(name)
  }
}

function checkTask(task: TemplateContainer, options: JobSpecOptions, add: Add): void {
  if (options.profile === 'oz') {
    for (const field of ['command', 'args'] as const) {
      if (task[field] !== undefined) {
        add(`${TASK}.${field}`, 'is set, but the profile oz sets it itself; remove it, or use profile: generic')
      }
    }
  }
  if (task.lifecycle?.preStop !== undefined && options.kubernetes.teardown_command !== undefined) {
    add(`${TASK}.lifecycle.preStop`, 'and backend.kubernetes.teardown_command both want the container’s preStop hook; keep one of them')
  }
  if (task.restartPolicy !== undefined && task.restartPolicy !== 'Never') {
    add(`${TASK}.restartPolicy`, `is ${task.restartPolicy}, but a task runs once; remove it`)
  }
}
