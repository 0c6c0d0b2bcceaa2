// Finds the cluster: an explicit kubeconfig, text from the embedded cluster, or what kubectl would use (KUBECONFIG, ~/.kube/config, in-cluster).
// And finds it again: tokens, certificates and authorities are rotated while we run.
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type KubeAccess, type KubeConfigSource, readPlainKubeConfig } from './plain-kubeconfig.ts'

export type { KubeAccess, KubeConfigSource } from './plain-kubeconfig.ts'

/** Throws with the remedy when no cluster can be found. The second value is the namespace of the current context, or null. */
export function readKubeConfig(source: KubeConfigSource): { kubeConfig: KubeAccess; namespace: string | null } {
  return readPlainKubeConfig(source) ?? readByClient(source)
}

function readByClient(source: KubeConfigSource): { kubeConfig: KubeAccess; namespace: string | null } {
  // Loaded only when it is needed, and at once: there is nothing to wait for before the cluster is known.
  const { KubeConfig } = createRequire(import.meta.url)('@kubernetes/client-node') as typeof import('@kubernetes/client-node')
  const kubeConfig = new KubeConfig()
  try {
    if (source.kind === 'text') kubeConfig.loadFromString(source.text)
    else if (source.kind === 'file') kubeConfig.loadFromFile(source.path)
    else kubeConfig.loadFromDefault()
  } catch (error) {
    const from = source.kind === 'file' ? `backend.kubernetes.kubeconfig (${source.path})` : 'the kubeconfig'
    throw new Error(`${from} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  const cluster = kubeConfig.getCurrentCluster()
  // client-node falls back to http://localhost:8080 when it finds nothing; that is never what someone meant.
  if (!cluster || (source.kind === 'default' && cluster.server === 'http://localhost:8080' && cluster.name === 'cluster')) {
    throw new Error(
      'no cluster found: set KUBECONFIG or backend.kubernetes.kubeconfig, run inside a cluster, or set cluster: embedded to run tasks as local processes',
    )
  }
  // Without a user client-node leaves the CA out too, and the error would blame the certificate.
  if (cluster.server.startsWith('https://') && !kubeConfig.getCurrentUser()) {
    throw new Error(
      `the kubeconfig’s context ${kubeConfig.getCurrentContext()} names no user: set contexts[].context.user to one of users[].name`,
    )
  }
  // client-node refuses plain HTTP unless verification is off; where there is no TLS there is nothing to verify.
  if (cluster.server.startsWith('http://'))
    kubeConfig.clusters = kubeConfig.clusters.map((each) => (each === cluster ? { ...each, skipTLSVerify: true } : each))
  return { kubeConfig, namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? null }
}

/**
 * For createConnection. Files are parsed again when they have changed or what they said was refused; half-written ones later. In a cluster the
 * mounted token and authority are read each time: client-node would keep a token for a minute.
 */
export function createReload(source: KubeConfigSource, first: KubeAccess): (refused: boolean) => KubeAccess {
  if (source.kind === 'text') return () => first
  let current = first
  let known = stateOf(filesOf(source))
  return (refused) => {
    const state = stateOf(filesOf(source))
    const mounted = current.getCurrentUser()?.authProvider?.name === 'tokenFile'
    if (state === known && !refused && !mounted) return current
    try {
      current = readKubeConfig(source).kubeConfig
      known = state
    } catch {
      // What we have is better than nothing, and may still be accepted; requests say when it is not.
    }
    return current
  }
}

function filesOf(source: KubeConfigSource): string[] {
  if (source.kind === 'file') return [source.path]
  return process.env.KUBECONFIG
    ? process.env.KUBECONFIG.split(delimiter).filter((path) => path !== '')
    : [join(homedir(), '.kube', 'config')]
}

/** Changes when one of the files does. */
function stateOf(files: string[]): string {
  return files
    .map((path) => {
      const stats = statSync(path, { throwIfNoEntry: false })
      return stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : '-'
    })
    .join('\n')
}
