// The API a chaos run goes against: the embedded cluster in the run's own process, or the real one that JOBHOOK_TEST_* tells of.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { request } from 'undici'
import { startEmbedded } from '../../src/embedded/index.ts'
import { kwokPlacement } from '../cluster/harness/kwok/start.ts'
import { ownNamespace } from '../support/real.ts'
import { type Components, openComponents } from './components.ts'

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
  /** Kills a component of the API and starts it again; null where others use it, too, or it cannot be. */
  components: Components | null
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
    components: null,
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
  const components = openComponents(dirname(adminKubeconfig))
  const auditLog = process.env.JOBHOOK_TEST_AUDIT_LOG
  const etcd = process.env.JOBHOOK_TEST_ETCD
  return {
    name: `real, ${pods}`,
    namespace: own.namespace,
    kubeconfig: own.kubeconfig,
    adminKubeconfig,
    containers: pods === 'containers',
    backend: pods === 'kwok' ? { pod_template: { ...kwokPlacement, containers: [{ name: 'task' }] } } : {},
    compact: etcd && components ? () => void compactEtcd(etcd).catch(() => {}) : null,
    components,
    auditedJobs: auditLog ? () => createdJobs(auditLog, own.namespace) : null,
    async close() {
      own.remove()
    },
  }
}

/** Everything before now: who asks for an older version hears 410. */
async function compactEtcd(etcd: string): Promise<void> {
  const call = async (path: string, body: object): Promise<{ header?: { revision?: string } }> => {
    const response = await request(`${etcd}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) })
    return (await response.body.json()) as { header?: { revision?: string } }
  }
  const { header } = await call('maintenance/status', {})
  await call('kv/compaction', { revision: header?.revision, physical: true })
}

interface AuditLine {
  stage: string
  objectRef?: { resource?: string; subresource?: string }
  responseStatus?: { code?: number }
}

function createdJobs(auditLog: string, namespace: string): number {
  let created = 0
  for (const line of readFileSync(auditLog, 'utf8').split('\n')) {
    if (!line.includes(`/namespaces/${namespace}/jobs`) || !line.includes('"verb":"create"') || line.includes('dryRun=')) continue
    const { stage, objectRef, responseStatus } = JSON.parse(line) as AuditLine
    if (stage === 'ResponseComplete' && objectRef?.resource === 'jobs' && !objectRef.subresource && responseStatus?.code === 201) created++
  }
  return created
}
