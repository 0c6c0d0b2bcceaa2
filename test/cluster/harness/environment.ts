// The environment variables that tell test files about the cluster. Tests read these and nothing of the harness.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface TestCluster {
  namespace: string
  /** Kubeconfig of the service account, with the namespace in its context. */
  kubeconfig: string
  adminKubeconfig: string
  /** real: containers run; kwok: Pods only on kwok nodes; none: no Pod runs at all. */
  node: 'real' | 'kwok' | 'none'
  kwok: boolean
  /** False where no controller acts on Jobs (KUBEBUILDER_ASSETS). */
  controllers: boolean
  auditLog: string | null
  etcdUrl: string | null
  /** Where a test may import an image of its own into the real node; null without one. */
  containerd: string | null
  /** Whether Pods on the real node reach the addresses of Services (nothing serves them but a test that means to). */
  podNetwork: boolean
}

/** Without the JOBHOOK_TEST_* of another cluster that the shell may still hold. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('JOBHOOK_TEST_')))
}

export function testEnvironment(cluster: TestCluster): Record<string, string> {
  return {
    JOBHOOK_TEST_KUBECONFIG: cluster.kubeconfig,
    JOBHOOK_TEST_ADMIN_KUBECONFIG: cluster.adminKubeconfig,
    JOBHOOK_TEST_NAMESPACE: cluster.namespace,
    JOBHOOK_TEST_NODE: cluster.node,
    ...(cluster.kwok ? { JOBHOOK_TEST_KWOK: '1' } : {}),
    JOBHOOK_TEST_CONTROLLERS: cluster.controllers ? '1' : '0',
    ...(cluster.auditLog === null ? {} : { JOBHOOK_TEST_AUDIT_LOG: cluster.auditLog }),
    ...(cluster.etcdUrl === null ? {} : { JOBHOOK_TEST_ETCD: cluster.etcdUrl }),
    ...(cluster.containerd === null ? {} : { JOBHOOK_TEST_CONTAINERD: cluster.containerd }),
    ...(cluster.podNetwork ? { JOBHOOK_TEST_POD_NETWORK: '1' } : {}),
  }
}

/** A file for a person's shell: `. FILE`, then kubectl and `node --test` use the kept cluster. */
export function writeShellFile(folder: string, cluster: TestCluster): string {
  const path = join(folder, 'env.sh')
  const variables = { KUBECONFIG: cluster.adminKubeconfig, ...testEnvironment(cluster) }
  writeFileSync(
    path,
    Object.entries(variables)
      .map(([name, value]) => `export ${name}='${value}'\n`)
      .join(''),
    { mode: 0o600 },
  )
  return path
}
