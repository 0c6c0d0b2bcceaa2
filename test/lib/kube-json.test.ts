// Leaving managedFields out of the API's JSON changes nothing else, whatever the texts in it say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropManagedFields, parseObject, readList } from '../../src/lib/kube-json.ts'

const managedFields = [
  {
    manager: 'jobhook',
    operation: 'Update',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"x]},"': {} } } },
  },
  { manager: 'kcm', operation: 'Update', fieldsV1: { 'f:spec': { 'k:{"name":"task"}': {} } }, subresource: 'status' },
]
const job = (name: string, annotations: Record<string, string> = {}) => ({
  kind: 'Job',
  metadata: { name, annotations, finalizers: ['a'] },
  spec: { suspend: false, template: { metadata: {}, spec: { containers: [{ name: 'task' }] } } },
  status: {},
})
const managed = (object: ReturnType<typeof job>) => ({ ...object, metadata: { ...object.metadata, managedFields } })

/** Texts that look like what is searched for, inside strings. */
const TRICKS = [',"managedFields":[', ']},"spec":{', '","managedFields":[]},"spec":{"', '\\', '"', ',"items":[', ']}', '\n', 'é 😀']

test('an object is what it was, without its managedFields', () => {
  for (const trick of ['plain', ...TRICKS]) {
    const object = job('a', { trick, after: trick })
    assert.deepEqual(parseObject(JSON.stringify(managed(object))), object, trick)
    assert.deepEqual(parseObject(JSON.stringify({ type: 'ADDED', object: managed(object) })), { type: 'ADDED', object }, trick)
    assert.deepEqual(parseObject(JSON.stringify(object)), object, trick)
  }
})

test('an object laid out otherwise is left as it is', () => {
  const specFirst = { spec: { a: 1 }, metadata: { name: 'a', managedFields } }
  const noSpec = { metadata: { name: 'a', managedFields }, data: { b: 'c' } }
  const onlyOne = { metadata: { managedFields }, spec: {} }
  for (const object of [specFirst, noSpec, onlyOne]) {
    assert.deepEqual(parseObject(JSON.stringify(object)), object)
    const items = parseObject(JSON.stringify([object, object, managed(job('b'))])) as object[]
    assert.deepEqual(items.slice(0, 2), [object, object])
    assert.deepEqual(Object.assign(items[2] as object, { metadata: null }), { ...job('b'), metadata: null })
  }
  assert.equal(dropManagedFields(''), '')
})

test('a list gives its metadata first and its items when asked, each without managedFields', () => {
  const items = [managed(job('a', { t: ',"items":[' })), managed(job('b', { t: ']}' })), job('c')]
  const bare = [job('a', { t: ',"items":[' }), job('b', { t: ']}' }), job('c')]
  const text = JSON.stringify({ kind: 'JobList', apiVersion: 'batch/v1', metadata: { resourceVersion: '7', continue: 'next' }, items })
  for (const whole of [text, `${text}\n`]) {
    const list = readList(whole)
    assert.deepEqual(list.metadata, { resourceVersion: '7', continue: 'next' })
    assert.deepEqual(list.items(), bare)
  }
})

test('a list in another order, an empty one and one without items are read too', () => {
  const rows: [unknown, unknown, unknown[]][] = [
    [{ items: [job('a')], metadata: { resourceVersion: '1' } }, { resourceVersion: '1' }, [job('a')]],
    [{ metadata: { resourceVersion: '1' }, items: [] }, { resourceVersion: '1' }, []],
    [{ metadata: { resourceVersion: '1' }, items: null }, { resourceVersion: '1' }, []],
    [{ metadata: { resourceVersion: '1' } }, { resourceVersion: '1' }, []],
    [{ kind: 'List', items: [job('a')] }, undefined, [job('a')]],
    [
      { metadata: { resourceVersion: '1', continue: ',"items":[' }, items: [job('a')], more: [{}] },
      { resourceVersion: '1', continue: ',"items":[' },
      [job('a')],
    ],
  ]
  for (const [list, metadata, items] of rows) {
    const read = readList(JSON.stringify(list))
    assert.deepEqual(read.metadata, metadata)
    assert.deepEqual(read.items(), items)
  }
  assert.throws(() => readList('{"items":['), SyntaxError)
})
