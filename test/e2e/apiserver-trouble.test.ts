// The API server is gone, and comes back, while the service runs: what it says meanwhile, and that it goes on by itself. The API is the embedded one
// behind the chaos proxy, which can be told to drop every connection.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLBACK_SECRET, freshWorkerId, shellTask, startJobhook } from '../support/jobhook.ts'
import { startProxiedApi } from '../support/proxied.ts'
import { startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

test('while the API server does not answer: still ready, stale by the metric, senders get 503; then all goes on without a restart', async (t) => {
  let gone = false
  const api = await startProxiedApi(() => ({ kind: gone ? 'reset-before' : 'none' }))
  const receiver = await startReceiver(CALLBACK_SECRET)
  t.after(async () => {
    await receiver.close()
    await api.close()
  })
  const jobhook = await startJobhook({
    worker_id: freshWorkerId('trouble'),
    backend: { kubernetes: { kubeconfig: api.kubeconfig, default_image: 'x' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
    leader_election: { lease_duration: '3s' },
  })
  const stale = () => jobhook.metric('jobhook_informer_stale_seconds', { resource: 'jobs' })
  assert.equal((await jobhook.webhook(shellTask('trouble-1', 'true'))).status, 202)
  await until('reported', () => receiver.verdicts('trouble-1').length > 0)
  assert.equal(await stale(), 0)

  gone = true
  api.proxy.drop()
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
