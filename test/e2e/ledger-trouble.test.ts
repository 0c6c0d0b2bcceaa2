// What becomes of intake and reports when the ledger of finished tasks is deleted, spoilt or refused: a finished task may run again, and nothing else. On the
// embedded API behind the chaos proxy, which can be told to refuse every request for ConfigMaps.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { request } from 'undici'
import { workerLabel } from '../../src/jobspec/index.ts'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type ProxiedApi, startProxiedApi } from '../support/proxied.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

let api: ProxiedApi
let receiver: Receiver
let refused = false
let jobhook: Jobhook | null = null
let workerId = ''

before(async () => {
  api = await startProxiedApi((kind) =>
    refused && kind.endsWith(' configmaps') ? { kind: 'answer', status: 403, retryAfterSeconds: null } : { kind: 'none' },
  )
  receiver = await startReceiver(CALLBACK_SECRET)
})
afterEach(async () => {
  refused = false
  await jobhook?.stop()
  jobhook = null
})
after(async () => {
  await receiver?.close()
  await api?.close()
})

async function start(): Promise<Jobhook> {
  workerId = freshWorkerId('ledger-trouble')
  jobhook = await startJobhook({
    worker_id: workerId,
    backend: { kubernetes: { kubeconfig: api.kubeconfig, default_image: 'x' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
    retention: { success: '1s' },
    leader_election: { lease_duration: '3s' },
  })
  return jobhook
}

/** Accepted, reported, and its Job cleaned up. */
async function finish(service: Jobhook, id: string): Promise<void> {
  const before = receiver.verdicts(id).length
  assert.equal((await service.webhook(shellTask(id, 'true'))).status, 202)
  await until(`${id} is reported`, () => receiver.verdicts(id).length > before)
  await until(`the Job of ${id} is gone`, async () => (await service.rest('GET', `/v1/tasks/${id}`)).status === 404)
}

interface ConfigMap {
  metadata: { name: string }
  data?: Record<string, string>
}

const configMaps = (): string => `${api.server}/api/v1/namespaces/default/configmaps`

async function segments(): Promise<ConfigMap[]> {
  const answer = await request(`${configMaps()}?labelSelector=${encodeURIComponent(`jobhook.dev/worker=${workerLabel(workerId)}`)}`)
  return ((await answer.body.json()) as { items: ConfigMap[] }).items
}

const has = async (entries: number): Promise<boolean> =>
  (await segments()).flatMap(({ data }) => Object.values(data ?? {}).flatMap((text) => text.split('\n'))).length === entries

async function change(method: 'DELETE' | 'PATCH', name: string, body?: unknown): Promise<void> {
  const answer = await request(`${configMaps()}/${name}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/merge-patch+json' } }),
  })
  await answer.body.dump()
  assert.equal(answer.statusCode, 200)
}

test('somebody deletes the ledger: what it knew may run again, all else goes on, and it is written anew', async () => {
  const service = await start()
  await finish(service, 'deleted-1')
  const written = await until('it is written', async () => ((await has(1)) ? segments() : null))
  for (const { metadata } of written) await change('DELETE', metadata.name)
  await until('the replica has seen it', async () => (await service.metric('jobhook_dedupe_entries')) === 0)
  await finish(service, 'deleted-1')
  await finish(service, 'deleted-2')
  assert.equal(receiver.verdicts('deleted-1').length, 2, 'it ran again, and was reported again')
  await until('both are written', async () => has(2))
  assert.equal((await service.webhook(shellTask('deleted-2', 'true'))).headers['jobhook-duplicate'], 'true')
  assert.equal(await service.metric('jobhook_dedupe_errors_total'), 0)
})

test('somebody writes what is no ledger into it: the lines that are entries still count, and new ones are added', async () => {
  const service = await start()
  await finish(service, 'spoilt-1')
  const [segment] = await until('it is written', async () => ((await has(1)) ? segments() : null))
  const junk = { 'batch-z': 'no entry\n\u0000\nx y z', other: '{"a":1}', empty: '', huge: 'z'.repeat(300_000) }
  await change('PATCH', segment?.metadata.name ?? '', { data: junk })
  assert.equal((await service.webhook(shellTask('spoilt-1', 'true'))).headers['jobhook-duplicate'], 'true')
  await finish(service, 'spoilt-2')
  assert.equal((await service.webhook(shellTask('spoilt-2', 'true'))).headers['jobhook-duplicate'], 'true')
  await until('it knows both', async () => (await service.metric('jobhook_dedupe_entries')) === 2)
  assert.equal(await service.metric('jobhook_dedupe_errors_total'), 0)
})

test('the Role lacks ConfigMaps: ready, tasks are accepted and reported, repeats are known while the process lives, it is told; allowed again, it is written', async () => {
  refused = true
  const service = await start()
  assert.equal((await service.rest('GET', '/readyz')).status, 200)
  await finish(service, 'refused-1')
  assert.equal((await service.webhook(shellTask('refused-1', 'true'))).headers['jobhook-duplicate'], 'true')
  assert.match(service.log(), /configmaps/)
  const verbose = async (): Promise<string> => (await service.rest('GET', '/readyz?verbose')).body
  assert.match(await verbose(), /\[!\] ledger: it has not been read yet: .*chaos proxy says so.*may run again \(jobhook doctor names/)
  assert.equal((await segments()).length, 0)
  refused = false
  await until('it is written', async () => has(1), { timeoutMs: 60_000 })
  await until('it says so', async () => /\[\+\] ledger: in step/.test(await verbose()))
  assert.equal((await service.rest('GET', '/readyz')).status, 200)
})

test('the Role loses ConfigMaps while it runs: failed writes are counted and logged with the reason, tasks go on', async () => {
  const service = await start()
  await finish(service, 'lost-1')
  refused = true
  await finish(service, 'lost-2')
  await until('the failure is counted', async () => (await service.metric('jobhook_dedupe_errors_total')) > 0)
  assert.match(service.log(), /finished tasks could not be written to the dedupe ledger: the chaos proxy says so/)
  assert.match((await service.rest('GET', '/readyz?verbose')).body, /\[!\] ledger: finished tasks could not be written/)
  await finish(service, 'lost-3')
  for (const id of ['lost-1', 'lost-2', 'lost-3'])
    assert.equal((await service.webhook(shellTask(id, 'true'))).headers['jobhook-duplicate'], 'true', id)
})
