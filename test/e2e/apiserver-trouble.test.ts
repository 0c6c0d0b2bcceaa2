// The API server is gone, and comes back, while the service runs: what it says meanwhile, and that it goes on by itself. The API is the embedded one
// behind the chaos proxy, which can be told to drop every connection.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { startEmbedded } from '../../src/embedded/index.ts'
import { readAccess } from '../chaos/api.ts'
import { kubeRequestKind, startProxy } from '../chaos/proxy.ts'
import { CALLBACK_SECRET, freshWorkerId, shellTask, startJobhook } from '../support/jobhook.ts'
import { startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

test('while the API server does not answer: still ready, stale by the metric, senders get 503; then all goes on without a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-trouble-'))
  const embedded = await startEmbedded({ kubeconfigFile: join(folder, 'embedded') })
  const { server, headers } = readAccess(join(folder, 'embedded'))
  let gone = false
  const proxy = await startProxy({
    target: new URL(server).origin,
    headers,
    kindOf: kubeRequestKind,
    fault: () => ({ kind: gone ? 'reset-before' : 'none' }),
  })
  const receiver = await startReceiver(CALLBACK_SECRET)
  t.after(async () => {
    await receiver.close()
    await proxy.close()
    await embedded.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const kubeconfig = join(folder, 'kubeconfig')
  const cluster = { server: proxy.url + new URL(server).pathname.replace(/\/$/, '') }
  writeFileSync(
    kubeconfig,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    }),
  )
  const jobhook = await startJobhook({
    worker_id: freshWorkerId('trouble'),
    backend: { kubernetes: { kubeconfig, default_image: 'x' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
    leader_election: { lease_duration: '3s' },
  })
  const stale = () => jobhook.metric('jobhook_informer_stale_seconds', { resource: 'jobs' })
  assert.equal((await jobhook.webhook(shellTask('trouble-1', 'true'))).status, 202)
  await until('reported', () => receiver.verdicts('trouble-1').length > 0)
  assert.equal(await stale(), 0)

  gone = true
  proxy.drop()
  const refused = await jobhook.webhook(shellTask('trouble-2', 'true'))
  assert.equal(refused.status, 503)
  assert.ok(Number(refused.headers['retry-after']) > 0)
  await until('the metric shows it', async () => (await stale()) > 0)
  await until('it leads no more', async () => (await jobhook.metric('jobhook_leader')) === 0)
  assert.equal((await jobhook.rest('GET', '/readyz')).status, 200)

  gone = false
  await until('it takes tasks again', async () => (await jobhook.webhook(shellTask('trouble-3', 'true'))).status === 202)
  await until('and reports them', () => receiver.verdicts('trouble-3').length > 0)
  await until('in step again', async () => (await stale()) === 0)
  await jobhook.stop()
})
