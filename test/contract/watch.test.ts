/** Contract: watches: order, resumption, selectors, bookmarks, clean ends, and 410 when the history is gone. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { configMap, corePath, create, jobsPath, type Loose, patch, suspendedJob } from './helpers.ts'
import { openTarget, type Stream, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

async function version(): Promise<string> {
  const { body } = await target.call('GET', `${corePath(target, 'configmaps')}?limit=1`)
  return body.metadata.resourceVersion
}

function watch(query: Record<string, string>, accept = 'application/json'): Promise<Stream> {
  return target.stream(`${corePath(target, 'configmaps')}?${new URLSearchParams({ watch: '1', timeoutSeconds: '60', ...query })}`, {
    accept,
  })
}

async function event(stream: Stream): Promise<Loose> {
  const line = await stream.line()
  assert.notEqual(line, null, 'the watch ended early')
  return JSON.parse(line ?? '')
}

/** The next event that is no bookmark. */
async function change(stream: Stream): Promise<Loose> {
  for (;;) {
    const next = await event(stream)
    if (next.type !== 'BOOKMARK') return next
  }
}

test('changes after a resourceVersion come in order, each with a newer version, a deletion too', async () => {
  const stream = await watch({ resourceVersion: await version(), labelSelector: 'watch=order' })
  assert.equal(stream.status, 200)
  assert.equal(stream.headers['content-type'], 'application/json')
  const labels = { labels: { watch: 'order' } }
  await create(target, corePath(target, 'configmaps'), configMap('order-a', {}, labels))
  await create(target, corePath(target, 'configmaps'), configMap('order-b', {}, labels))
  await patch(target, corePath(target, 'configmaps', 'order-a'), { data: { a: '1' } })
  await target.call('DELETE', corePath(target, 'configmaps', 'order-a'))
  const seen = [await change(stream), await change(stream), await change(stream), await change(stream)]
  assert.deepEqual(
    seen.map(({ type, object }) => [type, object.metadata.name]),
    [
      ['ADDED', 'order-a'],
      ['ADDED', 'order-b'],
      ['MODIFIED', 'order-a'],
      ['DELETED', 'order-a'],
    ],
  )
  const versions = seen.map(({ object }) => Number(object.metadata.resourceVersion))
  assert.deepEqual(
    versions,
    [...versions].sort((a, b) => a - b),
  )
  assert.equal(new Set(versions).size, 4)
  assert.deepEqual([seen[0].object.kind, seen[0].object.apiVersion], ['ConfigMap', 'v1'])
  assert.deepEqual(seen[3].object.data, { a: '1' }, 'a deletion shows the last state')
  stream.close()
})

test('a watch resumes from the last version it saw', async () => {
  const from = await version()
  const labels = { labels: { watch: 'resume' } }
  const { body } = await create(target, corePath(target, 'configmaps'), configMap('resume-a', {}, labels))
  await create(target, corePath(target, 'configmaps'), configMap('resume-b', {}, labels))
  const first = await watch({ resourceVersion: from, labelSelector: 'watch=resume' })
  assert.equal((await change(first)).object.metadata.name, 'resume-a')
  first.close()
  const second = await watch({ resourceVersion: body.metadata.resourceVersion, labelSelector: 'watch=resume' })
  assert.equal((await change(second)).object.metadata.name, 'resume-b')
  second.close()
})

test('with a selector, an object that starts to match is ADDED and one that stops is DELETED', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('in-and-out'))
  const path = corePath(target, 'configmaps', 'in-and-out')
  const stream = await watch({ resourceVersion: await version(), labelSelector: 'watch=in' })
  await patch(target, path, { metadata: { labels: { watch: 'in' } } })
  await patch(target, path, { data: { a: '1' } })
  const out = await patch(target, path, { metadata: { labels: { watch: 'out' } } })
  assert.equal((await change(stream)).type, 'ADDED')
  assert.equal((await change(stream)).type, 'MODIFIED')
  const gone = await change(stream)
  assert.equal(gone.type, 'DELETED')
  assert.equal(gone.object.metadata.labels.watch, 'in', 'the state that last matched')
  assert.equal(gone.object.metadata.resourceVersion, out.body.metadata.resourceVersion)
  stream.close()
})

test('without a resourceVersion, a watch begins with what is there', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('initial', {}, { labels: { watch: 'initial' } }))
  for (const query of [{}, { resourceVersion: '0' }]) {
    const stream = await watch({ labelSelector: 'watch=initial', ...query })
    const first = await change(stream)
    assert.deepEqual([first.type, first.object.metadata.name], ['ADDED', 'initial'])
    stream.close()
  }
})

test('sendInitialEvents ends the beginning with a bookmark that says so', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('streamed', {}, { labels: { watch: 'streamed' } }))
  const query = {
    labelSelector: 'watch=streamed',
    sendInitialEvents: 'true',
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: 'true',
  }
  const stream = await watch(query)
  assert.equal((await event(stream)).type, 'ADDED')
  const end = await event(stream)
  assert.equal(end.type, 'BOOKMARK')
  assert.equal(end.object.metadata.annotations['k8s.io/initial-events-end'], 'true')
  stream.close()
})

test('one object by name can be watched', async () => {
  await create(target, corePath(target, 'configmaps'), configMap('single'))
  const stream = await watch({ fieldSelector: 'metadata.name=single', resourceVersion: await version() })
  await create(target, corePath(target, 'configmaps'), configMap('single-other'))
  await patch(target, corePath(target, 'configmaps', 'single'), { data: { a: '1' } })
  const next = await change(stream)
  assert.deepEqual([next.type, next.object.metadata.name], ['MODIFIED', 'single'])
  stream.close()
})

test('timeoutSeconds ends the stream cleanly, with a bookmark of the current version before', async () => {
  const from = await version()
  const stream = await target.stream(`${jobsPath(target)}?watch=1&resourceVersion=${from}&timeoutSeconds=4&allowWatchBookmarks=true`)
  await create(target, jobsPath(target), suspendedJob(target, 'before-bookmark'))
  const lines: Loose[] = []
  for (let line = await stream.line(); line !== null; line = await stream.line()) lines.push(JSON.parse(line))
  const bookmark = lines.findLast((line) => line.type === 'BOOKMARK')
  assert.equal(bookmark.object.kind, 'Job')
  assert.ok(Number(bookmark.object.metadata.resourceVersion) > Number(from))
  assert.equal(lines[0].type, 'ADDED')
})

test('a resourceVersion that is too old is 410 Expired in the stream', async (t) => {
  if (target.compact === null) return t.skip('JOBHOOK_TEST_ETCD is not set: history cannot be compacted')
  const event = (name: string) => ({
    metadata: { name },
    involvedObject: { namespace: target.namespace, kind: 'Job', name: 'x' },
    reason: 'Contract',
    type: 'Normal',
  })
  // Events have no watch cache in the real API server, so that compaction shows at once.
  const { body } = await create(target, corePath(target, 'events'), event('compacted-1'))
  await create(target, corePath(target, 'events'), event('compacted-2'))
  await create(target, corePath(target, 'configmaps'), configMap('after-events'))
  await target.compact()
  const stream = await target.stream(
    `${corePath(target, 'events')}?watch=1&timeoutSeconds=20&resourceVersion=${body.metadata.resourceVersion}`,
  )
  assert.equal(stream.status, 200)
  const line = JSON.parse((await stream.line()) ?? '{}')
  assert.equal(line.type, 'ERROR')
  assert.deepEqual([line.object.kind, line.object.code, line.object.reason], ['Status', 410, 'Expired'])
  assert.equal(await stream.line(), null, 'the stream ends after the error')
})

test('a resourceVersion that is no number is refused', async () => {
  const stream = await watch({ resourceVersion: 'abc' })
  assert.equal(stream.status, 500)
  stream.close()
})

test('a watch can ask for metadata only, or for a Table whose columns come once', async () => {
  const from = await version()
  await create(target, corePath(target, 'configmaps'), configMap('forms-a', { a: '1' }, { labels: { watch: 'forms' } }))
  await create(target, corePath(target, 'configmaps'), configMap('forms-b', {}, { labels: { watch: 'forms' } }))
  const query = { resourceVersion: from, labelSelector: 'watch=forms' }
  const partial = await watch(query, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1')
  const { object } = await change(partial)
  assert.deepEqual([object.kind, object.metadata.name, object.data], ['PartialObjectMetadata', 'forms-a', undefined])
  partial.close()
  const table = await watch(query, 'application/json;as=Table;v=v1;g=meta.k8s.io')
  const first = await change(table)
  const second = await change(table)
  assert.equal(first.object.columnDefinitions[0].name, 'Name')
  assert.equal(second.object.columnDefinitions ?? null, null)
  assert.equal(second.object.rows[0].cells[0], 'forms-b')
  table.close()
})
