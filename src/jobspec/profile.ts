// The two profiles: which variables a task always has, and which command it runs.
import type { V1Container, V1LifecycleHandler } from '@kubernetes/client-node'
import type { Assignment } from '../model/assignment.ts'
import { wraps } from './check.ts'
import { plainEnv } from './env.ts'
import type { JobSpecOptions } from './options.ts'
import { ozArgs } from './oz-args.ts'
import { AGENT, environmentFile, WORKSPACE } from './paths.ts'
import { entryScript, preStopScript, teardownScript } from './shell.ts'
import { literal } from './text.ts'

/** Weakest and strongest variables of each profile; the latter are names that a configuration may not set. */
export function profileEnv(
  assignment: Assignment,
  options: JobSpecOptions,
): { profile: Map<string, string>; reserved: Map<string, string> } {
  const file = environmentFile(options.profile)
  if (options.profile === 'generic') {
    return {
      profile: plainEnv({ TASK_ID: assignment.task_id, EXECUTION_ID: assignment.execution_id ?? assignment.task_id }),
      reserved: plainEnv(wraps(options.kubernetes) ? { [file.name]: file.path } : {}),
    }
  }
  return {
    profile: plainEnv({
      TASK_ID: assignment.task_id,
      GIT_TERMINAL_PROMPT: '0',
      GH_PROMPT_DISABLED: '1',
      WARP_SERVER_ROOT_URL: options.oz.server_root_url,
    }),
    reserved: plainEnv({
      [file.name]: file.path,
      OZ_WORKSPACE_ROOT: WORKSPACE,
      OZ_WORKER_BACKEND: 'kubernetes',
      OZ_RUN_ID: assignment.task_id,
    }),
  }
}

/** Names of profileEnv's reserved variables. */
export function reservedEnvNames(options: JobSpecOptions): string[] {
  return [...profileEnv({ task_id: '' }, options).reserved.keys()]
}

/** The container's command and args, wrapped where something has to run before or after the task's own. */
export function taskCommand(
  assignment: Assignment,
  options: JobSpecOptions,
  given: V1Container | undefined,
  graceSeconds: number,
): { command?: string[]; args?: string[] } {
  const asked = options.profile === 'oz' ? ozCommand(assignment, options) : genericCommand(assignment, given)
  if (options.profile === 'generic' && !wraps(options.kubernetes)) return asked
  const variable = environmentFile(options.profile).name
  const args = [...(asked.command ?? []), ...(asked.args ?? [])]
  const teardown = options.kubernetes.teardown_command
  if (teardown === undefined) return { command: ['/bin/sh', '-c', literal(entryScript(variable)), 'jobhook'], args }
  const script = teardownScript(variable, Math.max(1, graceSeconds), given?.terminationMessagePath ?? '/dev/termination-log')
  return { command: ['/bin/sh', '-c', literal(script), 'jobhook', literal(teardown)], args }
}

/** Half of the grace period for the command to end, the rest for the teardown. */
export function preStopHook(graceSeconds: number): V1LifecycleHandler {
  return { exec: { command: ['/bin/sh', '-c', preStopScript(Math.max(1, Math.floor(graceSeconds / 2)))] } }
}

function ozCommand(assignment: Assignment, options: JobSpecOptions): { command: string[]; args: string[] } {
  return { command: [`${AGENT}/entrypoint.sh`], args: ozArgs(assignment, options).map(literal) }
}

/** What the assignment says; the template's command and args where it says nothing (its args never go with another command). */
function genericCommand(assignment: Assignment, given: V1Container | undefined): { command?: string[]; args?: string[] } {
  const command = assignment.command?.map(literal) ?? given?.command
  const args = assignment.args?.map(literal) ?? (assignment.command ? [] : given?.args)
  return { ...(command ? { command } : {}), ...(args ? { args } : {}) }
}
