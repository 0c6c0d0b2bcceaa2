/**
 * A Kubernetes API in this process that runs container commands as local processes: for a laptop, the demo and fast tests. It is never the proof that something
 * works on Kubernetes; the contract tests hold it to what a real API server does. How it works and what it does not do: README.md beside this file.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCluster } from './cluster.ts'
import { startGarbageCollector } from './controllers/garbage.ts'
import { startJobController } from './controllers/job-controller.ts'
import { startNamespaceController } from './controllers/namespaces.ts'
import { createOwnerIndex } from './controllers/owners.ts'
import { startTtlController } from './controllers/ttl.ts'
import { openDataDir } from './data-dir.ts'
import type { DenyRule } from './http/access.ts'
import { startApiServer } from './http/server.ts'
import { kubeconfigText, writeKubeconfig } from './kubeconfig.ts'
import { startKubelet } from './kubelet/kubelet.ts'
import { recovered } from './recover.ts'
import type { KubeObject } from './types.ts'

export interface EmbeddedOptions {
  /** Loopback only; default 127.0.0.1:0, which picks a port. */
  listen?: string
  /** Where to write the kubeconfig (mode 0600); null or absent: nowhere, it is in the result. */
  kubeconfigFile?: string | null
  /** Keeps the objects over a restart; null or absent: in memory only. */
  dataDir?: string | null
  /** Created at the start, besides `default`. */
  namespaces?: string[]
  log?: (line: string) => void
  /** For tests: what to answer with 403. */
  rbacDeny?: DenyRule
  /** Changes kept per kind for watches and paged lists; older resourceVersions are 410 Gone. */
  historyLimit?: number
  /** Pods that run at once; more wait as Unschedulable, as on a full node. */
  maxPods?: number
  /** Bytes of log kept per container. */
  logLimitBytes?: number
}

export interface EmbeddedCluster {
  /** http://127.0.0.1:PORT/PREFIX */
  url: string
  /** YAML */
  kubeconfig: string
  kubeconfigFile: string | null
  /** Forgets all history: every resourceVersion and continue token from before is 410 Gone. For tests; etcd does it every five minutes. */
  compact(): void
  /** Ends the processes it started, too. */
  close(): Promise<void>
}

const DEFAULT_HISTORY = 2048
const DEFAULT_MAX_PODS = 250
const DEFAULT_LOG_LIMIT_BYTES = 10 * 1024 * 1024
const EVENT_LIMIT = 5000
const FIRST_REVISION = 1000
/** After a restart, resourceVersions go on well above any that a client may have seen and the file may have missed. */
const REVISION_GAP = 1_000_000
/** What a command may see of this process's own environment. Everything else (tokens, secrets) stays here. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG']

export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedCluster> {
  const { host, port } = parseListen(options.listen ?? '127.0.0.1:0')
  const log = options.log ?? (() => {})
  const prefix = randomBytes(18).toString('base64url')
  const dataDir = options.dataDir ? openDataDir(options.dataDir, log) : null
  const firstRevision = dataDir?.saved == null ? FIRST_REVISION : dataDir.saved.revision + REVISION_GAP
  const cluster = createCluster({ firstRevision, historyLimit: options.historyLimit ?? DEFAULT_HISTORY, eventLimit: EVENT_LIMIT })
  for (const [resource, objects] of Object.entries(dataDir?.saved?.objects ?? {})) {
    for (const object of objects) cluster.store.restore(resource, recovered(object))
  }
  dataDir?.keep(cluster.store)
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-embedded-'))
  const owners = createOwnerIndex(cluster.store)
  const controllers = [
    startGarbageCollector(cluster, owners, log),
    startJobController(cluster, owners, log),
    startTtlController(cluster, log),
    startNamespaceController(cluster, log),
  ]
  const kubelet = startKubelet(cluster, {
    folder,
    log,
    maxPods: options.maxPods ?? DEFAULT_MAX_PODS,
    logLimitBytes: options.logLimitBytes ?? DEFAULT_LOG_LIMIT_BYTES,
    baseEnvironment: Object.fromEntries(INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
  })

  function ensureNamespace(name: string): void {
    if (cluster.store.get(cluster.namespaces.key, '', name) !== undefined) return
    cluster.registry.create(cluster.namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } as KubeObject) // the registry fills in the rest
  }

  async function stopAll(): Promise<void> {
    for (const controller of controllers) controller.close()
    await kubelet.close()
    owners.close()
    dataDir?.close()
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    for (const name of new Set(['default', ...(options.namespaces ?? [])])) ensureNamespace(name)
    const server = await startApiServer({ cluster, logs: kubelet, deny: options.rbacDeny ?? null, log }, { host, port, prefix })
    const url = `http://${isIPv6(host) ? `[${host}]` : host}:${server.port}/${prefix}`
    const kubeconfig = kubeconfigText(url, 'default')
    let closing: Promise<void> | null = null
    const kubeconfigFile = options.kubeconfigFile ? writeKubeconfig(options.kubeconfigFile, kubeconfig) : null
    return {
      url,
      kubeconfig,
      kubeconfigFile,
      compact: cluster.store.compact,
      close() {
        closing ??= server.close().then(stopAll)
        return closing
      },
    }
  } catch (error) {
    await stopAll()
    throw error
  }
}

function parseListen(listen: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(listen)
  const host = match?.[1]?.replace(/^\[|\]$/g, '') ?? ''
  const port = Number(match?.[2])
  if (match === null || port > 65535) throw new Error(`embedded.listen ${JSON.stringify(listen)} is not HOST:PORT; use 127.0.0.1:0`)
  if (host !== '127.0.0.1' && host !== '::1' && host !== 'localhost') {
    throw new Error(
      `embedded.listen ${JSON.stringify(listen)} is not a loopback address: the embedded cluster runs commands and is for this machine only; use 127.0.0.1:0`,
    )
  }
  return { host: host === 'localhost' ? '127.0.0.1' : host, port }
}
