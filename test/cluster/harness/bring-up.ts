// Brings the cluster up, stage by stage, and says what it has become. The order and the overlaps are decided here; each part is its own file.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createAccess, createNamespace } from './access.ts'
import type { Api } from './api.ts'
import type { ClusterOptions } from './arguments.ts'
import { buildTools } from './build.ts'
import { type Binaries, startControlPlane } from './control-plane.ts'
import type { TestCluster } from './environment.ts'
import { useGivenCluster } from './given.ts'
import { startKwok } from './kwok/start.ts'
import type { LedgerFile } from './ledger.ts'
import { lockRealNode } from './node/one-at-a-time.ts'
import { findNodeHost, type NodeHost } from './node/possible.ts'
import { nodeName, startNode } from './node/start.ts'
import type { Processes } from './processes.ts'
import type { Report } from './report.ts'
import type { Tool } from './tools.ts'
import { waitFor } from './wait.ts'

const namespace = 'jobhook-test'

export interface BringUpDeps {
  ledger: LedgerFile
  processes: Processes
  report: Report
  signal: AbortSignal
}

export async function bringUp(options: ClusterOptions, deps: BringUpDeps): Promise<TestCluster> {
  const given = process.env.TEST_KUBECONFIG
  if (given) return useGivenCluster(given, deps)
  const assets = process.env.KUBEBUILDER_ASSETS
  if (assets) return bringUpFromAssets(assets, options, deps)
  return bringUpAll(options, deps)
}

async function bringUpAll(options: ClusterOptions, deps: BringUpDeps): Promise<TestCluster> {
  const { report } = deps
  const host = await chooseNodeHost(options, deps)
  const wanted: Tool[] = [
    'etcd',
    'kube-apiserver',
    ...(options.controllers ? (['kube-controller-manager', 'kube-scheduler'] as const) : []),
  ]
  if (options.kwokNodes > 0) wanted.push('kwok')
  if (host !== null) wanted.push('kubelet', 'containerd', 'containerd-shim-runc-v2', 'ctr')
  const tools = await buildTools(wanted, { ...deps, onStart: (pid) => deps.ledger.add(pid, 'go build', true) })

  return report.stage('the cluster is up', async () => {
    const startingNode = host === null ? null : await startNode(host, tools, { eventedPleg: !options.stockKubelet }, deps)
    const binaries: Binaries = {
      etcd: tools('etcd'),
      apiserver: tools('kube-apiserver'),
      controllerManager: options.controllers ? tools('kube-controller-manager') : null,
      scheduler: options.controllers ? tools('kube-scheduler') : null,
    }
    const plane = await report.stage('  etcd and kube-apiserver ready', () =>
      startControlPlane(binaries, { namespace, nodeName, ...options }, deps),
    )
    startingNode?.register(plane.nodeKubeconfig)
    const kubeconfig = join(deps.ledger.folder, 'service-account.kubeconfig')
    await createNamespace(plane.api, namespace)
    await Promise.all([
      report.stage('  service account and kubeconfigs', () =>
        createAccess(plane.api, { namespace, clusterEntry: plane.clusterEntry, path: kubeconfig }),
      ),
      options.controllers ? report.stage('  controllers at work', () => defaultServiceAccount(plane.api, deps)) : null,
      options.kwokNodes === 0
        ? null
        : report.stage(`  ${options.kwokNodes} kwok nodes ready`, async () => {
            await startKwok(tools('kwok'), { nodes: options.kwokNodes, kubeconfig: plane.adminKubeconfig }, { api: plane.api, ...deps })
            for (let index = 0; index < options.kwokNodes; index++) await nodeReady(plane.api, `kwok-${index}`, deps)
          }),
      host === null ? null : report.stage('  real node ready (containerd, kubelet)', () => nodeReady(plane.api, nodeName, deps)),
    ])
    const kwok = options.kwokNodes > 0
    const node = host !== null ? 'real' : kwok ? 'kwok' : 'none'
    return {
      namespace,
      kubeconfig,
      adminKubeconfig: plane.adminKubeconfig,
      node,
      kwok,
      controllers: options.controllers,
      auditLog: plane.auditLog,
      etcdUrl: plane.etcdUrl,
      containerd: startingNode?.containerd ?? null,
      podNetwork: host?.podNetwork ?? false,
    }
  })
}

/** envtest's binaries: an apiserver with nothing behind it. */
async function bringUpFromAssets(folder: string, options: ClusterOptions, deps: BringUpDeps): Promise<TestCluster> {
  const binary = (name: string) => {
    const path = join(folder, name)
    if (!existsSync(path))
      throw new Error(`KUBEBUILDER_ASSETS=${folder} has no ${name}: point it at a folder of envtest binaries, or unset it`)
    return path
  }
  deps.report.say(
    `using etcd and kube-apiserver of ${folder}: no controllers, no scheduler, no node; tests that need a Job to act or a Pod to run cannot run`,
  )
  const binaries: Binaries = { etcd: binary('etcd'), apiserver: binary('kube-apiserver'), controllerManager: null, scheduler: null }
  return deps.report.stage('the control plane is up', async () => {
    const plane = await startControlPlane(binaries, { namespace, nodeName, ...options }, deps)
    const kubeconfig = join(deps.ledger.folder, 'service-account.kubeconfig')
    await createNamespace(plane.api, namespace)
    await createAccess(plane.api, { namespace, clusterEntry: plane.clusterEntry, path: kubeconfig })
    return {
      namespace,
      kubeconfig,
      adminKubeconfig: plane.adminKubeconfig,
      node: 'none',
      kwok: false,
      controllers: false,
      auditLog: plane.auditLog,
      etcdUrl: plane.etcdUrl,
      containerd: null,
      podNetwork: false,
    }
  })
}

async function chooseNodeHost(options: ClusterOptions, deps: BringUpDeps): Promise<NodeHost | null> {
  if (!options.node) return null
  const host = findNodeHost(deps.report)
  if (typeof host !== 'string') {
    await lockRealNode(deps)
    return host
  }
  deps.report.say(`no real node: ${host}. Tests that need containers cannot run; the rest runs`)
  return null
}

/** Before the controller manager has made it, every Pod of a namespace is refused, and a Job backs off for seconds. */
async function defaultServiceAccount(api: Api, deps: BringUpDeps): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`
  await waitFor(
    'the controller manager making the default service account',
    async () => ((await api.request('GET', path)).status === 200 ? true : null),
    {
      timeoutMs: 30_000,
      ...deps,
    },
  )
}

interface NodeObject {
  spec: { taints?: { key: string }[] }
  status: { conditions?: { type: string; status: string }[] }
}

/** Ready, and its start-up taint gone: else the first Pod waits for the scheduler's next look. */
async function nodeReady(api: Api, name: string, deps: BringUpDeps): Promise<void> {
  await waitFor(
    `the node ${name} becoming ready`,
    async () => {
      const node = await api.get<NodeObject>(`/api/v1/nodes/${name}`)
      const ready = node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
      const tainted = node.spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'))
      return ready === true && tainted !== true ? true : null
    },
    { timeoutMs: 60_000, ...deps },
  )
}
