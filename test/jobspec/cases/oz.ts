// The profile oz.
import { OZ, options } from '../fixtures.ts'
import type { Case } from './case.ts'

export const OZ_PROFILE: Case[] = [
  {
    name: 'oz: the agent’s entry point behind the environment file',
    asked: { command: undefined, sidecar_image: 'agent:9' } as never,
    given: options({}, OZ),
    want: {
      'task.command.3': 'jobhook',
      'task.args': [
        '/agent/entrypoint.sh',
        'agent',
        'run',
        '--task-id',
        't-42',
        '--sandboxed',
        '--server-root-url',
        'https://oz.example',
        '--idle-on-complete',
      ],
      'env.OZ_ENVIRONMENT_FILE': '/workspace/.oz-env',
      'mount./run/jobhook': undefined,
    },
  },
  {
    name: 'oz: its variables',
    asked: { sidecar_image: 'agent:9' },
    given: options({}, OZ),
    want: {
      'env.TASK_ID': 't-42',
      'env.GIT_TERMINAL_PROMPT': '0',
      'env.GH_PROMPT_DISABLED': '1',
      'env.WARP_SERVER_ROOT_URL': 'https://oz.example',
      'env.OZ_WORKSPACE_ROOT': '/workspace',
      'env.OZ_WORKER_BACKEND': 'kubernetes',
      'env.OZ_RUN_ID': 't-42',
      'env.EXECUTION_ID': undefined,
    },
  },
  {
    name: 'oz: what it relies on wins over the assignment',
    asked: { env_vars: { OZ_RUN_ID: 'x', GH_PROMPT_DISABLED: '0' } },
    given: options({}, OZ),
    want: { 'env.OZ_RUN_ID': 't-42', 'env.GH_PROMPT_DISABLED': 'secret:GH_PROMPT_DISABLED', 'secret.OZ_RUN_ID': undefined },
  },
  {
    name: 'oz: the image of last resort',
    asked: { docker_image: undefined } as never,
    given: options({}, OZ),
    want: { 'task.image': 'ubuntu:22.04' },
  },
  {
    name: 'oz: the configured image before that',
    asked: { docker_image: undefined } as never,
    given: options({ default_image: 'team:1' }, OZ),
    want: { 'task.image': 'team:1' },
  },
  {
    name: 'oz: with setup and teardown',
    asked: { sidecar_image: 'agent:9' },
    given: options({ setup_command: 'true', teardown_command: 'bye' }, OZ),
    want: {
      'task.command.4': 'bye',
      'task.args.0': '/agent/entrypoint.sh',
      'mount./run/jobhook.name': 'jobhook',
      'init.setup.volumeMounts.0.mountPath': '/workspace',
    },
  },
  {
    name: 'oz: MCP servers arrive as they are',
    asked: { task: { agent_config_snapshot: { mcp_servers: { s: { env: { T: '$(TOKEN)' } } } } } },
    given: options({}, OZ),
    want: { 'task.args.8': '--mcp', 'task.args.9': '{"s":{"env":{"T":"$$(TOKEN)"}}}' },
  },
  {
    name: 'oz: no server URL',
    asked: {},
    given: options({}, { profile: 'oz' }),
    want: {
      'task.args': ['/agent/entrypoint.sh', 'agent', 'run', '--task-id', 't-42', '--sandboxed', '--idle-on-complete'],
      'env.WARP_SERVER_ROOT_URL': undefined,
    },
  },
]
