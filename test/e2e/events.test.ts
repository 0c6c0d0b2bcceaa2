// GET /v1/events as a person with curl and a page meet it, on the embedded cluster or on the real one: two replicas, one cluster.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { listen } from '../events/listen.ts'
import { type ClusterAccess, openCluster } from '../support/cluster.ts'
import { CALLBACK_SECRET, clusterConfig, freshWorkerId, type Jobhook, shellTask, startJobhook, TOKEN } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const target = clusterConfig()
const folder = mkdtempSync(join(tmpdir(), 'jobhook-events-'))
const kubeconfigFile = target.real ? (process.env.JOBHOOK_TEST_KUBECONFIG ?? '') : join(folder, 'embedded.kubeconfig')
let receiver: Receiver
let first: Jobhook
let second: Jobhook
let cluster: ClusterAccess

before(async () => {
  receiver = await startReceiver(CALLBACK_SECRET)
  const config = {
    worker_id: freshWorkerId('events'),
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1] },
    api: {
      tokens: [
        { name: 'test', token: TOKEN, scopes: ['admin'] },
        { name: 'sender', token: 'sender-token-0123456789', scopes: ['submit'] },
      ],
    },
  }
  first = await startJobhook({ ...config, ...target.config, ...(target.real ? {} : { embedded: { kubeconfig_file: kubeconfigFile } }) })
  second = await startJobhook({ ...config, cluster: 'kubernetes', backend: { kubernetes: { kubeconfig: kubeconfigFile } } })
  cluster = openCluster(kubeconfigFile)
})
after(async () => {
  await second?.stop()
  await first?.stop()
  await cluster?.close()
  await receiver?.close()
  rmSync(folder, { recursive: true, force: true })
})

const run = async (taskId: string, script = 'true', more: Record<string, unknown> = {}): Promise<string> =>
  (await first.webhook(shellTask(taskId, script, more))).body.data.id

test('a task is told as it goes along, its report too; the id is the Job’s resourceVersion', async () => {
  const heard = await listen(first.url)
  const id = await run('told', 'sleep 0.3; exit 3', { labels: { team: 'web' } })
  const failed = await heard.saw('the end', ({ type, data }) => type === 'task' && data.id === id && data.delivery.state === 'delivered')
  const delivery = await heard.saw('the delivery', ({ type, data }) => type === 'delivery' && data.id === id && data.state === 'delivered')
  assert.deepEqual(
    [failed.data.task_id, failed.data.state, failed.data.reason, failed.data.labels],
    ['told', 'failed', 'container_exit', { team: 'web' }],
  )
  assert.match(delivery.data.webhook_id, /^jobhook_.+_verdict$/)
  const states = heard.events.filter(({ type, data }) => type === 'task' && data.id === id).map(({ data }) => data.state)
  assert.ok(states.includes('pending') || states.includes('running'), states.join())
  assert.deepEqual((await first.rest('GET', `/v1/tasks/${id}`)).body, failed.data)
  // Whatever Kubernetes itself writes on a Job whose task looks as before is no event: so the version is compared after a change that shows.
  await until('Kubernetes has had its say', async () =>
    (await cluster.getJob(id)).status.conditions?.some(({ type }: { type: string }) => type === 'Failed'),
  )
  await cluster.patchJob(id, { metadata: { annotations: { 'jobhook.dev/title': 'A title that shows' } } })
  await until('the last event bears the Job’s version', async () => {
    const { metadata } = await cluster.getJob(id)
    return heard.events.some((event) => event.id === metadata.resourceVersion)
  })
  heard.leave()
})

test('who comes back with an id, on either replica, gets what was missed and nothing else; with an unknown one, everything anew', async () => {
  const [here, there] = await Promise.all([listen(first.url), listen(second.url)])
  const before = await run('before')
  const isLast = (id: string) => (event: { type: string; data: { id: string; delivery?: { state: string } } }) =>
    event.type === 'task' && event.data.id === id && event.data.delivery?.state === 'delivered'
  const seen = await here.saw('the first task’s end', isLast(before))
  await there.saw('the same on the other replica', ({ id }) => id === seen.id)
  here.leave()
  const missed = await run('missed')
  await there.saw('the second task’s end', isLast(missed))
  for (const { url } of [first, second]) {
    const resumed = await listen(url, { lastEventId: seen.id ?? '' })
    await resumed.saw('what was missed', isLast(missed))
    assert.ok(!resumed.events.some(({ type }) => type === 'reset'))
    resumed.leave()
    const anew = await listen(url, { lastEventId: 'no such id' })
    await anew.saw('the end of the snapshot', ({ type }) => type === 'live')
    assert.equal(anew.events[0]?.type, 'reset')
    const told = anew.events.filter(({ type }) => type === 'task').map(({ data }) => data.id)
    assert.ok(told.includes(before) && told.includes(missed), told.join())
    anew.leave()
  }
  there.leave()
})

test('filters: a label’s tasks only; a state’s tasks, and once more when they leave it', async () => {
  const [labelled, running] = await Promise.all([
    listen(first.url, { query: 'label=team%3Dred' }),
    listen(first.url, { query: 'state=running&label=team%3Dred' }),
  ])
  const other = await run('blue', 'sleep 0.5', { labels: { team: 'blue' } })
  const red = await run('red', 'sleep 0.5', { labels: { team: 'red' } })
  await labelled.saw('its end', ({ data }) => data.id === red && data.state === 'completed')
  // On the way from running to completed a real cluster may show another state for a moment: what counts is that it left.
  const states = () => running.events.filter(({ type }) => type === 'task').map(({ data }) => data.state)
  await until(`that it left (so far: ${states().join()})`, () => states().lastIndexOf('running') >= 0 && states().at(-1) !== 'running')
  for (const { events } of [labelled, running]) assert.ok(!events.some(({ data }) => data.id === other))
  labelled.leave()
  running.leave()
})

test('it needs a token with the scope read; a bad filter is refused by name', async () => {
  const status = async (query: string, token: string) => {
    const { statusCode, body } = await request(`${first.url}/v1/events?${query}`, { headers: { authorization: `Bearer ${token}` } })
    return [statusCode, ((await body.json()) as { code: string }).code]
  }
  assert.deepEqual(await status('', 'wrong-wrong-wrong-wrong'), [401, 'unauthenticated'])
  assert.deepEqual(await status('', 'sender-token-0123456789'), [403, 'forbidden'])
  assert.deepEqual(await status('state=done', TOKEN), [422, 'invalid_request'])
})

test('a replica that stops says so to its listeners and does not wait for them', async () => {
  const heard = await listen(second.url)
  await until('it listens', async () => (await second.metric('jobhook_event_streams')) >= 1)
  const stopped = second.stop()
  const end = await heard.saw('the end', ({ type }) => type === 'end')
  assert.equal(end.data.reason, 'shutting_down')
  await heard.ended()
  assert.equal(await stopped, 0)
})
