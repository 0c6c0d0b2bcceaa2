// Pod Security levels by table: which field of a Pod which level refuses, and which setting of ours puts it right.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1PodSpec } from '@kubernetes/client-node'
import { podSecurityViolations, refusedBy } from '../../src/preflight/pod-security.ts'
import { checkPodSecurity, enforcedLevel, remedyFor } from '../../src/preflight/pod-security-check.ts'
import { ROWS, security, strict } from './pod-security-cases.ts'

for (const [title, spec, expected, minor] of ROWS) {
  test(`${title}: ${expected.length === 0 ? 'restricted takes it' : expected.join('; ')}`, () => {
    const found = podSecurityViolations(spec, minor).map(({ level, field, detail }) => `${level} ${field} ${detail}`)
    assert.deepEqual(found, expected)
  })
}

test('baseline refuses what is a violation of baseline only, privileged nothing, restricted all', () => {
  const violations = podSecurityViolations(strict({ hostNetwork: true }, security({ runAsUser: 0 })))
  const counts = (['privileged', 'baseline', 'restricted'] as const).map((level) => refusedBy(level, violations).length)
  assert.deepEqual(counts, [0, 1, 2])
})

const remedies: [field: string, detail: string, expected: string][] = [
  ['spec.initContainers[copy-sidecar-0].securityContext.runAsUser', 'is 0 (root)', 'set backend.kubernetes.use_image_volumes: true'],
  [
    'spec.containers[task].securityContext.runAsNonRoot',
    'is not true',
    'set backend.kubernetes.pod_template.securityContext.runAsNonRoot: true',
  ],
  [
    'spec.initContainers[setup].securityContext.capabilities.drop',
    'does not have ALL',
    'set backend.kubernetes.pod_template.containers[task].securityContext.capabilities.drop: [ALL]',
  ],
  [
    'spec.containers[proxy].securityContext.allowPrivilegeEscalation',
    'is not false',
    'set backend.kubernetes.pod_template.containers[proxy].securityContext.allowPrivilegeEscalation: false',
  ],
  [
    'spec.volumes[cache].hostPath',
    'is a path of the node',
    'use another kind of volume for backend.kubernetes.pod_template.volumes[cache]',
  ],
  ['spec.hostNetwork', 'is true', 'remove backend.kubernetes.pod_template.hostNetwork'],
  [
    'spec.containers[task].securityContext.privileged',
    'is true',
    'remove backend.kubernetes.pod_template.containers[task].securityContext.privileged',
  ],
]
for (const [field, detail, expected] of remedies) {
  test(`${field} ${detail}: ${expected}`, () => assert.equal(remedyFor({ level: 'restricted', field, detail }), expected))
}

function namespace(labels: Record<string, string>) {
  return { ok: true as const, value: { metadata: { name: 'agents', labels } } }
}
const enforce = (level: string, version?: string) => ({
  'pod-security.kubernetes.io/enforce': level,
  ...(version ? { 'pod-security.kubernetes.io/enforce-version': version } : {}),
})
const copying = strict({ initContainers: [{ name: 'copy-sidecar-0', securityContext: { runAsUser: 0 } }] })

test('a level that refuses every Pod blocks; one that refuses only sidecars fails without blocking', () => {
  const bare: V1PodSpec = { containers: [{ name: 'task' }] }
  const always = checkPodSecurity(namespace(enforce('restricted')), 'agents', { plain: bare, withSidecar: bare })
  assert.deepEqual([always.status, always.blocking], ['failed', true])
  assert.match(always.why ?? '', /runAsNonRoot is not true; .*allowPrivilegeEscalation is not false/)
  const sometimes = checkPodSecurity(namespace(enforce('restricted')), 'agents', { plain: strict(), withSidecar: copying })
  assert.deepEqual([sometimes.status, sometimes.blocking], ['failed', false])
  assert.match(sometimes.fix ?? '', /use_image_volumes: true; or be more lenient/)
  const fine = checkPodSecurity(namespace(enforce('baseline')), 'agents', { plain: strict(), withSidecar: copying })
  assert.equal(fine.status, 'ok')
  const open = checkPodSecurity(namespace({}), 'agents', { plain: bare, withSidecar: bare })
  assert.deepEqual([open.status, /fit the level baseline/.test(open.what)], ['ok', true])
})

test('the policy’s version comes from the label; latest and nonsense mean the newest', () => {
  const of = (labels: Record<string, string>) => enforcedLevel(namespace(labels).value)
  assert.deepEqual(of(enforce('baseline', 'v1.29')), { level: 'baseline', minor: 29 })
  assert.deepEqual(of(enforce('restricted', 'latest')), { level: 'restricted', minor: undefined })
  assert.equal(of({}), null)
  assert.equal(of(enforce('strictest')), null)
})
