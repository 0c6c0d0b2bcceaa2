// What is refused before anything is created: what Kubernetes or Linux would refuse later, or would change in silence.
// Every error points into the message and names the remedy; no value of env_vars appears in one.
import { pointer } from '../lib/validate.ts'
import { Assignment } from '../model/assignment.ts'
import { TASK_CONTAINER } from '../model/keys.ts'
import type { KubernetesBackend, TemplateContainer } from '../model/pod-settings.ts'
import type { FieldError } from '../model/problem.ts'
import { knownAssignment, knownPart } from './digests.ts'
import type { JobSpecOptions } from './options.ts'
import { checkSidecars, sidecarsOf } from './sidecars.ts'
import { argumentProblem, envNameProblem, envValueProblem, isLabelValue, isNamePart, unicodeProblem } from './text.ts'

const MAX_LABELS = 32
/** Image of the profile oz when neither the assignment nor the configuration names one. */
const OZ_FALLBACK_IMAGE = 'ubuntu:22.04'

export function checkAssignment(assignment: Assignment, options: JobSpecOptions): FieldError[] {
  const errors: FieldError[] = []
  const add = (at: string, problem: string | null) => {
    if (problem !== null && !errors.some((error) => error.pointer === at)) errors.push({ pointer: at, detail: problem })
  }

  for (const [name, value] of Object.entries(assignment.env_vars ?? {})) {
    const problem = envNameProblem(name) ?? envValueProblem(name, value)
    if (problem !== null) add(pointer('data', 'env_vars', name), problem)
  }
  for (const field of ['command', 'args', 'additional_oz_args'] as const) {
    for (const [index, text] of (assignment[field] ?? []).entries()) {
      const problem = argumentProblem(text)
      if (problem !== null) add(pointer('data', field, index), problem)
    }
  }
  if (options.profile === 'oz') errors.push(...checkOzTexts(assignment))
  else if (assignment.command === undefined && wraps(options.kubernetes) && taskTemplate(options.kubernetes)?.command === undefined) {
    const setting = options.kubernetes.teardown_command === undefined ? 'setup_command' : 'teardown_command'
    add(
      '/data/command',
      `is needed because backend.kubernetes.${setting} is set: only a command named here can be run around it. Send command, or remove that setting`,
    )
  }

  checkLabels(assignment.labels ?? {}, add)
  if (taskImage(assignment, options) === undefined) {
    add('/data/docker_image', 'is needed: no image is configured. Send docker_image, or set backend.kubernetes.default_image')
  }
  for (const error of checkSidecars(sidecarsOf(assignment, options.kubernetes), options.kubernetes)) add(error.pointer, error.detail)
  for (const [at, problem] of unicodeProblems(knownAssignment(assignment))) add(`/data${at}`, problem)
  // The answer travels as UTF-8 too.
  return errors.map((error) => ({ ...error, pointer: error.pointer.toWellFormed() }))
}

/** The assignment's image, else the configured one, else the template's; the profile oz always has one. */
export function taskImage(assignment: Assignment, options: JobSpecOptions): string | undefined {
  const configured = options.kubernetes.default_image ?? taskTemplate(options.kubernetes)?.image
  return assignment.docker_image ?? configured ?? (options.profile === 'oz' ? OZ_FALLBACK_IMAGE : undefined)
}

/** The template's container `task`, if it has one. */
export function taskTemplate(kubernetes: KubernetesBackend): TemplateContainer | undefined {
  return kubernetes.pod_template?.containers?.find((container) => container.name === TASK_CONTAINER)
}

/** Whether the task's command runs inside a shell of ours. */
export function wraps(kubernetes: KubernetesBackend): boolean {
  return kubernetes.setup_command !== undefined || kubernetes.teardown_command !== undefined
}

/** Texts that the profile oz turns into arguments. */
function checkOzTexts(assignment: Assignment): FieldError[] {
  const errors: FieldError[] = []
  const config = assignment.task?.agent_config_snapshot
  const visit = (value: unknown, at: string) => {
    if (typeof value === 'string') {
      const detail = argumentProblem(value)
      if (detail !== null) errors.push({ pointer: at, detail })
    } else if (value !== null && typeof value === 'object') {
      for (const [name, member] of Object.entries(value)) visit(member, at + pointer(name))
    }
  }
  if (config) {
    const { mcp_servers, ...rest } = config
    visit(knownPart(Assignment.properties.task.properties.agent_config_snapshot, rest), '/data/task/agent_config_snapshot')
    const detail = mcp_servers ? argumentProblem(JSON.stringify(mcp_servers)) : null
    if (detail !== null) errors.push({ pointer: '/data/task/agent_config_snapshot/mcp_servers', detail: `as JSON ${detail}` })
  }
  return errors
}

function checkLabels(labels: Readonly<Record<string, string>>, add: (at: string, problem: string | null) => void): void {
  const names = Object.keys(labels)
  if (names.length > MAX_LABELS) add('/data/labels', `has ${names.length} labels; at most ${MAX_LABELS} are allowed. Leave some out`)
  for (const [name, value] of Object.entries(labels)) {
    const at = pointer('data', 'labels', name)
    if (name.includes('/')) add(at, 'has a prefix; jobhook adds its own. Send the part after the slash only')
    else if (!isNamePart(name)) {
      add(at, 'is not a label name: at most 63 letters, digits, "-", "_" and ".", a letter or digit first and last. Rename it')
    } else if (!isLabelValue(value)) {
      add(
        at,
        'has a value that a label cannot have: at most 63 letters, digits, "-", "_" and ".", a letter or digit first and last. Change it',
      )
    }
  }
}

/** JSON may hold half of a surrogate pair; on its way through UTF-8 it would become another character in silence. */
function unicodeProblems(value: unknown): [at: string, problem: string][] {
  if (typeof value === 'string') {
    const problem = unicodeProblem(value)
    return problem === null ? NO_PROBLEMS : [['', problem]]
  }
  if (value === null || typeof value !== 'object') return NO_PROBLEMS
  let found = NO_PROBLEMS
  for (const name of Object.keys(value)) {
    const problem = unicodeProblem(name)
    const below = unicodeProblems((value as Record<string, unknown>)[name])
    if (problem === null && below.length === 0) continue
    // Where it lies is only worked out when there is something to say.
    const at = pointer(name)
    found = [
      ...found,
      ...(problem === null ? [] : [[at, problem] as [string, string]]),
      ...below.map(([rest, text]): [string, string] => [at + rest, text]),
    ]
  }
  return found
}

const NO_PROBLEMS: [at: string, problem: string][] = []
