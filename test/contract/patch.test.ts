/** Contract: JSON patch, merge patch and strategic merge patch with the directives jobhook and kubectl use. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assertStatus,
  configMap,
  corePath,
  create,
  JSON_PATCH,
  jobsPath,
  type Loose,
  MERGE,
  patch,
  STRATEGIC,
  suspendedJob,
} from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

test('a merge patch sets, changes and with null removes', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('merge', { a: '1', b: '2' }))
  const { body } = await patch(target, corePath(target, 'configmaps', 'merge'), { data: { a: null, b: '3', c: '4' } })
  assert.deepEqual(body.data, { b: '3', c: '4' })
})

test('a JSON patch applies its operations in order, or not at all', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('ops', { a: '1', b: '2' }))
  const path = corePath(target, 'configmaps', 'ops')
  const operations = [
    { op: 'test', path: '/data/a', value: '1' },
    { op: 'replace', path: '/data/a', value: '9' },
    { op: 'add', path: '/data/x~1y', value: 'slash' },
    { op: 'remove', path: '/data/b' },
    { op: 'copy', from: '/data/a', path: '/data/c' },
    { op: 'move', from: '/data/c', path: '/data/d' },
  ]
  const bad = await target.call('PATCH', path, {
    body: [...operations.slice(1), { op: 'test', path: '/data/a', value: 'no' }],
    contentType: JSON_PATCH,
  })
  assertStatus(bad, 422, 'Invalid')
  const { body } = await patch(
    target,
    path,
    operations.filter((operation) => !operation.path.includes('~')),
    JSON_PATCH,
  )
  assert.deepEqual(body.data, { a: '9', d: '9' })
})

test('a JSON patch that removes what is not there is 422, one that is no list 400', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('bad-ops'))
  const path = corePath(target, 'configmaps', 'bad-ops')
  assertStatus(await target.call('PATCH', path, { body: [{ op: 'remove', path: '/data/none' }], contentType: JSON_PATCH }), 422, 'Invalid')
  assertStatus(await target.call('PATCH', path, { body: [{ op: 'zip', path: '/data' }], contentType: JSON_PATCH }), 422, 'Invalid')
  assertStatus(await target.call('PATCH', path, { body: {}, contentType: JSON_PATCH }), 400, 'BadRequest')
})

test('a body that is no JSON is 400, a media type that is no patch 415', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('bad-body'))
  const path = corePath(target, 'configmaps', 'bad-body')
  assertStatus(await target.call('PATCH', path, { body: '{"data"', contentType: MERGE }), 400, 'BadRequest')
  assertStatus(await target.call('PATCH', path, { body: {}, contentType: 'application/json' }), 415, 'UnsupportedMediaType')
})

test('a patch of an object that is not there is 404', async () => {
  assertStatus(await target.call('PATCH', jobsPath(target, 'nowhere'), { body: {}, contentType: MERGE }), 404, 'NotFound')
})

test('a patch cannot rename', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('stay'))
  assertStatus(
    await target.call('PATCH', corePath(target, 'configmaps', 'stay'), { body: { metadata: { name: 'go' } }, contentType: MERGE }),
    400,
    'BadRequest',
  )
})

test('a patch with a wrong type, or strictly with an unknown field, is 422 and changes nothing', async () => {
  await create(target, jobsPath(target), suspendedJob(target, 'typed'))
  const path = jobsPath(target, 'typed')
  assertStatus(await target.call('PATCH', path, { body: { spec: { suspend: 'no' } }, contentType: MERGE }), 422, 'Invalid')
  const strict = await target.call('PATCH', `${path}?fieldValidation=Strict`, { body: { spec: { pause: true } }, contentType: MERGE })
  assertStatus(strict, 422, 'Invalid')
  assert.match(strict.body.message, /strict decoding error: unknown field "spec.pause"/)
})

test('the strategic directive takes one finalizer off and leaves those of others', async () => {
  const finalizers = ['example.com/a', 'example.com/ours', 'example.com/b']
  const { body } = await create(target, jobsPath(target), suspendedJob(target, 'finalizers', { finalizers }))
  const directive = { metadata: { uid: body.metadata.uid, '$deleteFromPrimitiveList/finalizers': ['example.com/ours'] } }
  const patched = await patch(target, jobsPath(target, 'finalizers'), directive, STRATEGIC)
  assert.deepEqual(patched.body.metadata.finalizers, ['example.com/a', 'example.com/b'])
  const again = await patch(target, jobsPath(target, 'finalizers'), directive, STRATEGIC)
  assert.equal(again.body.metadata.resourceVersion, patched.body.metadata.resourceVersion, 'a second time changes nothing')
})

test('the same directive with the uid of another object is refused and changes nothing', async () => {
  const finalizers = ['example.com/a', 'example.com/ours']
  await create(target, jobsPath(target), suspendedJob(target, 'other-uid', { finalizers }))
  const directive = { metadata: { uid: 'another', '$deleteFromPrimitiveList/finalizers': ['example.com/ours'] } }
  const answer = await target.call('PATCH', jobsPath(target, 'other-uid'), { body: directive, contentType: STRATEGIC })
  assertStatus(answer, 422, 'Invalid')
  assert.deepEqual(answer.body.details.causes, [
    { reason: 'FieldValueInvalid', message: 'Invalid value: "another": field is immutable', field: 'metadata.uid' },
  ])
  assert.deepEqual((await target.call('GET', jobsPath(target, 'other-uid'))).body.metadata.finalizers, finalizers)
})

test('finalizer off, TTL and annotations go in one strategic patch', async () => {
  const { body } = await create(target, jobsPath(target), suspendedJob(target, 'closing', { finalizers: ['example.com/ours'] }))
  const closing = {
    metadata: {
      uid: body.metadata.uid,
      '$deleteFromPrimitiveList/finalizers': ['example.com/ours'],
      annotations: { 'example.com/reported': 'yes' },
    },
    spec: { ttlSecondsAfterFinished: 60 },
  }
  const patched = await patch(target, jobsPath(target, 'closing'), closing, STRATEGIC)
  assert.equal(patched.body.metadata.finalizers, undefined)
  assert.equal(patched.body.metadata.annotations['example.com/reported'], 'yes')
  assert.equal(patched.body.spec.ttlSecondsAfterFinished, 60)
})

test('a strategic patch adds to finalizers, a merge patch replaces them', async () => {
  await create(target, jobsPath(target), suspendedJob(target, 'adding', { finalizers: ['example.com/a', 'example.com/b'] }))
  const added = await patch(target, jobsPath(target, 'adding'), { metadata: { finalizers: ['example.com/c', 'example.com/a'] } }, STRATEGIC)
  assert.deepEqual(
    added.body.metadata.finalizers,
    ['example.com/c', 'example.com/a', 'example.com/b'],
    'the patched ones come in the order of the patch',
  )
  const ordered = {
    metadata: { '$setElementOrder/finalizers': ['example.com/d', 'example.com/b'], finalizers: ['example.com/d'] },
  }
  const sorted = await patch(target, jobsPath(target, 'adding'), ordered, STRATEGIC)
  assert.deepEqual(sorted.body.metadata.finalizers, ['example.com/d', 'example.com/c', 'example.com/a', 'example.com/b'])
  const replaced = await patch(target, jobsPath(target, 'adding'), { metadata: { finalizers: ['example.com/z'] } })
  assert.deepEqual(replaced.body.metadata.finalizers, ['example.com/z'])
})

test('a strategic patch merges lists by key, deletes by directive, and needs the key', async () => {
  const owner = (uid: string, name: string) => ({ apiVersion: 'batch/v1', kind: 'Job', name, uid })
  const { body: first } = await create(target, jobsPath(target), suspendedJob(target, 'owner-a'))
  const { body: second } = await create(target, jobsPath(target), suspendedJob(target, 'owner-b'))
  const path = corePath(target, 'configmaps', 'owned')
  await create(target, corePath(target, 'configmaps'), configMap('owned', {}, { ownerReferences: [owner(first.metadata.uid, 'owner-a')] }))
  const uids = (body: Loose): string[] => body.metadata.ownerReferences.map(({ uid }: Loose) => uid)
  const added = await patch(target, path, { metadata: { ownerReferences: [owner(second.metadata.uid, 'owner-b')] } }, STRATEGIC)
  assert.deepEqual(uids(added.body).sort(), [first.metadata.uid, second.metadata.uid].sort())
  const removal = { metadata: { ownerReferences: [{ $patch: 'delete', uid: first.metadata.uid }] } }
  assert.deepEqual(uids((await patch(target, path, removal, STRATEGIC)).body), [second.metadata.uid])
  const noKey = await target.call('PATCH', path, { body: { metadata: { ownerReferences: [{ name: 'z' }] } }, contentType: STRATEGIC })
  assert.equal(noKey.status, 500)
  assert.match(noKey.body.message, /does not contain declared merge key: uid/)
})

test('$patch: replace takes the place of the whole map, null removes a key', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('directives', { a: '1', b: '2' }))
  const path = corePath(target, 'configmaps', 'directives')
  const { body } = await patch(target, path, { data: { b: null, c: '3' } }, STRATEGIC)
  assert.deepEqual(body.data, { a: '1', c: '3' })
  const replaced = await patch(target, path, { data: { $patch: 'replace', z: '9' } }, STRATEGIC)
  assert.deepEqual(replaced.body.data, { z: '9' })
})
