// The API a chaos run goes against: the embedded cluster in the run's own process, or the real one that JOBHOOK_TEST_* tells of.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../src/embedded/index.ts'
import { kwokPlacement } from '../cluster/harness/kwok/start.ts'
import { ownNamespace } from '../support/real.ts'

export interface Target {
  name: string
  namespace: string
  /** With jobhook's rights. */
  kubeconfig: string
  /** For the recorder, which looks past the proxies. */
  adminKubeconfig: string
  /** False where Pods have no containers: then their life is scripted. */
  containers: boolean
  /** More of backend.kubernetes. */
  backend: Record<string, unknown>
  /** Makes the API forget its history; null where it cannot be made to. */
  compact: (() => void) | null
  /** Jobs created in the namespace, by the audit log; null where there is none. */
  auditedJobs: (() => number) | null
  close(): Promise<void>
}

export async function embeddedTarget(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-chaos-api-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const embedded = await startEmbedded({ kubeconfigFile: kubeconfig })
  return {
    name: 'embedded',
    namespace: 'default',
    kubeconfig,
    adminKubeconfig: kubeconfig,
    containers: true,
    backend: {},
    compact: embedded.compact,
    auditedJobs: null,
    async close() {
      await embedded.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** In a namespace made for the run. `pods`: on kwok nodes, or as containers on the real node. Throws with the remedy where there is no such cluster. */
export async function realTarget(pods: 'kwok' | 'containers'): Promise<Target> {
  const adminKubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG
  if (!adminKubeconfig)
    throw new Error(
      'JOBHOOK_TEST_ADMIN_KUBECONFIG is not set: bring a cluster up with "node test/cluster/run.ts --keep" and load its env.sh',
    )
  if (pods === 'kwok' && process.env.JOBHOOK_TEST_KWOK !== '1') throw new Error('this cluster has no kwok nodes: use --pods containers')
  if (pods === 'containers' && process.env.JOBHOOK_TEST_NODE !== 'real') throw new Error('this cluster has no real node: use --pods kwok')
  const own = await ownNamespace('chaos')
  const auditLog = process.env.JOBHOOK_TEST_AUDIT_LOG
  return {
    name: `real, ${pods}`,
    namespace: own.namespace,
    kubeconfig: own.kubeconfig,
    adminKubeconfig,
    containers: pods === 'containers',
    backend: pods === 'kwok' ? { pod_template: { ...kwokPlacement, containers: [{ name: 'task' }] } } : {},
    compact: null,
    auditedJobs: auditLog ? () => createdJobs(auditLog, own.namespace) : null,
    async close() {
      own.remove()
    },
  }
}

function createdJobs(auditLog: string, namespace: string): number {
  let created = 0
  for (const line of readFileSync(auditLog, 'utf8').split('\n')) {
    if (!line.includes(`/namespaces/${namespace}/jobs"`) || !line.includes('"verb":"create"')) continue
    const { stage, responseStatus } = JSON.parse(line) as { stage: string; responseStatus?: { code?: number } }
    if (stage === 'ResponseComplete' && responseStatus?.code === 201) created++
  }
  return created
}
