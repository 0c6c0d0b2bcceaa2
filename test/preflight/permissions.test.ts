// The table of rights: held against what src/cluster really sends, and what is made of it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { KubeClient, KubeRequest } from '../../src/cluster/client.ts'
import { createCluster } from '../../src/cluster/operations.ts'
import {
  excessFor,
  grantCommand,
  granted,
  type Need,
  PERMISSIONS,
  type Permission,
  roleRules,
  subject,
} from '../../src/preflight/permissions.ts'

const ALL: ReadonlySet<Need> = new Set(['always', 'tasks', 'detail', 'ledger', 'sweep', 'preflight-job', 'checks'])
const right = ({ resource, verb }: { resource: string; verb: string }): string => `${verb} ${resource}`

/** Every user may ask these; dry runs need the right to create, which is in the table where jobhook creates. */
const FREE = /^create selfsubject|^get version$|\(dry run\)$/

/** Calls every operation with arguments that suit all of them, and notes what would be sent. */
async function rightsUsed(): Promise<Set<string>> {
  const sent: KubeRequest[] = []
  const client: KubeClient = {
    async send(request) {
      sent.push(request)
      return { ok: false, error: { status: 404, reason: '', message: '', retryAfterMs: null, retryable: false, outcomeUnknown: false } }
    },
    async stream(request) {
      sent.push(request)
      return { ok: false, error: { status: 404, reason: '', message: '', retryAfterMs: null, retryable: false, outcomeUnknown: false } }
    },
  }
  const query = { labelSelector: 'a=b', limit: 1, continueToken: null, resourceVersion: '1', timeoutSeconds: 1 }
  for (const operation of Object.values(createCluster({ client }, { namespace: 'agents' }))) {
    if (typeof operation !== 'function') continue
    for (const first of ['jobs', 'pods', 'configmaps']) await (operation as (...args: unknown[]) => Promise<unknown>)(first, query, query)
  }
  return new Set(sent.map(right).filter((text) => !FREE.test(text)))
}

test('every request that the cluster stage can send is in the table, and the table has nothing else', async () => {
  assert.deepEqual([...(await rightsUsed())].sort(), [...new Set(PERMISSIONS.map(right))].sort())
})

test('docs/doctor.md has the same table', () => {
  const text = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8')
  const rows = text.split('\n').filter((line) => / \| (always|tasks|detail|ledger|sweep|preflight-job|checks) \| /.test(line))
  const expected = PERMISSIONS.map(
    ({ verb, resource, group, need, without }) => `| ${verb} ${resource} | ${group || 'core'} | ${need} | ${without} |`,
  )
  assert.deepEqual(rows, expected)
})

test('a Role has one rule a resource, and only what is needed', () => {
  const rules = roleRules(new Set(['always']))
  assert.deepEqual(rules[0], { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'patch'] })
  assert.deepEqual(
    rules.map(({ resources }) => resources[0]),
    ['jobs', 'pods', 'leases'],
  )
  const all = roleRules(ALL)
  assert.equal(new Set(all.map(({ apiGroups, resources }) => `${apiGroups} ${resources}`)).size, all.length)
})

const patchJobs: Permission = { group: 'batch', resource: 'jobs', verb: 'patch', need: 'always', without: '' }
const readLog: Permission = { group: '', resource: 'pods/log', verb: 'get', need: 'detail', without: '' }
const rules: [title: string, permission: Permission, rule: Parameters<typeof granted>[1][number], expected: boolean][] = [
  ['itself', patchJobs, { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'patch'] }, true],
  ['everything', patchJobs, { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }, true],
  ['another verb', patchJobs, { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] }, false],
  ['another group', patchJobs, { apiGroups: ['apps'], resources: ['jobs'], verbs: ['patch'] }, false],
  ['one object only', patchJobs, { apiGroups: ['batch'], resources: ['jobs'], verbs: ['patch'], resourceNames: ['a'] }, false],
  ['the resource without its subresource', readLog, { apiGroups: [''], resources: ['pods'], verbs: ['get'] }, false],
  ['the subresource', readLog, { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }, true],
  ['the subresource of anything', readLog, { apiGroups: [''], resources: ['*/log'], verbs: ['get'] }, true],
  ['nothing at all', patchJobs, {}, false],
]
for (const [title, permission, rule, expected] of rules) {
  test(`a rule for ${title} ${expected ? 'grants' : 'does not grant'} ${right(permission)}`, () =>
    assert.equal(granted(permission, [rule]), expected))
}

test('the commands that grant what is missing name role, binding and account', () => {
  assert.equal(
    grantCommand([patchJobs, { ...patchJobs, verb: 'watch' }], 'agents', 'system:serviceaccount:agents:jobhook'),
    'kubectl -n agents create role jobhook-jobs-batch-patch-watch --verb=patch,watch --resource=jobs.batch && kubectl -n agents create rolebinding jobhook-jobs-batch-patch-watch --role=jobhook-jobs-batch-patch-watch --serviceaccount=agents:jobhook',
  )
  assert.match(grantCommand([readLog], 'agents', 'jane'), /--resource=pods\/log .* --user=jane$/)
  assert.equal(subject("o'brien; rm"), "--user='o'\\''brien; rm'")
  assert.equal(subject(null), '--serviceaccount=NAMESPACE:NAME')
})

test('rights that the configuration makes use of are not too many', () => {
  const lists = (needs: ReadonlySet<Need>): boolean =>
    excessFor(needs).some(({ attributes }) => right(attributes) === 'list secrets' && attributes.namespace === undefined)
  assert.deepEqual([lists(new Set(['always'])), lists(new Set(['always', 'sweep']))], [true, false])
  assert.ok(excessFor(ALL).some(({ attributes }) => right(attributes) === 'list secrets' && attributes.namespace === ''))
})
