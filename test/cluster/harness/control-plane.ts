// Starts etcd, kube-apiserver, kube-controller-manager and kube-scheduler on loopback and waits until the apiserver is ready.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Api, createApi } from './api.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { network } from './node/config.ts'
import { freePorts } from './ports.ts'
import type { Processes } from './processes.ts'
import { waitFor } from './wait.ts'

export interface Binaries {
  etcd: string
  apiserver: string
  /** Null with KUBEBUILDER_ASSETS, which have none: Jobs are then stored, and nothing acts on them. */
  controllerManager: string | null
  scheduler: string | null
}

export interface ControlPlane {
  api: Api
  /** The `cluster` entry for further kubeconfigs. */
  clusterEntry: object
  adminKubeconfig: string
  /** For the kubelet of the node `localhost`, as the Node authorizer knows it. */
  nodeKubeconfig: string
  auditLog: string | null
  /** etcd's client URL: a test compacts its history by it. */
  etcdUrl: string
}

export interface ControlPlaneOptions {
  namespace: string
  nodeName: string
  audit: boolean
  stockControllerManager: boolean
}

export async function startControlPlane(
  binaries: Binaries,
  options: ControlPlaneOptions,
  deps: { processes: Processes; signal: AbortSignal },
): Promise<ControlPlane> {
  const { processes, signal } = deps
  const folder = join(processes.folder, 'control-plane')
  mkdirSync(folder)
  const fast = options.stockControllerManager ? [] : ['--kube-api-qps=1000', '--kube-api-burst=1000']
  const [clientPort = 0, peerPort = 0, apiPort = 0, controllerManagerPort = 0, schedulerPort = 0] = await freePorts(5)
  const tokens = { admin: randomToken(), node: randomToken() }
  const files = writeFiles(folder, tokens, options.nodeName)
  const auditLog = options.audit ? join(processes.folder, 'logs', 'audit.log') : null

  startEtcd(binaries.etcd, folder, clientPort, peerPort, processes)
  processes.start({
    name: 'kube-apiserver',
    command: binaries.apiserver,
    args: [
      `--etcd-servers=http://127.0.0.1:${clientPort}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${apiPort}`,
      // Only written into the Endpoints of the Service `kubernetes`, which may not be loopback; an address for documentation, so that no route is needed.
      '--advertise-address=192.0.2.1',
      `--cert-dir=${folder}`,
      `--service-account-key-file=${files.publicKey}`,
      `--service-account-signing-key-file=${files.privateKey}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      `--token-auth-file=${files.tokens}`,
      `--service-cluster-ip-range=${network.services}`,
      '--allow-privileged=true',
      '--kubelet-preferred-address-types=Hostname,InternalIP', // the node's host name is localhost: logs and exec go over 127.0.0.1
      ...(auditLog === null ? [] : [`--audit-policy-file=${files.auditPolicy}`, `--audit-log-path=${auditLog}`]),
    ],
  })

  const certificate = join(folder, 'apiserver.crt') // the apiserver makes it: its own CA and a certificate for 127.0.0.1
  await waitFor(
    'the apiserver writing its certificate',
    () => (existsSync(certificate) && existsSync(join(folder, 'apiserver.key')) ? true : null),
    {
      timeoutMs: 30_000,
      signal,
      processes,
    },
  )
  const clusterEntry = {
    server: `https://127.0.0.1:${apiPort}`,
    'certificate-authority-data': readFileSync(certificate).toString('base64'),
  }
  const adminKubeconfig = join(processes.folder, 'admin.kubeconfig')
  const nodeKubeconfig = join(folder, 'node.kubeconfig')
  writeKubeconfig(adminKubeconfig, { cluster: clusterEntry, user: 'admin', token: tokens.admin, namespace: options.namespace })
  writeKubeconfig(nodeKubeconfig, { cluster: clusterEntry, user: 'node', token: tokens.node, namespace: 'default' })
  const api = createApi(adminKubeconfig)
  await waitFor(
    'the apiserver becoming ready (/readyz)',
    async () => ((await api.request('GET', '/readyz')).status === 200 ? true : null),
    {
      timeoutMs: 60_000,
      signal,
      processes,
    },
  )

  if (binaries.controllerManager !== null) {
    processes.start({
      name: 'kube-controller-manager',
      command: binaries.controllerManager,
      args: [
        `--kubeconfig=${adminKubeconfig}`,
        `--service-account-private-key-file=${files.privateKey}`,
        `--root-ca-file=${certificate}`,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        `--secure-port=${controllerManagerPort}`,
        ...(options.stockControllerManager ? [] : ['--concurrent-job-syncs=50']),
        ...fast,
      ],
    })
  }
  if (binaries.scheduler !== null) {
    processes.start({
      name: 'kube-scheduler',
      command: binaries.scheduler,
      args: [
        `--kubeconfig=${adminKubeconfig}`,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        `--secure-port=${schedulerPort}`,
        ...fast,
      ],
    })
  }
  return { api, clusterEntry, adminKubeconfig, nodeKubeconfig, auditLog, etcdUrl: `http://127.0.0.1:${clientPort}` }
}

function startEtcd(etcd: string, folder: string, clientPort: number, peerPort: number, processes: Processes): void {
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`]
  processes.start({
    name: 'etcd',
    command: etcd,
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      '--unsafe-no-fsync', // the data is thrown away
      '--log-level=warn',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ],
  })
}

function writeFiles(folder: string, tokens: { admin: string; node: string }, nodeName: string) {
  const files = {
    privateKey: join(folder, 'service-account.key'),
    publicKey: join(folder, 'service-account.pub'),
    tokens: join(folder, 'tokens.csv'),
    auditPolicy: join(folder, 'audit-policy.yaml'),
  }
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(files.privateKey, keys.privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 })
  writeFileSync(files.publicKey, keys.publicKey.export({ type: 'spki', format: 'pem' }))
  const lines = [`${tokens.admin},admin,admin,system:masters`, `${tokens.node},system:node:${nodeName},node,system:nodes`]
  writeFileSync(files.tokens, `${lines.join('\n')}\n`, { mode: 0o600 })
  // Who asked for what, without bodies, and only for service accounts: what a test counts, not the components' own traffic.
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
  }
  writeFileSync(files.auditPolicy, stringify(policy))
  return files
}

function randomToken(): string {
  return randomBytes(24).toString('base64url')
}
