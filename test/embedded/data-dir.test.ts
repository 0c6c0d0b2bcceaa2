/** data_dir: what is kept over a restart, and what is honestly said of what could not be kept. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { hasEnded, isRunning, JOBS, job, start, temporaryFolder, until, untilPod } from './start.ts'

const root = temporaryFolder()
after(root.remove)

test('objects are there after a restart, versions go on rising, and an old version is 410', async (t) => {
  const dataDir = join(root.path, '1')
  const first = await start({ dataDir, namespaces: ['extra'] })
  t.after(first.cluster.close)
  const secret = await first.call('POST', '/api/v1/namespaces/extra/secrets', { metadata: { name: 'kept' }, stringData: { a: '1' } })
  await first.call('POST', JOBS, job('done', ['true']))
  await untilPod(first, 'done', hasEnded)
  const done = await until('the Job to be complete', async () => {
    const { body } = await first.call('GET', `${JOBS}/done`)
    return body.status.completionTime === undefined ? null : body
  })
  await first.cluster.close()

  const second = await start({ dataDir })
  t.after(second.cluster.close)
  assert.deepEqual((await second.call('GET', '/api/v1/namespaces/extra/secrets/kept')).body, secret.body)
  assert.deepEqual((await second.call('GET', `${JOBS}/done`)).body, done)
  const { body } = await second.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'new' } })
  assert.ok(Number(body.metadata.resourceVersion) > Number(done.metadata.resourceVersion))
  const watch = await second.call('GET', `${JOBS}?watch=1&timeoutSeconds=5&resourceVersion=${done.metadata.resourceVersion}`)
  assert.equal(JSON.parse(watch.text).object.code, 410)
})

test('a Pod that ran when the process ended is Failed afterwards, and so is its Job', async (t) => {
  const dataDir = join(root.path, '2')
  const first = await start({ dataDir })
  t.after(first.cluster.close)
  await first.call('POST', JOBS, job('cut', ['sleep', '1000']))
  await untilPod(first, 'cut', isRunning)
  await first.cluster.close()

  const second = await start({ dataDir })
  t.after(second.cluster.close)
  const pod = await untilPod(second, 'cut', hasEnded)
  const { exitCode, reason } = pod.status.containerStatuses[0].state.terminated
  assert.deepEqual([pod.status.phase, exitCode, reason], ['Failed', 137, 'ContainerStatusUnknown'])
  await until('the Job to fail', async () => {
    const { body } = await second.call('GET', `${JOBS}/cut`)
    return body.status.conditions?.some((condition: { type: string }) => condition.type === 'Failed') === true ? true : null
  })
})

test('a change is on disk shortly after, without a close, for its owner only', async (t) => {
  const dataDir = join(root.path, '3')
  const started = await start({ dataDir })
  t.after(started.cluster.close)
  await started.call('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'soon' }, stringData: { a: '1' } })
  const file = join(dataDir, 'state.json')
  await until('the Secret on disk', () => {
    const text = readdirSync(dataDir).includes('state.json') ? readFileSync(file, 'utf8') : ''
    return text.includes('"soon"') ? true : null
  })
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('two clusters on one folder: the second says who has it; a lock of a dead process is taken over', async (t) => {
  const dataDir = join(root.path, '4')
  const first = await start({ dataDir })
  t.after(first.cluster.close)
  await assert.rejects(start({ dataDir }), new RegExp(`in use by process ${process.pid}`))
  await first.cluster.close()
  writeFileSync(join(dataDir, 'lock'), '999999999')
  const second = await start({ dataDir })
  await second.cluster.close()
})

test('a state file that is none is refused with its path', async (_t) => {
  const dataDir = join(root.path, '5')
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'state.json'), '{"something":"else"}')
  await assert.rejects(start({ dataDir }), /state\.json is not a state of this cluster; move it away to start empty/)
})
