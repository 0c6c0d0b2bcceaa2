// What counts as the same request.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differingFields, digests } from '../../src/jobspec/index.ts'
import type { Assignment } from '../../src/model/assignment.ts'
import { assignment } from './fixtures.ts'

const base: Assignment = assignment({
  env_vars: { A: '1', B: '2' },
  labels: { team: 'web' },
  task: { title: 'x', agent_config_snapshot: { mcp_servers: { s: { url: 'u', depth: [1] } } } },
})

const rows: [title: string, change: Record<string, unknown>, differ: string[]][] = [
  ['the same again', {}, []],
  ['other ids', { task_id: 'other', execution_id: 'other' }, []],
  ['a fresh token in env_vars', { env_vars: { A: 'new', B: '2' } }, []],
  ['env_vars in another order', { env_vars: { B: '2', A: '1' } }, []],
  ['another variable', { env_vars: { A: '1', C: '2' } }, ['env_vars']],
  ['an unknown field', { something_new: 1 }, []],
  ['an unknown field in task', { task: { ...base.task, new_thing: true } }, []],
  ['another image', { docker_image: 'other' }, ['docker_image']],
  ['other args', { args: ['x'] }, ['args']],
  ['the arguments in another order', { command: ['b', 'a'] }, ['command']],
  [
    'an opaque value deep in mcp_servers',
    { task: { title: 'x', agent_config_snapshot: { mcp_servers: { s: { url: 'u', depth: [2] } } } } },
    ['task'],
  ],
  [
    'members of mcp_servers in another order',
    { task: { agent_config_snapshot: { mcp_servers: { s: { depth: [1], url: 'u' } } }, title: 'x' } },
    [],
  ],
  ['several at once, by name', { priority: 1, labels: { team: 'app' } }, ['labels', 'priority']],
]
for (const [title, change, differ] of rows) {
  test(`${title}: ${differ.length === 0 ? 'the same request' : `differs in ${differ.join(' and ')}`}`, () => {
    assert.deepEqual(differingFields(digests(base), '1', digests({ ...base, ...change } as Assignment)), differ)
  })
}

test('digests have no value and no hash of a value of env_vars', () => {
  assert.equal(digests({ task_id: 't', env_vars: { A: 'one' } }).env_vars, digests({ task_id: 't', env_vars: { A: 'two' } }).env_vars)
})

test('a digest is the same in every release', () => {
  assert.deepEqual(digests({ task_id: 't', docker_image: 'a:1', env_vars: { B: '', A: '' }, priority: 1 }), {
    docker_image: 'joHPbxv5ap',
    env_vars: 'tk40SKg6W4',
    priority: 'a4ayc_80_O',
  })
})

test('against another schema version only fields that both know count', () => {
  const current = { docker_image: 'a', newer_field: 'b', args: 'c' }
  assert.deepEqual(differingFields({ docker_image: 'a' }, '2', current), [], 'fields the other may not know')
  assert.deepEqual(differingFields({ docker_image: 'x', unheard_of: 'y' }, '2', current), ['docker_image'], 'fields this one does not know')
  assert.deepEqual(differingFields({ docker_image: 'a', command: 'z' }, '2', current), ['command'], 'a field both know that is gone now')
})
