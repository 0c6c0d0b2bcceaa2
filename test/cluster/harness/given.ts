// Uses a cluster of the user's own (TEST_KUBECONFIG) instead of starting one: a namespace is made for the run, and deleted after it.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { createAccess, createNamespace } from './access.ts'
import { createApi } from './api.ts'
import type { TestCluster } from './environment.ts'
import type { LedgerFile } from './ledger.ts'
import type { Report } from './report.ts'

interface NodeList {
  items: { metadata: { labels?: Record<string, string> }; status?: { conditions?: { type: string; status: string }[] } }[]
}

export async function useGivenCluster(path: string, deps: { ledger: LedgerFile; report: Report }): Promise<TestCluster> {
  const adminKubeconfig = resolve(path)
  const api = createApi(adminKubeconfig)
  const namespace = `jobhook-test-${randomBytes(4).toString('hex')}`
  await createNamespace(api, namespace)
  deps.ledger.update((entry) => {
    entry.namespace = { kubeconfig: adminKubeconfig, name: namespace }
  })
  const kubeconfig = join(deps.ledger.folder, 'service-account.kubeconfig')
  await createAccess(api, { namespace, clusterEntry: clusterEntry(adminKubeconfig), path: kubeconfig })

  const nodes = (await api.get<NodeList>('/api/v1/nodes')).items
  const ready = nodes.filter((node) => node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
  const kwok = ready.some((node) => node.metadata.labels?.type === 'kwok')
  const real = ready.some((node) => node.metadata.labels?.type !== 'kwok')
  deps.report.say(`using the cluster of ${adminKubeconfig}, namespace ${namespace}`)
  return {
    namespace,
    kubeconfig,
    adminKubeconfig,
    node: real ? 'real' : kwok ? 'kwok' : 'none',
    kwok,
    controllers: true,
    auditLog: null,
    etcdUrl: null,
    containerd: null,
    podNetwork: false,
  }
}

/** The cluster of the current context, as an entry for another kubeconfig. */
function clusterEntry(kubeconfig: string): object {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error(`TEST_KUBECONFIG=${kubeconfig}: its current context names no cluster`)
  const caData = cluster.caData ?? (cluster.caFile === undefined ? undefined : readFileSync(cluster.caFile).toString('base64'))
  return {
    server: cluster.server,
    ...(caData === undefined ? {} : { 'certificate-authority-data': caData }),
    ...(cluster.skipTLSVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(cluster.tlsServerName === undefined ? {} : { 'tls-server-name': cluster.tlsServerName }),
    ...(cluster.proxyUrl === undefined ? {} : { 'proxy-url': cluster.proxyUrl }),
  }
}
