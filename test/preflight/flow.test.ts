// Preflight and doctor against a real API: the embedded cluster, with rights taken away one by one, and addresses where nothing answers.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { preflightOptions } from '../../src/app/preflight.ts'
import { jobSpecOptions, settingsOf } from '../../src/config/index.ts'
import { type EmbeddedCluster, startEmbedded } from '../../src/embedded/index.ts'
import { workerLabel } from '../../src/jobspec/index.ts'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { LABELS } from '../../src/model/keys.ts'
import { type CheckResult, runAll, runBlocking } from '../../src/preflight/index.ts'
import { PERMISSIONS } from '../../src/preflight/permissions.ts'
import { startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { configOf, examine } from './examine.ts'

/** "verb resource" that the embedded cluster refuses. */
const denied = new Set<string>()
let cluster: EmbeddedCluster
before(async () => {
  cluster = await startEmbedded({
    namespaces: ['agents'],
    rbacDeny: ({ verb, resource, subresource }) => denied.has(`${verb} ${subresource === '' ? resource : `${resource}/${subresource}`}`),
  })
})
after(() => cluster.close())

const worst = (results: CheckResult[]) =>
  results.filter(({ status }) => status !== 'ok').map(({ name, status, blocking }) => `${name} ${status}${blocking ? ' blocking' : ''}`)

test('where all is well the blocking checks pass', async () => {
  const { results } = await examine(configOf(), cluster.kubeconfig, runBlocking)
  assert.deepEqual(worst(results), [])
  assert.deepEqual(
    results.map(({ name }) => name),
    ['api', 'clock', 'permissions', 'dry-run', 'pod-security', 'quota', 'limit-range'],
  )
})

for (const { verb, resource, need, without } of PERMISSIONS) {
  if (need === 'checks' || need === 'preflight-job' || need === 'sweep') continue
  test(`without ${verb} ${resource} it says so, what goes wrong, and the command that grants it`, async () => {
    denied.add(`${verb} ${resource}`)
    try {
      const { results } = await examine(configOf(), cluster.kubeconfig, runBlocking)
      const [missing, ...rest] = results.filter(({ name, status }) => name === 'permissions' && status !== 'ok')
      assert.ok(missing, JSON.stringify(results))
      assert.deepEqual(rest, [])
      assert.match(missing.what, new RegExp(`may not ${verb} ${resource} in namespace agents`))
      assert.ok(missing.why?.includes(without))
      assert.match(missing.fix ?? '', new RegExp(`--verb=${verb} --resource=${resource.split('/')[0]}`))
      assert.equal(missing.blocking, need === 'always')
    } finally {
      denied.clear()
    }
  })
}

test('doctor’s round leaves nothing behind, and tells the callback URL nothing that could be taken for a verdict', async () => {
  const secret = generateSecret()
  const receiver = await startReceiver(secret)
  try {
    const config = configOf({ callback: { url: receiver.url, secrets: [secret] }, webhook: { secrets: [generateSecret()] } })
    const { results } = await examine(config, cluster.kubeconfig, runAll)
    assert.deepEqual(
      results.filter(({ name }) => name === 'callback' || name === 'pod-admission').map(({ status }) => status),
      ['ok', 'ok'],
    )
    assert.deepEqual(
      receiver.received.map(({ type, verified, data }) => ({ type, verified, data })),
      [{ type: 'heartbeat', verified: true, data: { worker_id: 'w1', sent_by: 'jobhook doctor' } }],
    )
    assert.match(receiver.received[0]?.id ?? '', /^probe_/)
    assert.deepEqual(await objects('jobs'), [])
  } finally {
    await receiver.close()
  }
})

test('the preflight Job has a deadline and a time to live, and labels that the worker’s informer does not select', () => {
  const config = configOf({ backend: { preflight_image: 'busybox:1.36', preflight_resources: { limits: { cpu: 1 } } } })
  const settings = settingsOf(config)
  const spec = jobSpecOptions(config, settings, 'agents', {})
  const job = preflightOptions({ config, settings, spec, userAgent: 'test', server: 'https://api', env: {} }).preflightJob?.makeJob()
  assert.equal(job?.metadata?.labels?.[LABELS.managedBy], 'jobhook')
  assert.notEqual(job?.metadata?.labels?.[LABELS.worker], workerLabel('w1'))
  assert.notEqual(job?.spec?.template.metadata?.labels?.[LABELS.worker], workerLabel('w1'))
  assert.deepEqual([job?.spec?.activeDeadlineSeconds, job?.spec?.ttlSecondsAfterFinished, job?.metadata?.finalizers], [130, 60, undefined])
  assert.deepEqual(job?.spec?.template.spec?.containers[0]?.resources, { limits: { cpu: '1' } })
})

test('the preflight Job runs to its end and is removed', async () => {
  const config = configOf({ backend: { preflight_image: 'busybox:1.36' } })
  const { results } = await examine(config, cluster.kubeconfig, runAll)
  const [job] = results.filter(({ name }) => name === 'preflight-job')
  assert.equal(job?.status, 'ok', JSON.stringify(job))
  await until('the Job is gone', async () => (await objects('jobs')).length === 0)
})

test('an unknown field of the template is refused by name before any task is', async () => {
  const config = configOf({ backend: { pod_template: { nodeSelektor: { a: 'b' } } } })
  const { results } = await examine(config, cluster.kubeconfig, runBlocking)
  assert.deepEqual(worst(results), ['dry-run failed blocking'])
  assert.match(results.find(({ name }) => name === 'dry-run')?.fix ?? '', /pod_template\.nodeSelektor/)
})

test('a namespace that does not exist is told with the command that makes it', async () => {
  const { results } = await examine(configOf({ backend: { namespace: 'nowhere' } }), cluster.kubeconfig, runBlocking)
  assert.deepEqual(worst(results), ['namespace failed blocking'])
  assert.match(results.find(({ name }) => name === 'namespace')?.fix ?? '', /^kubectl create namespace nowhere/)
})

/** Answers everything the same way. */
async function startFake(status: number, body: string): Promise<{ url: string; server: Server }> {
  const server = createServer((_request, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

const kubeconfigFor = (server: string): string => cluster.kubeconfig.replace(/server: .*/, `server: ${server}`)

const wrong: [title: string, status: number, body: string, what: RegExp][] = [
  ['another web server', 404, '<html>', /is no Kubernetes API/],
  ['one that answers anything', 200, '{"hello":"world"}', /is no Kubernetes API/],
  ['one that answers 200 with a page', 200, '<html>', /cannot be reached|is no Kubernetes API/],
  [
    'one that refuses the credentials',
    401,
    '{"kind":"Status","reason":"Unauthorized","message":"Unauthorized"}',
    /does not accept the credentials/,
  ],
  ['one in trouble', 503, 'no upstream', /has trouble/],
]
for (const [title, status, body, what] of wrong) {
  test(`${title} in place of the API: one failed check, and nothing else is asked`, async () => {
    const fake = await startFake(status, body)
    try {
      const { results, requests } = await examine(configOf(), kubeconfigFor(fake.url), runBlocking)
      assert.deepEqual(worst(results), ['api failed blocking'])
      assert.match(results[0]?.what ?? '', what)
      assert.equal(requests, 1)
    } finally {
      fake.server.closeAllConnections()
      fake.server.close()
    }
  })
}

test('a port where nothing listens and a name that nobody knows are told apart', async () => {
  const fake = await startFake(200, '')
  await new Promise((resolve) => fake.server.close(resolve))
  const [refused, unknown] = await Promise.all(
    [fake.url, 'http://jobhook.invalid:6443'].map((server) => examine(configOf(), kubeconfigFor(server), runBlocking)),
  )
  assert.match(refused?.results[0]?.what ?? '', /refuses connections/)
  assert.match(unknown?.results[0]?.what ?? '', /cannot be found/)
})

async function objects(resource: string): Promise<unknown[]> {
  const group = resource === 'jobs' ? 'apis/batch/v1' : 'api/v1'
  const answer = await fetch(`${cluster.url}/${group}/namespaces/agents/${resource}`)
  return ((await answer.json()) as { items: unknown[] }).items
}
