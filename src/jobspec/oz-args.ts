// Profile oz: the agent's command line, in the order its worker has always given it. Strings of the task are trimmed, empty ones left out.
import type { AgentConfigSnapshot, Assignment } from '../model/assignment.ts'
import type { JobSpecOptions } from './options.ts'

export function ozArgs(assignment: Assignment, options: Pick<JobSpecOptions, 'oz' | 'idleOnComplete'>): string[] {
  const config = assignment.task?.agent_config_snapshot
  return [
    'agent',
    'run',
    ...(assignment.task?.owner?.Type === 'TEAM' ? ['--share', 'team:edit'] : []),
    ...flag('--task-id', assignment.task_id),
    '--sandboxed',
    ...flag('--server-root-url', options.oz.server_root_url),
    ...(config ? configArgs(config) : []),
    ...(assignment.additional_oz_args ?? []),
    '--idle-on-complete',
    ...idle(config, options.idleOnComplete),
    ...flag('--session-sharing-server-url', options.oz.session_sharing_server_url),
  ]
}

function configArgs(config: AgentConfigSnapshot): string[] {
  const harness = harnessOf(config)
  const ownHarness = harness === '' || harness === 'oz'
  const servers = config.mcp_servers ?? {}
  const computerUse = config.computer_use_enabled ?? ownHarness
  return [
    ...(ownHarness ? flag('--model', config.model_id) : []),
    ...flag('--profile', config.profile_id),
    ...flag('--skill', config.skill_spec),
    ...(Object.keys(servers).length > 0 ? ['--mcp', JSON.stringify(servers)] : []),
    computerUse ? '--computer-use' : '--no-computer-use',
    ...bedrock(config),
    ...flag('--harness', harness),
    ...share(config.session_sharing?.public_access?.trim()),
    ...(config.no_snapshot ? ['--no-snapshot'] : []),
    ...seconds('--snapshot-upload-timeout', config.snapshot_upload_timeout_secs),
    ...seconds('--snapshot-script-timeout', config.snapshot_script_timeout_secs),
    ...flag('--environment', config.environment_id),
  ]
}

/** The harness a task names, trimmed; empty when none. */
export function harnessOf(config: AgentConfigSnapshot | undefined): string {
  return config?.harness?.type?.trim() ?? ''
}

function bedrock(config: AgentConfigSnapshot): string[] {
  const aws = config.inference_providers?.aws
  const role = flag('--bedrock-inference-role', aws?.role_arn)
  return aws?.disabled || role.length === 0 ? [] : [...role, ...flag('--bedrock-role-region', aws?.region)]
}

function share(access: string | undefined): string[] {
  if (access === 'VIEWER') return ['--share', 'public:view']
  return access === 'EDITOR' ? ['--share', 'public:edit'] : []
}

function idle(config: AgentConfigSnapshot | undefined, configured: string | undefined): string[] {
  const minutes = config?.idle_timeout_minutes ?? 0
  if (minutes > 0) return [`${minutes}m`]
  const value = configured?.trim() ?? ''
  return value === '' ? [] : [value]
}

function flag(name: string, value: string | undefined): string[] {
  const trimmed = value?.trim() ?? ''
  return trimmed === '' ? [] : [name, trimmed]
}

function seconds(name: string, value: number | undefined): string[] {
  return value !== undefined && value > 0 ? [name, `${value}s`] : []
}
