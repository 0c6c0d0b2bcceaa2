// The control plane that cases run on: that of `npm run test:cluster`, brought up by its harness, and emptied between cases.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { bringUp } from '../../test/cluster/harness/bring-up.ts'
import { createFolder, type LedgerFile } from '../../test/cluster/harness/ledger.ts'
import { createProcesses } from '../../test/cluster/harness/processes.ts'
import { createReport } from '../../test/cluster/harness/report.ts'
import { stopCluster } from '../../test/cluster/harness/stop.ts'
import type { PlaneKind } from '../model.ts'
import { type Credentials, createRawClient, jobsPath, podsPath, readCredentials, secretsPath } from './kube.ts'

export interface Plane {
  kind: PlaneKind
  /** For files of cases; removed with the plane. */
  folder: string
  namespace: string
  /** Of the ServiceAccount that jobhook runs as: under RBAC, and subject to priority and fairness. */
  kubeconfig: string
  account: Credentials
  /** For setting up and looking on; exempt from priority and fairness. */
  admin: Credentials
  auditLog: string | null
  /** Takes every Job, Pod, Secret, Event and ConfigMap of the namespace away. */
  wipe(): Promise<void>
  stop(): Promise<void>
}

export async function startPlane(kind: PlaneKind, options: { say: (text: string) => void; signal: AbortSignal }): Promise<Plane> {
  const ledger = createFolder()
  const releaseJanitor = startJanitor(ledger)
  const report = createReport((text) => options.say(text.trimEnd()))
  const processes = createProcesses(ledger, (component) => report.say(`${component.name} ended by itself (${component.ended})`))
  const stop = async (): Promise<void> => {
    processes.expectEnd()
    await stopCluster(ledger, false)
    releaseJanitor()
  }
  try {
    const controllers = kind !== 'bare'
    const cluster = await bringUp(
      {
        node: false,
        kwokNodes: controllers ? 4 : 0,
        controllers,
        audit: controllers,
        stockControllerManager: kind === 'stock',
        stockKubelet: false,
      },
      { ledger, processes, report, signal: options.signal },
    )
    const { etcdUrl } = cluster
    if (etcdUrl === null) throw new Error('the benchmark needs a control plane of its own: unset TEST_KUBECONFIG')
    const admin = readCredentials(cluster.adminKubeconfig)
    // Nothing makes it on a bare plane, and Pods are refused without it.
    if (!controllers) await createDefaultAccount(admin, cluster.namespace)
    return {
      kind,
      folder: ledger.folder,
      namespace: cluster.namespace,
      kubeconfig: cluster.kubeconfig,
      account: readCredentials(cluster.kubeconfig),
      admin: { ...admin, namespace: cluster.namespace },
      auditLog: cluster.auditLog,
      async wipe() {
        await wipe(etcdUrl, cluster.namespace)
        await untilEmpty(admin, cluster.namespace, () => wipe(etcdUrl, cluster.namespace))
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function createDefaultAccount(admin: Credentials, namespace: string): Promise<void> {
  const client = createRawClient(admin, 1)
  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
  const { status, text } = await client.send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, JSON.stringify(body))
  await client.close()
  if (status !== 201 && status !== 409) throw new Error(`the ServiceAccount default could not be made: ${status} ${text}`)
}

/** Ends the cluster if this process is killed. */
function startJanitor(ledger: LedgerFile): () => void {
  const script = join(import.meta.dirname, '../../test/cluster/harness/janitor.ts')
  const janitor = spawn(process.execPath, [script, ledger.folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  janitor.unref()
  janitor.stdin.on('error', () => {})
  return () => janitor.stdin.end('released')
}

/** Straight out of etcd, finalizers or not: only to clear up between measurements, never in one. Watches see the deletions. */
async function wipe(etcdUrl: string, namespace: string): Promise<void> {
  for (const kind of ['jobs', 'pods', 'secrets', 'events', 'configmaps', 'leases']) {
    const key = `/registry/${kind}/${namespace}/`
    const end = `/registry/${kind}/${namespace}0` // "0" is the character after "/"
    const answer = await request(`${etcdUrl}/v3/kv/deleterange`, {
      method: 'POST',
      body: JSON.stringify({ key: base64(key), range_end: base64(end) }),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`etcd could not be emptied of ${kind}: ${answer.statusCode} ${text}`)
  }
}

/** The API server's own cache has seen the deletions too: a hundred thousand at once take it a while. A controller may make a Pod of a Job just gone. */
async function untilEmpty(admin: Credentials, namespace: string, again: () => Promise<void>): Promise<void> {
  const client = createRawClient(admin, 1)
  const deadline = performance.now() + 180_000
  let tries = 0
  for (const path of [jobsPath(namespace), podsPath(namespace), secretsPath(namespace)]) {
    for (;;) {
      const { status, text } = await client.send('GET', `${path}?limit=1`)
      if (status === 200 && (JSON.parse(text) as { items: unknown[] }).items.length === 0) break
      if (performance.now() > deadline) throw new Error(`${path} is not empty: ${status} ${text.slice(0, 300)}`)
      await delay(100)
      if (++tries % 50 === 0) await again()
    }
  }
  await client.close()
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
