// Finds the cluster: an explicit kubeconfig, text from the embedded cluster, or what kubectl would use (KUBECONFIG, ~/.kube/config, in-cluster).
import { KubeConfig } from '@kubernetes/client-node'

export type KubeConfigSource = { kind: 'text'; text: string } | { kind: 'file'; path: string } | { kind: 'default' }

/** Throws with the remedy when no cluster can be found. The second value is the namespace of the current context, or null. */
export function readKubeConfig(source: KubeConfigSource): { kubeConfig: KubeConfig; namespace: string | null } {
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
