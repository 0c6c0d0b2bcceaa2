/** Contract: creating, reading, replacing objects; names; conflicts and preconditions; dry runs. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertStatus, configMap, corePath, create, jobsPath, MERGE, patch, suspendedJob } from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

const WHOLE_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

test('a created object comes back with uid, resourceVersion and a creation time in whole seconds', async () => {
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('made', { a: '1' }))
  assert.equal(body.kind, 'ConfigMap')
  assert.equal(body.metadata.namespace, target.namespace)
  assert.match(body.metadata.uid, /^[0-9a-f-]{36}$/)
  assert.match(body.metadata.resourceVersion, /^\d+$/)
  assert.match(body.metadata.creationTimestamp, WHOLE_SECONDS)
  const read = await target.call('GET', corePath(target, 'configmaps', 'made'))
  assert.equal(read.status, 200)
  assert.deepEqual(read.body, body)
})

test('a Job gets its defaults, its selector and the labels its Pods are found by', async () => {
  const { body } = await create(target, jobsPath(target), suspendedJob(target, 'defaults'))
  const { spec, metadata } = body
  assert.deepEqual([spec.parallelism, spec.completions, spec.completionMode, spec.manualSelector], [1, 1, 'NonIndexed', false])
  const labels = {
    'batch.kubernetes.io/controller-uid': metadata.uid,
    'batch.kubernetes.io/job-name': 'defaults',
    'controller-uid': metadata.uid,
    'job-name': 'defaults',
  }
  assert.deepEqual(spec.template.metadata.labels, labels)
  assert.deepEqual(metadata.labels, labels)
  assert.deepEqual(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } })
  const [task] = spec.template.spec.containers
  assert.deepEqual([task.terminationMessagePath, task.terminationMessagePolicy, task.resources], ['/dev/termination-log', 'File', {}])
  assert.deepEqual([spec.template.spec.dnsPolicy, spec.template.spec.schedulerName], ['ClusterFirst', 'default-scheduler'])
  assert.equal(metadata.generation, 1)
})

test('a Job with labels of its own keeps exactly these', async () => {
  const { body } = await create(target, jobsPath(target), suspendedJob(target, 'labelled', { labels: { team: 'web' } }))
  assert.deepEqual(body.metadata.labels, { team: 'web' })
})

test('the image tag decides the default pull policy', async () => {
  for (const [image, policy] of [
    ['busybox', 'Always'],
    ['busybox:latest', 'Always'],
    ['busybox:1.36', 'IfNotPresent'],
    ['localhost:5000/busybox', 'Always'],
  ] as const) {
    const pod = { containers: [{ name: 'c', image, command: ['true'] }], restartPolicy: 'Never' }
    const { body } = await target.call('POST', `${corePath(target, 'pods')}?dryRun=All`, {
      body: { metadata: { name: 'pull' }, spec: pod },
    })
    assert.equal(body.spec.containers[0].imagePullPolicy, policy, image)
  }
})

test('generateName makes a name of the prefix and five characters', async () => {
  const { body } = await create(target, corePath(target, 'configmaps'), { metadata: { generateName: 'gen-' } })
  assert.match(body.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  assert.equal(body.metadata.generateName, 'gen-')
})

test('what only the server may set is ignored at creation', async () => {
  const metadata = { uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z', deletionTimestamp: '2001-01-01T00:00:00Z', generation: 7 }
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('system-fields', {}, metadata))
  assert.notEqual(body.metadata.uid, 'mine')
  assert.notEqual(body.metadata.creationTimestamp, '2001-01-01T00:00:00Z')
  assert.equal(body.metadata.deletionTimestamp, undefined)
})

test('the same name twice is 409 AlreadyExists', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('twice'))
  const answer = await target.call('POST', corePath(target, 'configmaps'), { body: configMap('twice') })
  assertStatus(answer, 409, 'AlreadyExists')
  assert.equal(answer.body.message, 'configmaps "twice" already exists')
  assert.deepEqual(answer.body.details, { name: 'twice', kind: 'configmaps' })
})

test('an object that is not there is 404 NotFound with its group and kind', async () => {
  const answer = await target.call('GET', jobsPath(target, 'nowhere'))
  assertStatus(answer, 404, 'NotFound')
  assert.equal(answer.body.message, 'jobs.batch "nowhere" not found')
  assert.deepEqual(answer.body.details, { name: 'nowhere', group: 'batch', kind: 'jobs' })
})

test('another namespace in the body than in the path is 400', async () => {
  const answer = await target.call('POST', corePath(target, 'configmaps'), { body: configMap('elsewhere', {}, { namespace: 'other' }) })
  assertStatus(answer, 400, 'BadRequest')
})

test('a resourceVersion at creation is refused', async () => {
  const answer = await target.call('POST', corePath(target, 'configmaps'), { body: configMap('versioned', {}, { resourceVersion: '1' }) })
  assert.equal(answer.status, 500)
  assert.equal(answer.body.message, 'resourceVersion should not be set on objects to be created')
})

test('a replace with the resourceVersion that was read succeeds, a second one with the same is 409 Conflict', async () => {
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('replaced', { a: '1' }))
  const path = corePath(target, 'configmaps', 'replaced')
  const first = await target.call('PUT', path, { body: { ...body, data: { a: '2' } } })
  assert.equal(first.status, 200, first.text)
  assert.notEqual(first.body.metadata.resourceVersion, body.metadata.resourceVersion)
  const second = await target.call('PUT', path, { body: { ...body, data: { a: '3' } } })
  assertStatus(second, 409, 'Conflict')
  assert.match(second.body.message, /^Operation cannot be fulfilled on configmaps "replaced": the object has been modified/)
  assert.deepEqual(second.body.details, { name: 'replaced', kind: 'configmaps' })
})

test('a replace with the uid of another object is 409 Conflict', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('put-uid'))
  const answer = await target.call('PUT', corePath(target, 'configmaps', 'put-uid'), { body: configMap('put-uid', {}, { uid: 'other' }) })
  assertStatus(answer, 409, 'Conflict')
  assert.match(answer.body.message, /Precondition failed: UID in precondition: other/)
})

test('a patch that names an old resourceVersion is 409 Conflict', async () => {
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('patched-old'))
  const path = corePath(target, 'configmaps', 'patched-old')
  await patch(target, path, { data: { a: '1' } })
  const answer = await target.call('PATCH', path, {
    body: { metadata: { resourceVersion: body.metadata.resourceVersion }, data: { a: '2' } },
    contentType: MERGE,
  })
  assertStatus(answer, 409, 'Conflict')
})

test('a write that changes nothing keeps the resourceVersion', async () => {
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('same', { a: '1' }))
  const again = await patch(target, corePath(target, 'configmaps', 'same'), { data: { a: '1' } })
  assert.equal(again.body.metadata.resourceVersion, body.metadata.resourceVersion)
})

test('generation counts changes of spec, not of metadata', async () => {
  await create(target, jobsPath(target), suspendedJob(target, 'generations'))
  const labelled = await patch(target, jobsPath(target, 'generations'), { metadata: { labels: { x: 'y' } } })
  assert.equal(labelled.body.metadata.generation, 1)
  const changed = await patch(target, jobsPath(target, 'generations'), { spec: { ttlSecondsAfterFinished: 60 } })
  assert.equal(changed.body.metadata.generation, 2)
})

test('the name in the body must be the name in the path', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('path-name'))
  assertStatus(await target.call('PUT', corePath(target, 'configmaps', 'path-name'), { body: configMap('body-name') }), 400, 'BadRequest')
})

test('a delete with the uid or resourceVersion of another object is 409 and deletes nothing', async () => {
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('guarded'))
  const path = corePath(target, 'configmaps', 'guarded')
  const wrongUid = await target.call('DELETE', path, { body: { preconditions: { uid: 'other' } } })
  assertStatus(wrongUid, 409, 'Conflict')
  assert.match(wrongUid.body.message, /the UID in the precondition \(other\) does not match the UID in record/)
  assertStatus(await target.call('DELETE', path, { body: { preconditions: { resourceVersion: '1' } } }), 409, 'Conflict')
  const right = await target.call('DELETE', path, { body: { preconditions: { uid: body.metadata.uid } } })
  assert.equal(right.status, 200)
  assert.deepEqual([right.body.kind, right.body.status], ['Status', 'Success'])
  assert.deepEqual(right.body.details, { name: 'guarded', kind: 'configmaps', uid: body.metadata.uid })
  assertStatus(await target.call('GET', path), 404, 'NotFound')
})

test('a dry run answers like the real thing and persists nothing', async () => {
  const path = corePath(target, 'configmaps', 'dry')
  const created = await target.call('POST', `${corePath(target, 'configmaps')}?dryRun=All`, { body: configMap('dry') })
  assert.equal(created.status, 201)
  assert.equal(created.body.metadata.resourceVersion, undefined)
  assert.equal((await target.call('GET', path)).status, 404)

  const { body } = await create(target, corePath(target, 'configmaps'), configMap('dry', { a: '1' }))
  const patched = await target.call('PATCH', `${path}?dryRun=All`, { body: { data: { a: '2' } }, contentType: MERGE })
  assert.deepEqual([patched.status, patched.body.data.a], [200, '2'])
  const deleted = await target.call('DELETE', `${path}?dryRun=All`)
  assert.equal(deleted.status, 200)
  assert.deepEqual((await target.call('GET', path)).body, body)

  const invalid = await target.call('POST', `${corePath(target, 'configmaps')}?dryRun=All`, { body: configMap('Not Valid') })
  assertStatus(invalid, 422, 'Invalid')
  assertStatus(await target.call('POST', `${corePath(target, 'configmaps')}?dryRun=some`, { body: configMap('x') }), 422, 'Invalid')
})
