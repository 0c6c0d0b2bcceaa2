/** Contract: discovery, access reviews, and the shapes of 403, 404 and 405. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertStatus, jobsPath, type Loose } from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

test('/version names the minor version in digits', async () => {
  const { status, body } = await target.call('GET', '/version')
  assert.equal(status, 200)
  assert.equal(body.major, '1')
  assert.match(body.minor, /^\d+/)
  assert.match(body.gitVersion, /^v1\.\d+\.\d+/)
})

test('discovery lists the groups and, in each, the resources with their verbs', async () => {
  const groups = await target.call('GET', '/apis')
  const names = groups.body.groups.map((group: Loose) => group.name)
  for (const name of ['batch', 'coordination.k8s.io', 'authorization.k8s.io']) assert.ok(names.includes(name), name)
  assert.deepEqual((await target.call('GET', '/api')).body.versions, ['v1'])
  const batch = await target.call('GET', '/apis/batch/v1')
  const jobs = batch.body.resources.find((resource: Loose) => resource.name === 'jobs')
  assert.deepEqual([jobs.kind, jobs.namespaced, jobs.singularName, jobs.categories], ['Job', true, 'job', ['all']])
  assert.deepEqual(jobs.verbs, ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'])
  const core = await target.call('GET', '/api/v1')
  const pods = core.body.resources.filter((resource: Loose) => resource.name.startsWith('pods'))
  assert.deepEqual(pods.find((resource: Loose) => resource.name === 'pods').shortNames, ['po'])
  assert.ok(pods.some((resource: Loose) => resource.name === 'pods/log'))
})

function review(resourceAttributes: object) {
  return target.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
  })
}

test('an access review says what is allowed and what is not', async () => {
  const allowed = await review({ namespace: target.namespace, verb: 'create', group: 'batch', resource: 'jobs' })
  assert.equal(allowed.status, 201, allowed.text)
  assert.equal(allowed.body.status.allowed, true)
  const denied = await review({ namespace: 'kube-system', verb: 'list', resource: 'secrets' })
  assert.equal(denied.body.status.allowed, false)
})

test('an access review that asks nothing is 422', async () => {
  const answer = await target.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { spec: {} } })
  assertStatus(answer, 422, 'Invalid')
})

test('what RBAC forbids is 403 Forbidden with who, what and where', async () => {
  const list = await target.call('GET', '/apis/batch/v1/namespaces/kube-system/jobs')
  assertStatus(list, 403, 'Forbidden')
  assert.match(
    list.body.message,
    /^jobs\.batch is forbidden: User "system:serviceaccount:[^"]+" cannot list resource "jobs" in API group "batch" in the namespace "kube-system"/,
  )
  assert.deepEqual(list.body.details, { group: 'batch', kind: 'jobs' })
  const get = await target.call('GET', '/api/v1/namespaces/kube-system/pods/some/log')
  assertStatus(get, 403, 'Forbidden')
  assert.match(
    get.body.message,
    /^pods "some" is forbidden: User "[^"]+" cannot get resource "pods\/log" in API group "" in the namespace "kube-system"/,
  )
  const cluster = await target.call('GET', '/api/v1/namespaces')
  assertStatus(cluster, 403, 'Forbidden')
  assert.match(cluster.body.message, /cannot list resource "namespaces" in API group "" at the cluster scope/)
})

test('an unknown resource of a known group is 404', async () => {
  const answer = await target.call('GET', '/version/nothing')
  assert.ok([403, 404].includes(answer.status))
})

test('a method that makes no sense is 405', async () => {
  assertStatus(await target.call('PUT', jobsPath(target)), 405, 'MethodNotAllowed')
  assertStatus(await target.call('POST', jobsPath(target, 'x'), { body: {} }), 405, 'MethodNotAllowed')
})
