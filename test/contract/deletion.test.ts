/** Contract: finalizers, propagation, owner references, collections: what a DELETE leaves behind and for how long. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assertStatus,
  configMap,
  corePath,
  create,
  job,
  jobsPath,
  type Loose,
  MERGE,
  needsControllers,
  patch,
  podsOf,
  STRATEGIC,
  suspendedJob,
  until,
  untilGone,
  untilObject,
} from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

const OURS = 'example.com/ours'

test('a finalizer keeps a deleted object; when it is off, the object goes', async () => {
  const path = corePath(target, 'configmaps', 'held')
  await create(target, corePath(target, 'configmaps'), configMap('held', {}, { finalizers: [OURS] }))
  const answer = await target.call('DELETE', path)
  assert.equal(answer.status, 200)
  assert.equal(answer.body.kind, 'ConfigMap', 'the object itself, not a Status: it is still there')
  assert.match(answer.body.metadata.deletionTimestamp, /Z$/)
  const { body } = await target.call('GET', path)
  assert.deepEqual([body.metadata.finalizers, body.metadata.deletionGracePeriodSeconds], [[OURS], 0])
  await patch(target, path, { metadata: { '$deleteFromPrimitiveList/finalizers': [OURS] } }, STRATEGIC)
  assertStatus(await target.call('GET', path), 404, 'NotFound')
})

test('while an object is being deleted no finalizer can be added, but other changes can be made', async () => {
  const path = corePath(target, 'configmaps', 'closing')
  await create(target, corePath(target, 'configmaps'), configMap('closing', {}, { finalizers: [OURS] }))
  await target.call('DELETE', path)
  const answer = await target.call('PATCH', path, { body: { metadata: { finalizers: [OURS, 'example.com/late'] } }, contentType: MERGE })
  assertStatus(answer, 422, 'Invalid')
  assert.deepEqual(
    answer.body.details.causes.map(({ field, reason }: Loose) => [field, reason]),
    [['metadata.finalizers', 'FieldValueForbidden']],
  )
  await patch(target, path, { metadata: { annotations: { a: 'b' } } })
  await patch(target, path, { metadata: { finalizers: null } })
  await untilGone(target, path)
})

test('a second delete of a held object changes nothing', async () => {
  const path = jobsPath(target, 'held-twice')
  await create(target, jobsPath(target), suspendedJob(target, 'held-twice', { finalizers: [OURS] }))
  const first = await target.call('DELETE', path, { body: { propagationPolicy: 'Background' } })
  assert.equal(first.body.metadata.generation, 2)
  const second = await target.call('DELETE', path, { body: { propagationPolicy: 'Background' } })
  assert.equal(second.status, 200)
  assert.equal(second.body.metadata.deletionTimestamp, first.body.metadata.deletionTimestamp)
  await patch(target, path, { metadata: { finalizers: null } })
  await untilGone(target, path)
})

async function ownedBy(owner: Loose, name: string, extra: Loose = {}): Promise<string> {
  const reference = { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, ...extra }
  await create(target, corePath(target, 'configmaps'), configMap(name, {}, { ownerReferences: [reference] }))
  return corePath(target, 'configmaps', name)
}

test('what an object owns goes with it in the background', async (t) => {
  if (!needsControllers(t, target)) return
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('owner-background'))
  const path = await ownedBy(body, 'owned-background')
  await target.call('DELETE', corePath(target, 'configmaps', 'owner-background'), { body: { propagationPolicy: 'Background' } })
  await untilGone(target, path)
})

test('with two owners an object stays until the second has gone', async (t) => {
  if (!needsControllers(t, target)) return
  const { body: first } = await create(target, corePath(target, 'configmaps'), configMap('owner-first'))
  const { body: second } = await create(target, corePath(target, 'configmaps'), configMap('owner-second'))
  const path = await ownedBy(first, 'owned-twice')
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner-second', uid: second.metadata.uid }
  await patch(target, path, { metadata: { ownerReferences: [reference] } }, STRATEGIC)
  await target.call('DELETE', corePath(target, 'configmaps', 'owner-first'))
  const left = await untilObject(
    target,
    path,
    'the reference to the first owner to be dropped',
    (object) => object.metadata.ownerReferences.length === 1,
  )
  assert.equal(left.metadata.ownerReferences[0].uid, second.metadata.uid)
  await target.call('DELETE', corePath(target, 'configmaps', 'owner-second'))
  await untilGone(target, path)
})

test('an object whose owner never existed is collected', async (t) => {
  if (!needsControllers(t, target)) return
  const ghost = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ghost', uid: '00000000-0000-4000-8000-000000000000' } }
  await untilGone(target, await ownedBy(ghost, 'owned-by-ghost'))
})

test('Orphan lets the owner go and takes its reference off what it owned', async (t) => {
  if (!needsControllers(t, target)) return
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('owner-orphan'))
  const path = await ownedBy(body, 'orphaned')
  await target.call('DELETE', corePath(target, 'configmaps', 'owner-orphan'), { body: { propagationPolicy: 'Orphan' } })
  await untilGone(target, corePath(target, 'configmaps', 'owner-orphan'))
  const left = await target.call('GET', path)
  assert.equal(left.status, 200)
  assert.equal(left.body.metadata.ownerReferences, undefined)
})

test('Foreground keeps the owner until what blocks it has gone', async (t) => {
  if (!needsControllers(t, target)) return
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('owner-foreground'))
  const ownerPath = corePath(target, 'configmaps', 'owner-foreground')
  const path = await ownedBy(body, 'blocking', { blockOwnerDeletion: true })
  await patch(target, path, { metadata: { finalizers: [OURS] } })
  const answer = await target.call('DELETE', ownerPath, { body: { propagationPolicy: 'Foreground' } })
  assert.deepEqual(answer.body.metadata.finalizers, ['foregroundDeletion'])
  await untilObject(target, path, 'the dependent to be deleted', (object) => object.metadata.deletionTimestamp !== undefined)
  assert.equal((await target.call('GET', ownerPath)).status, 200)
  await patch(target, path, { metadata: { finalizers: null } })
  await untilGone(target, path)
  await untilGone(target, ownerPath)
})

test('a Job deleted without a policy orphans its Pods, and the answer warns of it', async (t) => {
  if (!needsControllers(t, target)) return
  await create(
    target,
    jobsPath(target),
    job(target, 'orphaning', { command: ['sh', '-c', 'sleep 300 & wait'], pod: { nodeSelector: { none: 'here' } } }),
  )
  const [pod] = await until('its Pod', async () => {
    const pods = await podsOf(target, 'orphaning')
    return pods.length === 1 ? pods : null
  })
  const answer = await target.call('DELETE', jobsPath(target, 'orphaning'))
  assert.match(String(answer.headers.warning), /child pods are preserved by default when jobs are deleted/)
  await untilGone(target, jobsPath(target, 'orphaning'))
  const left = await untilObject(
    target,
    corePath(target, 'pods', pod.metadata.name),
    'the Pod let go of',
    (object) => object.metadata.finalizers === undefined,
  )
  assert.equal(left.metadata.ownerReferences, undefined)
  await target.call('DELETE', corePath(target, 'pods', pod.metadata.name))
  await untilGone(target, corePath(target, 'pods', pod.metadata.name))
})

test('a Job deleted in the background takes its Pods along', async (t) => {
  if (!needsControllers(t, target)) return
  await create(target, jobsPath(target), job(target, 'background', { pod: { nodeSelector: { none: 'here' } } }))
  const pod = await until('its Pod', async () => (await podsOf(target, 'background'))[0])
  const answer = await target.call('DELETE', jobsPath(target, 'background'), { body: { propagationPolicy: 'Background' } })
  assert.deepEqual([answer.body.kind, answer.body.status, answer.body.details.group], ['Status', 'Success', 'batch'])
  await untilGone(target, corePath(target, 'pods', pod.metadata.name))
})

test('an unknown policy is 422, its cause names the field', async () => {
  const answer = await target.call('DELETE', `${jobsPath(target, 'any')}?propagationPolicy=Sometimes`)
  assertStatus(answer, 422, 'Invalid')
  assert.deepEqual([answer.body.details.kind, answer.body.details.causes[0].field], ['DeleteOptions', 'propagationPolicy'])
})

test('a collection can be deleted by label', async () => {
  for (const name of ['sweep-a', 'sweep-b'])
    await create(target, corePath(target, 'configmaps'), configMap(name, {}, { labels: { sweep: 'yes' } }))
  await create(target, corePath(target, 'configmaps'), configMap('sweep-c'))
  const answer = await target.call('DELETE', `${corePath(target, 'configmaps')}?labelSelector=sweep%3Dyes`)
  assert.equal(answer.status, 200)
  assert.equal((await target.call('GET', corePath(target, 'configmaps', 'sweep-a'))).status, 404)
  assert.equal((await target.call('GET', corePath(target, 'configmaps', 'sweep-b'))).status, 404)
  assert.equal((await target.call('GET', corePath(target, 'configmaps', 'sweep-c'))).status, 200)
})
