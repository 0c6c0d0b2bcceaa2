// Profile oz: the agent's arguments, row by row in their order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ozArgs } from '../../src/jobspec/oz-args.ts'
import type { AgentConfigSnapshot, Assignment } from '../../src/model/assignment.ts'
import { assignment } from './fixtures.ts'

const URL = 'https://oz.example'
const start = 'agent run --task-id t-42 --sandboxed --server-root-url https://oz.example'

const whole: [title: string, asked: Partial<Assignment>, given: { session?: string; idle?: string }, words: string][] = [
  ['no task record', {}, {}, `${start} --idle-on-complete`],
  [
    'owned by a team',
    { task: { owner: { Type: 'TEAM', Id: 7 } } },
    {},
    `agent run --share team:edit${start.slice('agent run'.length)} --idle-on-complete`,
  ],
  ['owned by a user', { task: { owner: { Type: 'USER' } } }, {}, `${start} --idle-on-complete`],
  [
    'additional_oz_args after the settings',
    { additional_oz_args: ['--verbose', '-x'], task: { agent_config_snapshot: {} } },
    {},
    `${start} --computer-use --verbose -x --idle-on-complete`,
  ],
  ['idle time from the configuration', {}, { idle: '30m' }, `${start} --idle-on-complete 30m`],
  [
    'a session sharing server comes last',
    {},
    { session: 'wss://share', idle: '30m' },
    `${start} --idle-on-complete 30m --session-sharing-server-url wss://share`,
  ],
]
for (const [title, asked, { session, idle }, words] of whole) {
  test(`oz arguments: ${title}`, () => {
    const oz = { server_root_url: URL, ...(session === undefined ? {} : { session_sharing_server_url: session }) }
    assert.deepEqual(ozArgs(assignment(asked), { oz, ...(idle === undefined ? {} : { idleOnComplete: idle }) }), words.split(' '))
  })
}

// What agent_config_snapshot adds between --server-root-url and --idle-on-complete.
const settings: [title: string, config: AgentConfigSnapshot, words: string, idle?: string][] = [
  ['nothing set: computer use is on', {}, '--computer-use'],
  ['a model', { model_id: ' m1 ' }, '--model m1 --computer-use'],
  ['a model for the harness oz', { model_id: 'm1', harness: { type: 'oz' } }, '--model m1 --computer-use --harness oz'],
  [
    'no model for another harness, which has no computer use',
    { model_id: 'm1', harness: { type: 'claude' } },
    '--no-computer-use --harness claude',
  ],
  ['an empty harness counts as oz', { model_id: 'm1', harness: { type: ' ' } }, '--model m1 --computer-use'],
  ['a profile', { profile_id: 'p' }, '--profile p --computer-use'],
  ['a skill', { skill_spec: 's' }, '--skill s --computer-use'],
  ['MCP servers', { mcp_servers: { a: { url: 'u' } } }, '--mcp {"a":{"url":"u"}} --computer-use'],
  ['no MCP servers', { mcp_servers: {} }, '--computer-use'],
  ['computer use off', { computer_use_enabled: false }, '--no-computer-use'],
  ['computer use on for another harness', { computer_use_enabled: true, harness: { type: 'codex' } }, '--computer-use --harness codex'],
  [
    'Bedrock',
    { inference_providers: { aws: { role_arn: 'arn', region: 'r' } } },
    '--computer-use --bedrock-inference-role arn --bedrock-role-region r',
  ],
  [
    'Bedrock without region',
    { inference_providers: { aws: { role_arn: 'arn', region: ' ' } } },
    '--computer-use --bedrock-inference-role arn',
  ],
  ['a region without role', { inference_providers: { aws: { region: 'r' } } }, '--computer-use'],
  ['Bedrock disabled', { inference_providers: { aws: { role_arn: 'arn', disabled: true } } }, '--computer-use'],
  ['viewers', { session_sharing: { public_access: 'VIEWER' } }, '--computer-use --share public:view'],
  ['editors', { session_sharing: { public_access: 'EDITOR' } }, '--computer-use --share public:edit'],
  ['another kind of access is left out', { session_sharing: { public_access: 'FULL' } }, '--computer-use'],
  ['no snapshot', { no_snapshot: true }, '--computer-use --no-snapshot'],
  ['snapshot wanted', { no_snapshot: false }, '--computer-use'],
  [
    'snapshot timeouts',
    { snapshot_upload_timeout_secs: 90, snapshot_script_timeout_secs: 45 },
    '--computer-use --snapshot-upload-timeout 90s --snapshot-script-timeout 45s',
  ],
  ['a timeout of 0 is none', { snapshot_upload_timeout_secs: 0 }, '--computer-use'],
  ['an environment', { environment_id: 'env' }, '--computer-use --environment env'],
  ['empty strings are left out', { model_id: '', profile_id: ' ', skill_spec: '', environment_id: '' }, '--computer-use'],
  ['minutes to stay', { idle_timeout_minutes: 15 }, '--computer-use', '15m'],
  ['0 minutes: as configured', { idle_timeout_minutes: 0 }, '--computer-use', '30m'],
  [
    'all of it, in order',
    {
      environment_id: 'env',
      snapshot_script_timeout_secs: 2,
      snapshot_upload_timeout_secs: 1,
      no_snapshot: true,
      session_sharing: { public_access: 'VIEWER' },
      harness: { type: 'oz' },
      inference_providers: { aws: { role_arn: 'arn', region: 'r' } },
      computer_use_enabled: true,
      mcp_servers: { a: 1 },
      skill_spec: 's',
      profile_id: 'p',
      model_id: 'm',
    },
    '--model m --profile p --skill s --mcp {"a":1} --computer-use --bedrock-inference-role arn --bedrock-role-region r --harness oz --share public:view --no-snapshot --snapshot-upload-timeout 1s --snapshot-script-timeout 2s --environment env',
  ],
]
for (const [title, config, words, idle = '30m'] of settings) {
  test(`oz settings: ${title}`, () => {
    const args = ozArgs(assignment({ task: { agent_config_snapshot: config } }), { oz: { server_root_url: URL }, idleOnComplete: '30m' })
    assert.equal(args.join(' '), `${start} ${words} --idle-on-complete ${idle}`)
  })
}
