// From the bytes of a webhook to a manifest: never a throw, never a value of a secret in an error, never a changed prototype; and what is built
// holds together and comes back from YAML as it was.
import assert from 'node:assert/strict'
import { parseAllDocuments } from 'yaml'
import { parseMessage } from '../../../src/intake/index.ts'
import { parseJsonBytes } from '../../../src/intake/parse.ts'
import { buildTask, digests, render, taskNames } from '../../../src/jobspec/index.ts'
import { CONTEXT, holdsAlways, OZ, options } from '../../jobspec/fixtures.ts'
import { type Bytes, bytesOf, latin1, mutated } from '../mutate.ts'
import { assertUnpolluted, type Target } from '../target.ts'

export const CANARY = 'canary-7f3a91c4'

const whole = {
  type: 'task_assignment',
  data: {
    task_id: 't-42',
    execution_id: 'e-1',
    task: {
      id: 't-42',
      title: 'Fix the build 🚀',
      task_definition: { prompt: 'p' },
      owner: { Type: 'TEAM', Id: 7 },
      agent_config_snapshot: { harness: { type: 'claude' }, mcp_servers: { a: { b: [1, null] } }, idle_timeout_minutes: 5 },
    },
    docker_image: 'registry.example/dev:1.4',
    sidecar_image: 'registry.example/agent:9',
    additional_sidecars: [{ image: 'registry.example/tools:2', mount_path: '/mnt/tools', read_write: false }],
    env_vars: { GITHUB_ACCESS_TOKEN: CANARY, B: `$(A)${CANARY}` },
    additional_oz_args: ['--verbose'],
    instance_shape: { vcpus: 2, memory_gb: 4 },
    command: ['/bin/sh', '-c'],
    args: ['make test'],
    timeout_seconds: 3600,
    priority: 0,
    labels: { team: 'web' },
    callback_url: 'https://control.example/hooks/tasks',
  },
}
export const MESSAGES: readonly Bytes[] = [
  whole,
  { type: 'task_assignment', data: { task_id: 't', env_vars: { A: CANARY } } },
  { type: 'task_cancellation', data: { task_id: 't-42', execution_id: null } },
  { type: 'heartbeat' },
].map((message) => latin1(JSON.stringify(message)))
const POLLUTED: readonly Bytes[] = [
  '{"__proto__":{"polluted":1},"type":"task_assignment","data":{"task_id":"t"}}',
  '{"type":"task_assignment","data":{"__proto__":{"task_id":"evil","docker_image":"evil"}}}',
  '{"type":"task_assignment","data":{"task_id":"t","env_vars":{"__proto__":{"polluted":"1"},"constructor":"c"},"labels":{"__proto__":"x"}}}',
  '{"type":"task_assignment","data":{"task_id":"t","constructor":{"prototype":{"polluted":1}},"task":{"__proto__":{"title":"x"}}}}',
]

const settings = [options({ default_image: 'd:1' }), options({ env: [{ name: 'A', value: '$(PATH)' }], default_image: 'd:1' }, OZ)]

export const message: Target<Bytes> = {
  name: 'message',
  inputs: mutated([...MESSAGES, ...POLLUTED]),
  runs: 6_000,
  check(input) {
    const json = parseJsonBytes(bytesOf(input))
    assertUnpolluted()
    if (!json.ok) return assertHarmless(json.refusal)
    const parsed = parseMessage(json.value)
    assertUnpolluted()
    if (!parsed.ok) return assertHarmless(parsed.refusal)
    if (parsed.value.type !== 'task_assignment') return
    const assignment = parsed.value.data
    assert.ok(Object.hasOwn(assignment, 'task_id'))
    const identity = { workerId: 'w', taskId: assignment.task_id, executionId: assignment.execution_id ?? assignment.task_id }
    assert.match(taskNames(identity).jobName, /^task-[a-z0-9-]{1,58}$/)
    assert.ok(!JSON.stringify(digests(assignment)).includes(CANARY))
    for (const each of settings) {
      const built = buildTask(assignment, each, CONTEXT)
      assertUnpolluted()
      if (!built.ok) {
        assertHarmless({ detail: '', errors: built.errors })
        continue
      }
      holdsAlways(built, assignment.env_vars ?? {})
      const text = render(built, { showSecrets: false })
      assert.doesNotMatch(text, /(?!\n|\t)[\p{Cc}\u2028\u2029\ufeff]/u)
      const documents = parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as unknown)
      assert.equal(documents.length, built.secret ? 2 : 1)
      assert.deepEqual(documents.at(-1), built.job)
    }
  },
}

function assertHarmless(refusal: { detail: string; errors?: { pointer: string; detail: string }[] }): void {
  const words = [refusal.detail, ...(refusal.errors ?? []).map(({ detail }) => detail)]
  for (const each of words) assert.ok(!each.includes(CANARY) && each.isWellFormed(), each)
}
