/** Contract: Leases, as leader election uses them: times in microseconds, and only one of two writers wins. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertStatus, create, leasesPath } from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

const lease = (name: string, spec: object) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec })
const held = {
  holderIdentity: 'pod-a',
  leaseDurationSeconds: 15,
  leaseTransitions: 0,
  acquireTime: '2026-01-02T03:04:05.123456Z',
  renewTime: '2026-01-02T03:04:05.000000Z',
}

test('a Lease keeps its microseconds', async () => {
  const { body } = await create(target, leasesPath(target), lease('micro', held))
  assert.deepEqual(body.spec, held)
})

test('a time without six digits after the point is 400', async () => {
  for (const renewTime of ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123Z']) {
    assertStatus(await target.call('POST', leasesPath(target), { body: lease('whole', { ...held, renewTime }) }), 400, 'BadRequest')
  }
})

test('a Lease needs a positive duration, but no holder: that is how one is given up', async () => {
  const zero = await target.call('POST', leasesPath(target), { body: lease('zero', { ...held, leaseDurationSeconds: 0 }) })
  assertStatus(zero, 422, 'Invalid')
  assert.equal(zero.body.details.causes[0].field, 'spec.leaseDurationSeconds')
  const empty = await target.call('POST', leasesPath(target), { body: lease('empty', { ...held, holderIdentity: '' }) })
  assert.equal(empty.status, 201, empty.text)
})

test('of two renewals from the same version one wins and the other is 409 Conflict', async () => {
  const { body } = await create(target, leasesPath(target), lease('race', held))
  const renew = (holderIdentity: string) =>
    target.call('PUT', leasesPath(target, 'race'), { body: { ...body, spec: { ...held, holderIdentity } } })
  const answers = await Promise.all([renew('pod-a'), renew('pod-b'), renew('pod-c')])
  const codes = answers.map(({ status }) => status).sort()
  assert.ok(codes.filter((code) => code === 409).length >= 1 && codes[0] === 200, codes.join())
  const lost = answers.find(({ status }) => status === 409)
  assert.equal(lost?.body.reason, 'Conflict')
})
