// What /readyz?verbose says of an API server that has not been heard: a warning, which takes no replica out of the Service.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHealth } from '../../src/health.ts'

const fresh = { synced: true, staleMs: 0, lists: 1, lastError: null }

for (const [what, pods, expected] of [
  ['in step', fresh, { ok: true, required: false, detail: 'in step (1 list)' }],
  [
    'silent for two minutes',
    { ...fresh, staleMs: 120_000, lists: 3, lastError: 'watch failed: ECONNREFUSED' },
    { ok: false, required: false, detail: 'nothing heard for 120 s; last error: watch failed: ECONNREFUSED' },
  ],
  [
    'never heard',
    { ...fresh, synced: false, lastError: 'list failed: 401' },
    { ok: false, required: true, detail: 'the first list has not been read yet; last error: list failed: 401' },
  ],
] as const) {
  test(`the API ${what}: ${expected.detail}`, () => {
    const health = createHealth({
      informer: { synced: () => pods.synced, status: () => ({ jobs: fresh, pods }) },
      election: { isLeader: () => true, holder: () => null },
      preflight: { status: () => ({ ok: true, detail: 'passed' }) },
      draining: () => false,
      more: () => [],
    })
    assert.deepEqual(
      health.checks().find(({ name }) => name === 'informer-pods'),
      { name: 'informer-pods', ...expected },
    )
  })
}
