// What a failed create is answered with. A 4xx promises that nothing runs: it may never be said where an earlier try can have gone through.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusedBy } from '../../src/intake/refused.ts'

const error = (status: number, message: string, outcomeUnknown: boolean) => ({
  status,
  reason: 'x',
  message,
  retryAfterMs: null,
  retryable: false,
  outcomeUnknown,
})

for (const [status, message, known] of [
  [403, 'exceeded quota: pods', 'quota_exceeded'],
  [403, 'User "x" cannot create resource "jobs"', 'cluster_unavailable'],
  [403, 'admission webhook "p" denied the request', 'refused_by_cluster'],
  [422, 'Job.batch is invalid', 'refused_by_cluster'],
  [429, 'too many requests', 'cluster_busy'],
  [404, 'namespaces "x" not found', 'cluster_unavailable'],
] as const) {
  test(`${status} ${message}: ${known}; after a try whose outcome is not known: outcome_unknown`, () => {
    assert.equal(refusedBy(error(status, message, false), 'Job').code, known)
    assert.equal(refusedBy(error(status, message, true), 'Job').code, 'outcome_unknown')
  })
}
