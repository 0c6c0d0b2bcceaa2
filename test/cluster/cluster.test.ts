// Proves that the cluster under test is what test/cluster/run.ts says it is. What jobhook does on it is tested elsewhere.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Api, createApi } from './harness/api.ts'
import { kwokPlacement } from './harness/kwok/start.ts'
import { images } from './harness/node/images.ts'

interface Pod {
  metadata: { name: string }
  spec: { nodeName?: string }
  status: { phase?: string; containerStatuses?: { state?: ContainerState }[] }
}
interface ContainerState {
  waiting?: { reason?: string; message?: string }
  terminated?: { exitCode: number; reason?: string }
}

const environment = process.env
const namespace = environment.JOBHOOK_TEST_NAMESPACE ?? ''
const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`
const pods = `/api/v1/namespaces/${namespace}/pods`
const created: string[] = []
let account: Api
let admin: Api

const foreign = environment.TEST_KUBECONFIG || environment.KUBEBUILDER_ASSETS ? 'the cluster is one that was given, of any version' : false
const noNode =
  environment.JOBHOOK_TEST_NODE === 'real' ? false : `needs containers, and JOBHOOK_TEST_NODE is ${environment.JOBHOOK_TEST_NODE}`
const noKwok = environment.JOBHOOK_TEST_KWOK === '1' ? false : 'needs kwok nodes, and there are none'
const noImages = noNode || (foreign && 'needs the images of the real node that the harness starts')
const auditLog = environment.JOBHOOK_TEST_AUDIT_LOG ?? ''

before(() => {
  const [kubeconfig, adminKubeconfig] = [environment.JOBHOOK_TEST_KUBECONFIG, environment.JOBHOOK_TEST_ADMIN_KUBECONFIG]
  if (!kubeconfig || !adminKubeconfig)
    throw new Error('no cluster in the environment: run this file by "node test/cluster/run.ts test/cluster/cluster.test.ts"')
  account = createApi(kubeconfig)
  admin = createApi(adminKubeconfig)
})

after(async () => {
  for (const name of created) await account.remove(`${jobs}/${name}?propagationPolicy=Background`)
})

async function createJob(name: string, container: object, pod: object = {}, annotations: Record<string, string> = {}): Promise<void> {
  const spec = { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, ...pod, containers: [{ name: 'task', ...container }] }
  const template = { metadata: { annotations }, spec }
  await account.create(jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { backoffLimit: 0, template } })
  created.push(name)
}

/** The Pod of a Job, once `wanted` holds for it. */
async function podWhen(job: string, wanted: (pod: Pod) => boolean): Promise<Pod> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const { items } = await account.get<{ items: Pod[] }>(`${pods}?labelSelector=job-name%3D${job}`)
    const pod = items.find(wanted)
    if (pod !== undefined) return pod
    assert.ok(performance.now() < deadline, `30 s passed; the Pods of ${job}: ${JSON.stringify(items.map(({ status }) => status))}`)
    await delay(50)
  }
}

function stateOf(pod: Pod): ContainerState {
  return pod.status.containerStatuses?.[0]?.state ?? {}
}

test('it is Kubernetes 1.37', { skip: foreign }, async () => {
  const { gitVersion } = await admin.get<{ gitVersion: string }>('/version')
  assert.match(gitVersion, /^v1\.37\./)
})

test('the service account may not list nodes, nor see another namespace', async () => {
  for (const path of ['/api/v1/nodes', '/api/v1/namespaces', '/api/v1/namespaces/kube-system', '/api/v1/namespaces/kube-system/secrets']) {
    assert.equal((await account.request('GET', path)).status, 403, path)
  }
})

test('the service account sees its own namespace', async () => {
  const object = await account.get<{ metadata: { name: string } }>(`/api/v1/namespaces/${namespace}`)
  assert.equal(object.metadata.name, namespace)
})

test('a container runs on the real node, and its log and exit code can be read', { skip: noNode }, async () => {
  await createJob('runs', { image: images.busybox, command: ['sh', '-c', 'echo hello from $((6 * 7)); exit 3'] })
  const pod = await podWhen('runs', ({ status }) => status.phase === 'Failed')
  assert.equal(stateOf(pod).terminated?.exitCode, 3)
  const log = await account.request('GET', `${pods}/${pod.metadata.name}/log`)
  assert.equal(log.text, 'hello from 42\n')
})

test('the agent image hands its arguments on', { skip: noImages }, async () => {
  await createJob('agent', { image: images.agent, args: ['/agent/entrypoint.sh', 'true'], command: ['/agent/entrypoint.sh'] })
  const pod = await podWhen('agent', ({ status }) => status.phase === 'Succeeded')
  const log = await account.request('GET', `${pods}/${pod.metadata.name}/log`)
  assert.equal(log.text, 'agent entrypoint: /agent/entrypoint.sh true\nagent entrypoint: true\n')
})

test('a missing image shows ErrImagePull, and nothing leaves the machine', { skip: noImages }, async () => {
  await createJob('missing', { image: 'registry.example/absent:1' })
  const pod = await podWhen('missing', (candidate) => stateOf(candidate).waiting?.reason === 'ErrImagePull')
  assert.match(stateOf(pod).waiting?.message ?? '', /127\.0\.0\.1:1.*connection refused/)
})

test('a Pod on a kwok node completes after the time in its annotation', { skip: noKwok }, async () => {
  await createJob('completes', { image: 'any:1' }, kwokPlacement, { 'kwok.jobhook.dev/complete-after': '200ms' })
  const pod = await podWhen('completes', ({ status }) => status.phase === 'Succeeded')
  assert.match(pod.spec.nodeName ?? '', /^kwok-/)
  assert.equal(stateOf(pod).terminated?.exitCode, 0)
})

test('a Pod on a kwok node fails after the time in its annotation', { skip: noKwok }, async () => {
  await createJob('fails', { image: 'any:1' }, kwokPlacement, { 'kwok.jobhook.dev/fail-after': '200ms' })
  const pod = await podWhen('fails', ({ status }) => status.phase === 'Failed')
  assert.equal(stateOf(pod).terminated?.exitCode, 1)
})

test('the audit log holds the service account’s requests and nobody else’s', {
  skip: existsSync(auditLog) ? false : 'there is no audit log',
}, async () => {
  await account.request('GET', `${jobs}/looked-for-by-the-audit-test`)
  const lines = () => readFileSync(auditLog, 'utf8').trim().split('\n')
  const deadline = performance.now() + 10_000
  while (!lines().some((line) => line.includes('looked-for-by-the-audit-test'))) {
    assert.ok(performance.now() < deadline, 'the request is not in the audit log after 10 s')
    await delay(50)
  }
  const users = new Set(lines().map((line) => (JSON.parse(line) as { user: { username: string } }).user.username))
  for (const user of users) assert.match(user, /^system:serviceaccount:/)
})
