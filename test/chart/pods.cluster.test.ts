// The chart as a person installs it: the image that the Dockerfile makes, helm install into a namespace under Pod Security "restricted", and from then on
// nothing but the cluster: the kubelet probes, the ServiceAccount's token is the mounted one, and Pods reach Services and nothing else. Two releases
// share the namespace: "closed" (Helm 4; its control plane is behind a proxy, with a private authority) and "busy" (Helm 3; any user id).
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { workerLabel } from '../../src/jobspec/index.ts'
import { builtTool } from '../cluster/harness/build.ts'
import { kwokPlacement } from '../cluster/harness/kwok/start.ts'
import { images } from '../cluster/harness/node/images.ts'
import { buildImage, type ImageArchive } from '../package/image.ts'
import { CALLBACK_SECRET, sendWebhook, shellTask, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { type ClosedControlPlane, startClosedControlPlane } from './control-plane.ts'
import { execIn } from './exec.ts'
import { requestsOf } from './identity.ts'
import { type ServedServices, serveServices } from './services.ts'
import { adminKubeconfig, CHART, createSpace, noCluster, runHelm, type Space } from './support.ts'

const { JOBHOOK_TEST_CONTAINERD: containerd, JOBHOOK_TEST_POD_NETWORK, JOBHOOK_TEST_KWOK, JOBHOOK_TEST_AUDIT_LOG } = process.env
const skip =
  noCluster ||
  (containerd ? false : 'needs a real node of its own, to import an image into') ||
  (JOBHOOK_TEST_POD_NETWORK ? false : 'needs a network for Pods, and this machine cannot make pairs of network devices') ||
  (JOBHOOK_TEST_KWOK ? false : 'needs kwok nodes')

const IMAGE = 'registry.local/jobhook'
/** Some id out of a range, as OpenShift gives one. */
const ANY_USER = 1_000_690_000
const patient = { timeoutMs: 120_000, everyMs: 100 }

interface PodObject {
  metadata: { name: string; deletionTimestamp?: string }
  spec: { containers: { image: string }[] }
  status: {
    containerStatuses?: {
      ready: boolean
      restartCount: number
      user?: { linux?: { uid: number; gid: number } }
      state?: { terminated?: { exitCode: number } }
    }[]
  }
}
interface JobObject {
  metadata: { finalizers?: string[]; annotations: Record<string, string> }
  status: { active?: number }
}

describe('the chart, installed', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-installed-'))
  let space: Space
  let receiver: Receiver
  let closed: ClosedControlPlane
  let services: ServedServices
  let built: ImageArchive

  before(async () => {
    const archive = join(folder, 'image.tar')
    const references = ['0.1.0', '0.1.1'].map((version) => ({ reference: `${IMAGE}:${version}`, version }))
    built = buildImage({ folder, references })
    writeFileSync(archive, built.bytes)
    execFileSync(builtTool('ctr') ?? '', ['-a', containerd ?? '', '-n', 'k8s.io', 'images', 'import', archive], { stdio: 'pipe' })
    rmSync(archive)

    space = await createSpace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
    receiver = await startReceiver(CALLBACK_SECRET)
    const plainPort = Number(new URL(receiver.url).port)
    closed = await startClosedControlPlane({ folder, host: 'control.example', plainPort })
    for (const [name, port] of [
      ['control', 80],
      ['proxy', 3128],
    ] as const)
      await create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port }] } })
    const keys = { webhook: WEBHOOK_SECRET, callback: CALLBACK_SECRET }
    await create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'jobhook-keys' }, stringData: keys })
    await create('configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'private-authority' },
      data: { 'ca.crt': closed.authority },
    })
    services = await serveServices(space.api, {
      namespace: space.name,
      outside: { control: plainPort, proxy: closed.proxyPort },
    })
  })
  after(async () => {
    await services?.close()
    closed?.close()
    await receiver?.close()
    await space?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const create = (resource: string, object: object): Promise<unknown> =>
    space.api.create(`/api/v1/namespaces/${space.name}/${resource}`, object)
  const url = (release: string): string => `http://${services.resolve(`${release}-jobhook.${space.name}.svc`)}`

  const serverLabels = (release: string): string => `app.kubernetes.io/instance=${release},app.kubernetes.io/component=server`

  async function podsOf(release: string): Promise<PodObject[]> {
    const selector = encodeURIComponent(serverLabels(release))
    const list = await space.api.get<{ items: PodObject[] }>(`/api/v1/namespaces/${space.name}/pods?labelSelector=${selector}`)
    return list.items
  }
  async function jobsOf(workerId: string): Promise<JobObject[]> {
    const selector = encodeURIComponent(`jobhook.dev/worker=${workerLabel(workerId)}`)
    const list = await space.api.get<{ items: JobObject[] }>(`/apis/batch/v1/namespaces/${space.name}/jobs?labelSelector=${selector}`)
    return list.items
  }
  const held = (jobs: JobObject[]): JobObject[] => jobs.filter((job) => job.metadata.finalizers?.includes('jobhook.dev/report'))

  async function helm(tool: 'helm' | 'helm3', ...args: string[]): Promise<string> {
    const { status, output } = await runHelm(tool, ...args, '--namespace', space.name, '--timeout', '180s')
    assert.equal(
      status,
      0,
      `helm ${args.join(' ')}: ${output}\n${JSON.stringify(await space.api.get(`/api/v1/namespaces/${space.name}/pods`)).slice(0, 6_000)}`,
    )
    return output
  }

  function values(release: string, more: Record<string, unknown>, config: Record<string, unknown>): string {
    const file = join(folder, `${release}.yaml`)
    const webhook = { secrets: [{ file: '/etc/jobhook/secrets/webhook' }] }
    writeFileSync(
      file,
      stringify({
        image: { repository: IMAGE, tag: '0.1.0' },
        existingSecret: 'jobhook-keys',
        config: { worker_id: release, webhook, ...config },
        ...more,
      }),
    )
    return file
  }
  const callback = (to: string) => ({ url: to, secrets: [{ file: '/etc/jobhook/secrets/callback' }] })
  const compliant = (extra: object = {}) => ({
    securityContext: { runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      { name: 'task', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true } },
    ],
    ...extra,
  })

  test('two replicas get ready in a restricted namespace, as the image’s own user, with nothing reachable but Services', {
    timeout: 150_000,
  }, async () => {
    const file = values(
      'closed',
      {
        extraEnv: [{ name: 'HTTPS_PROXY', value: `http://proxy.${space.name}.svc:3128` }],
        extraVolumes: [{ name: 'authority', configMap: { name: 'private-authority' } }],
        extraVolumeMounts: [{ name: 'authority', mountPath: '/etc/jobhook/authority', readOnly: true }],
      },
      {
        callback: {
          ...callback('https://control.example/hooks/tasks'),
          tls: { ca_file: '/etc/jobhook/authority/ca.crt' },
          schedule: [0, 1, 1, 1, 600],
        },
        backend: { kubernetes: { default_image: images.busybox, use_image_volumes: true, pod_template: compliant() } },
      },
    )
    await helm('helm', 'install', 'closed', CHART, '-f', file, '--wait')
    const pods = await podsOf('closed')
    assert.deepEqual(
      pods.map(({ status }) => status.containerStatuses?.map(({ ready, restartCount, user }) => [ready, restartCount, user?.linux?.uid])),
      [[[true, 0, 65_532]], [[true, 0, 65_532]]],
    )
    assert.equal((await fetch(`${url('closed')}/readyz`)).status, 200)
  })

  test('in the container nothing can be written, the image’s health check passes, and jobhook doctor, typed there, finds nothing that failed', async () => {
    const [pod] = await podsOf('closed')
    const place = { namespace: space.name, pod: pod?.metadata.name ?? '', container: 'jobhook' }
    const inside = (...command: string[]) => execIn(adminKubeconfig ?? '', place, command)
    for (const path of ['/app/x', '/tmp/x', '/x']) {
      const { code, output } = await inside('node', '-e', `require('fs').writeFileSync('${path}', '')`)
      assert.equal(code, 1)
      assert.match(output, /EROFS|EACCES/)
    }
    assert.deepEqual(await inside(...built.image.healthcheck), { code: 0, output: '' })
    const { code, output } = await inside('jobhook', 'doctor', '--config', '/etc/jobhook/config/config.yaml')
    assert.equal(code, 0, output)
    assert.match(output, /ok +callback/)
    assert.match(output, /ok +rights-too-many/)
  })

  test('helm test passes as a Pod: a signed webhook goes in, its task runs, the signed callback comes back to it', {
    timeout: 150_000,
  }, async () => {
    assert.match(await helm('helm', 'test', 'closed', '--logs'), /the task completed, and its signed callback came/)
  })

  test('a task runs in a container, and its verdict comes through the proxy over a certificate of the private authority', {
    timeout: 150_000,
  }, async () => {
    const answer = await sendWebhook(url('closed'), shellTask('in-pod', 'echo why; exit 3', { env_vars: { KEY: 'value' } }))
    assert.equal(answer.status, 202, JSON.stringify(answer.body))
    const verdict = await until('its verdict', () => receiver.verdicts('in-pod')[0], patient)
    assert.ok(verdict.verified)
    assert.deepEqual([verdict.data.worker_id, verdict.data.exit_code, verdict.data.detail.log_tail], ['closed', 3, 'why\n'])
    assert.deepEqual([...new Set(closed.asked)], ['control.example:443'])
  })

  test('a second release in the namespace, by Helm 3, runs as whichever user it is given, and reports its own tasks only', {
    timeout: 150_000,
  }, async () => {
    const file = values(
      'busy',
      { podSecurityContext: { runAsNonRoot: true, runAsUser: ANY_USER, seccompProfile: { type: 'RuntimeDefault' } } },
      {
        callback: callback(`http://control.${space.name}.svc/hooks/tasks`),
        backend: {
          kubernetes: {
            default_image: 'any:1',
            extra_annotations: { 'kwok.jobhook.dev/complete-after': '300ms' },
            pod_template: compliant(kwokPlacement),
          },
        },
      },
    )
    await helm('helm3', 'install', 'busy', CHART, '-f', file, '--wait')
    assert.deepEqual(
      (await podsOf('busy')).map(({ status }) => status.containerStatuses?.[0]?.user?.linux?.uid),
      [ANY_USER, ANY_USER],
    )
    assert.equal((await sendWebhook(url('busy'), shellTask('others', 'exit 0', { env_vars: { A: 'b' } }))).status, 202)
    assert.equal((await until('its verdict', () => receiver.verdicts('others')[0], patient)).data.worker_id, 'busy')
  })

  // Before the uninstall: a release's Role goes while its Pods still end, and what they then ask is refused.
  test('the API refused nothing to any of them', { skip: JOBHOOK_TEST_AUDIT_LOG ? false : 'needs the audit log' }, () => {
    const byRelease = ['closed', 'busy'].map((release) => requestsOf(`system:serviceaccount:${space.name}:${release}-jobhook`))
    // How many there are depends on how long the tests before took; each release lists, watches, leads and creates at least.
    for (const asked of byRelease) assert.ok(asked.length > 10, `${asked.length} requests in the audit log`)
    const requests = byRelease.flat()
    // Doctor tries a Pod by dry-run in case an administrator runs it.
    const refused = requests.filter(({ status, right }) => status === 401 || (status === 403 && right !== 'pods create'))
    assert.deepEqual(refused, [])
  })

  test('helm uninstall: the hook runs as a Pod, lets every Job go, touches no other release’s, and nothing of the release is left', {
    timeout: 200_000,
  }, async () => {
    receiver.answer = (message) => (message.data.task_id === 'owed' ? 500 : 200)
    assert.equal((await sendWebhook(url('closed'), shellTask('owed', 'exit 4'))).status, 202)
    assert.equal((await sendWebhook(url('closed'), shellTask('runs-on', 'sleep 600'))).status, 202)
    await until('a verdict was refused', () => receiver.verdicts('owed')[0], patient)
    await until('the other runs', () => receiver.of('runs-on')[0], patient)
    assert.equal(held(await jobsOf('closed')).length, 2)
    const told = await helm('helm', 'uninstall', 'closed', '--wait')
    assert.match(told, /task \\?"owed\\?"\): its verdict was not acknowledged: failed \(container_exit\)/)
    assert.match(told, /task \\?"runs-on\\?"\).*will not be reported/)
    const left = await jobsOf('closed')
    assert.deepEqual(held(left), [])
    assert.equal(left.find(({ metadata }) => metadata.annotations['jobhook.dev/task-id'] === 'runs-on')?.status.active, 1)
    // What Helm's hooks ran stays, to be read: the test's Pod, and for an hour the Job that let go.
    const kept = ['jobs/closed-jobhook-release', 'pods/closed-jobhook-release', 'pods/closed-jobhook-test']
    const others = async () => (await objectsOf('closed')).filter((name) => !kept.some((prefix) => name.startsWith(prefix)))
    await until('nothing else of the release is left', async () => (await others()).length === 0, patient)
    assert.equal((await sendWebhook(url('busy'), shellTask('after', 'exit 0'))).status, 202)
    await until('the other release works on', () => receiver.verdicts('after')[0], patient)
  })

  async function objectsOf(release: string): Promise<string[]> {
    const selector = encodeURIComponent(`app.kubernetes.io/instance=${release}`)
    const found: string[] = []
    for (const resource of [
      ...['pods', 'services', 'configmaps', 'secrets', 'serviceaccounts'].map((name) => `api/v1 ${name}`),
      ...['deployments', 'replicasets'].map((name) => `apis/apps/v1 ${name}`),
      'apis/batch/v1 jobs',
      'apis/policy/v1 poddisruptionbudgets',
      'apis/networking.k8s.io/v1 networkpolicies',
      ...['roles', 'rolebindings'].map((name) => `apis/rbac.authorization.k8s.io/v1 ${name}`),
    ]) {
      const [group, name] = resource.split(' ')
      const list = await space.api.get<{ items: { metadata: { name: string } }[] }>(
        `/${group}/namespaces/${space.name}/${name}?labelSelector=${selector}`,
      )
      found.push(...list.items.map(({ metadata }) => `${name}/${metadata.name}`))
    }
    return found
  }
})
