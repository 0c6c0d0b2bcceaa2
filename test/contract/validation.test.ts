/** Contract: what the API refuses, with which code, reason and cause; what can never change. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertStatus, configMap, corePath, create, job, jobsPath, type Loose, MERGE, patch, suspendedJob } from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

type Change = (job: Loose) => void

const task = (job: Loose): Loose => job.spec.template.spec.containers[0]
const podSpec = (job: Loose): Loose => job.spec.template.spec
const set = (job: Loose, path: string, value: unknown): void => {
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  steps.reduce((here, step) => here[step], job)[last] = value
}

const invalid: [string, Change, [string, string][]][] = [
  ['a name with capitals', (job) => set(job, 'metadata.name', 'Upper'), [['metadata.name', 'FieldValueInvalid']]],
  ['no name', (job) => set(job, 'metadata.name', ''), [['metadata.name', 'FieldValueRequired']]],
  ['a name of 64 characters', (job) => set(job, 'metadata.name', 'n'.repeat(64)), [['spec.template.labels', 'FieldValueInvalid']]],
  ['a label value with a space', (job) => set(job, 'metadata.labels', { a: 'b c' }), [['metadata.labels', 'FieldValueInvalid']]],
  [
    'a label value of 64 characters',
    (job) => set(job, 'metadata.labels', { a: 'v'.repeat(64) }),
    [['metadata.labels', 'FieldValueInvalid']],
  ],
  ['a label key with a space', (job) => set(job, 'metadata.labels', { 'a b': 'c' }), [['metadata.labels', 'FieldValueInvalid']]],
  [
    'an annotation key with a space',
    (job) => set(job, 'metadata.annotations', { 'a b': 'c' }),
    [['metadata.annotations', 'FieldValueInvalid']],
  ],
  [
    'annotations over 256 KiB',
    (job) => set(job, 'metadata.annotations', { a: 'x'.repeat(256 * 1024) }),
    [['metadata.annotations', 'FieldValueTooLong']],
  ],
  ['a finalizer without a domain', (job) => set(job, 'metadata.finalizers', ['plain']), [['metadata.finalizers[0]', 'FieldValueInvalid']]],
  ['no containers', (job) => set(job, 'spec.template.spec.containers', []), [['spec.template.spec.containers', 'FieldValueRequired']]],
  ['no image', (job) => set(task(job), 'image', undefined), [['spec.template.spec.containers[0].image', 'FieldValueRequired']]],
  [
    'a container name with capitals',
    (job) => set(task(job), 'name', 'Task'),
    [['spec.template.spec.containers[0].name', 'FieldValueInvalid']],
  ],
  [
    'restartPolicy missing',
    (job) => set(podSpec(job), 'restartPolicy', undefined),
    [['spec.template.spec.restartPolicy', 'FieldValueRequired']],
  ],
  [
    'restartPolicy Always',
    (job) => set(podSpec(job), 'restartPolicy', 'Always'),
    [['spec.template.spec.restartPolicy', 'FieldValueRequired']],
  ],
  [
    'an environment name with =',
    (job) => set(task(job), 'env', [{ name: 'A=B', value: '1' }]),
    [['spec.template.spec.containers[0].env[0].name', 'FieldValueInvalid']],
  ],
  [
    'an empty environment name',
    (job) => set(task(job), 'env', [{ name: '', value: '1' }]),
    [['spec.template.spec.containers[0].env[0].name', 'FieldValueRequired']],
  ],
  [
    'value and valueFrom together',
    (job) => set(task(job), 'env', [{ name: 'A', value: '1', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }]),
    [['spec.template.spec.containers[0].env[0].valueFrom', 'FieldValueInvalid']],
  ],
  [
    'a mount of no volume',
    (job) => set(task(job), 'volumeMounts', [{ name: 'none', mountPath: '/x' }]),
    [['spec.template.spec.containers[0].volumeMounts[0].name', 'FieldValueNotFound']],
  ],
  [
    'two containers of one name',
    (job) => podSpec(job).containers.push({ ...task(job) }),
    [['spec.template.spec.containers[1].name', 'FieldValueDuplicate']],
  ],
  ['a negative parallelism', (job) => set(job, 'spec.parallelism', -1), [['spec.parallelism', 'FieldValueInvalid']]],
  ['a negative backoffLimit', (job) => set(job, 'spec.backoffLimit', -1), [['spec.backoffLimit', 'FieldValueInvalid']]],
  ['a negative TTL', (job) => set(job, 'spec.ttlSecondsAfterFinished', -1), [['spec.ttlSecondsAfterFinished', 'FieldValueInvalid']]],
  ['a negative deadline', (job) => set(job, 'spec.activeDeadlineSeconds', -1), [['spec.activeDeadlineSeconds', 'FieldValueInvalid']]],
  [
    'an unknown podReplacementPolicy',
    (job) => set(job, 'spec.podReplacementPolicy', 'Maybe'),
    [['spec.podReplacementPolicy', 'FieldValueNotSupported']],
  ],
]
for (const [what, change, causes] of invalid) {
  test(`a Job with ${what} is 422 with its field and reason`, async () => {
    const body = suspendedJob(target, 'invalid')
    change(body)
    const answer = await target.call('POST', `${jobsPath(target)}?dryRun=All`, { body })
    assertStatus(answer, 422, 'Invalid')
    assert.deepEqual([answer.body.details.kind, answer.body.details.group], ['Job', 'batch'])
    assert.deepEqual(
      answer.body.details.causes.map(({ field, reason }: Loose) => [field, reason]),
      causes,
    )
    assert.match(answer.body.message, /^Job\.batch ".*" is invalid: /)
  })
}

test('every problem is named, not just the first', async () => {
  const body = suspendedJob(target, 'Bad Name') as Loose
  body.spec.parallelism = -1
  body.spec.template.spec.containers[0].image = ''
  const answer = await target.call('POST', jobsPath(target), { body })
  assertStatus(answer, 422, 'Invalid')
  assert.deepEqual(answer.body.details.causes.map(({ field }: Loose) => field).sort(), [
    'metadata.name',
    'spec.parallelism',
    'spec.template.labels',
    'spec.template.spec.containers[0].image',
  ])
})

const malformed: [string, unknown, RegExp][] = [
  ['no JSON', '{"a":', /couldn't get version\/kind; json parse error/],
  ['a list', [1], /couldn't get version\/kind; json parse error/],
  ['another kind', { apiVersion: 'v1', kind: 'Pod' }, /^Pod in version "v1" cannot be handled as a Job/],
  [
    'text for a number',
    { spec: { parallelism: 'x' } },
    /json: cannot unmarshal string into Go struct field JobSpec\.spec\.parallelism of type int32/,
  ],
  [
    'a fraction for a whole number',
    { spec: { parallelism: 1.5 } },
    /cannot unmarshal number 1\.5 into Go struct field JobSpec\.spec\.parallelism of type int32/,
  ],
  [
    'a number for a label',
    { metadata: { labels: { a: 1 } } },
    /cannot unmarshal number into Go struct field ObjectMeta\.metadata\.labels of type string/,
  ],
  [
    'an object for a list',
    { spec: { template: { spec: { containers: {} } } } },
    /cannot unmarshal object into Go struct field PodSpec\.spec\.template\.spec\.containers of type \[\]v1\.Container/,
  ],
  [
    'a quantity that is none',
    { spec: { template: { spec: { containers: [{ resources: { limits: { cpu: 'much' } } }] } } } },
    /quantities must match the regular expression/,
  ],
]
for (const [what, body, message] of malformed) {
  test(`a Job that is or has ${what} is 400`, async () => {
    const answer = await target.call('POST', jobsPath(target), { body })
    assertStatus(answer, 400, 'BadRequest')
    assert.match(answer.body.message, message)
  })
}

test('an object body of another media type is 415', async () => {
  assertStatus(
    await target.call('POST', corePath(target, 'configmaps'), { body: 'a: b', contentType: 'text/plain' }),
    415,
    'UnsupportedMediaType',
  )
})

test('unknown fields: Strict refuses each by its path, Warn names them in headers, Ignore drops them', async () => {
  const body = suspendedJob(target, 'unknown') as Loose
  body.spec.speed = 9
  body.spec.template.spec.containers[0].imag = 'x'
  const call = (mode: string) => target.call('POST', `${jobsPath(target)}?dryRun=All&fieldValidation=${mode}`, { body })
  const strict = await call('Strict')
  assertStatus(strict, 400, 'BadRequest')
  assert.equal(
    strict.body.message,
    'Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "spec.template.spec.containers[0].imag", unknown field "spec.speed"',
  )
  const warned = await call('Warn')
  assert.equal(warned.status, 201)
  assert.deepEqual(
    [warned.headers.warning]
      .flat()
      .join('\n')
      .match(/unknown field \\"[^\\]+/g)?.length,
    2,
  )
  assert.equal(warned.body.spec.speed, undefined)
  const ignored = await call('Ignore')
  assert.equal(ignored.headers.warning, undefined)
  assertStatus(await call('Perhaps'), 422, 'Invalid')
})

const fixed: [string, Loose, string][] = [
  ['the Pod template (suspended)', { spec: { template: { spec: { terminationGracePeriodSeconds: 9 } } } }, 'spec.template.spec'],
  ['completions', { spec: { completions: 2 } }, 'spec.completions'],
  ['the selector', { spec: { selector: { matchLabels: { a: 'b' } } } }, 'spec.selector'],
  ['the uid', { metadata: { uid: 'x' } }, 'metadata.uid'],
]
for (const [what, change, field] of fixed) {
  test(`${what} of a Job cannot change: 422 for ${field}`, async () => {
    const name = `fixed-${field.toLowerCase().replaceAll('.', '-')}`
    await create(target, jobsPath(target), suspendedJob(target, name))
    const answer = await target.call('PATCH', jobsPath(target, name), { body: change, contentType: MERGE })
    assertStatus(answer, 422, 'Invalid')
    const cause = answer.body.details.causes.find((item: Loose) => item.field === field)
    assert.match(cause?.message ?? '', /field is immutable$/, answer.text)
  })
}

test('the Pod template of a Job that is not suspended cannot change: 422 for spec.template', async () => {
  await create(target, jobsPath(target), job(target, 'fixed-template', { spec: { parallelism: 0 } }))
  const change = { spec: { template: { metadata: { annotations: { a: 'b' } } } } }
  const answer = await target.call('PATCH', jobsPath(target, 'fixed-template'), { body: change, contentType: MERGE })
  assertStatus(answer, 422, 'Invalid')
  assert.deepEqual(
    answer.body.details.causes.map(({ field }: Loose) => field),
    ['spec.template'],
  )
})

test('deadline, suspend, TTL, parallelism and metadata of a Job can change', async () => {
  await create(target, jobsPath(target), suspendedJob(target, 'changeable'))
  const change = {
    metadata: { labels: { a: 'b' }, annotations: { a: 'b' } },
    spec: { activeDeadlineSeconds: 100, ttlSecondsAfterFinished: 5, parallelism: 0 },
  }
  const { body } = await patch(target, jobsPath(target, 'changeable'), change)
  assert.deepEqual([body.spec.activeDeadlineSeconds, body.spec.ttlSecondsAfterFinished, body.spec.parallelism], [100, 5, 0])
})

test('a Secret encodes stringData, checks keys and base64', async () => {
  const secret = (extra: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain' }, ...extra })
  const { body } = await create(target, corePath(target, 'secrets'), secret({ data: { a: 'YQ==' }, stringData: { b: 'b' } }))
  assert.deepEqual([body.data, body.stringData, body.type], [{ a: 'YQ==', b: 'Yg==' }, undefined, 'Opaque'])
  const badKey = await target.call('POST', corePath(target, 'secrets'), {
    body: { ...secret({ data: { 'a b': 'YQ==' } }), metadata: { name: 'bad' } },
  })
  assertStatus(badKey, 422, 'Invalid')
  assert.equal(badKey.body.details.causes[0].field, 'data[a b]')
  assertStatus(await target.call('POST', corePath(target, 'secrets'), { body: secret({ data: { a: '!!' } }) }), 400, 'BadRequest')
})

test('an immutable Secret keeps its data and stays immutable; its metadata may change', async () => {
  await create(target, corePath(target, 'secrets'), { metadata: { name: 'frozen' }, immutable: true, stringData: { a: '1' } })
  const path = corePath(target, 'secrets', 'frozen')
  const data = await target.call('PATCH', path, { body: { data: { a: 'Mg==' } }, contentType: MERGE })
  assertStatus(data, 422, 'Invalid')
  assert.deepEqual(data.body.details.causes, [
    { reason: 'FieldValueForbidden', message: 'Forbidden: field is immutable when `immutable` is set', field: 'data' },
  ])
  assertStatus(await target.call('PATCH', path, { body: { immutable: false }, contentType: MERGE }), 422, 'Invalid')
  await patch(target, path, { metadata: { labels: { a: 'b' } } })
  assert.equal((await target.call('DELETE', path)).status, 200)
})

test('a ConfigMap key must be a plain file name', async () => {
  const answer = await target.call('POST', corePath(target, 'configmaps'), { body: configMap('keys', { 'a/b': '1' }) })
  assertStatus(answer, 422, 'Invalid')
  assert.equal(answer.body.details.causes[0].field, 'data[a/b]')
})
