// Looks into the cluster the way kubectl would, to check what the service left there. Reads only, with the service account's own rights.
import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher, request } from 'undici'
import { parse } from 'yaml'
import { workerLabel } from '../../src/jobspec/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: raw objects of the API
type Raw = any

export interface ClusterAccess {
  kubeconfigFile: string
  namespace: string
  getJob(name: string): Promise<Raw>
  jobsOf(workerId: string): Promise<Raw[]>
  podsOf(workerId: string): Promise<Raw[]>
  /** Merge patch, as another controller would. */
  patchJob(name: string, patch: unknown): Promise<void>
  /** Names of the Secrets of a worker. */
  secretsOf(workerId: string): Promise<string[]>
  /** How often jobhook did what to these objects, by "verb resource", as the apiserver's audit log says; null where there is none. */
  auditCounts(isMeant: (objectName: string) => boolean): Map<string, number> | null
  close(): Promise<void>
}

interface Access {
  server: string
  namespace: string
  headers: Record<string, string>
  dispatcher: Dispatcher
}

function readAccess(file: string): Access {
  const config = parse(readFileSync(file, 'utf8')) as Raw
  const context = config.contexts.find((each: Raw) => each.name === config['current-context']).context
  const cluster = config.clusters.find((each: Raw) => each.name === context.cluster).cluster
  const user = config.users.find((each: Raw) => each.name === context.user)?.user ?? {}
  const ca = cluster['certificate-authority-data']
    ? Buffer.from(cluster['certificate-authority-data'], 'base64')
    : cluster['certificate-authority']
      ? readFileSync(cluster['certificate-authority'])
      : undefined
  return {
    server: cluster.server.replace(/\/$/, ''),
    namespace: context.namespace ?? 'default',
    headers: user.token ? { authorization: `Bearer ${user.token}` } : {},
    dispatcher: new Agent({
      allowH2: false,
      connect: { ...(ca ? { ca } : {}), ...(cluster['insecure-skip-tls-verify'] ? { rejectUnauthorized: false } : {}) },
    }),
  }
}

export function openCluster(kubeconfigFile: string): ClusterAccess {
  const access = readAccess(kubeconfigFile)

  async function get(from: Access, path: string): Promise<string> {
    const response = await request(`${from.server}${path}`, { headers: from.headers, dispatcher: from.dispatcher })
    const text = await response.body.text()
    if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode} ${text.slice(0, 300)}`)
    return text
  }
  const selector = (workerId: string): string => `labelSelector=${encodeURIComponent(`jobhook.dev/worker=${workerLabel(workerId)}`)}`
  const jobs = `/apis/batch/v1/namespaces/${access.namespace}/jobs`

  return {
    kubeconfigFile,
    namespace: access.namespace,
    getJob: async (name) => JSON.parse(await get(access, `${jobs}/${name}`)),
    jobsOf: async (workerId) => JSON.parse(await get(access, `${jobs}?${selector(workerId)}`)).items,
    async patchJob(name, patch) {
      const response = await request(`${access.server}${jobs}/${name}`, {
        method: 'PATCH',
        headers: { ...access.headers, 'content-type': 'application/merge-patch+json' },
        dispatcher: access.dispatcher,
        body: JSON.stringify(patch),
      })
      const text = await response.body.text()
      if (response.statusCode !== 200) throw new Error(`PATCH ${name}: ${response.statusCode} ${text.slice(0, 300)}`)
    },
    podsOf: async (workerId) => JSON.parse(await get(access, `/api/v1/namespaces/${access.namespace}/pods?${selector(workerId)}`)).items,
    secretsOf: async (workerId) =>
      JSON.parse(await get(access, `/api/v1/namespaces/${access.namespace}/secrets?${selector(workerId)}`)).items.map(
        (secret: Raw) => secret.metadata.name,
      ),
    auditCounts(isMeant) {
      const file = process.env.JOBHOOK_TEST_AUDIT_LOG
      if (!file || !process.env.JOBHOOK_TEST_KUBECONFIG) return null
      const counts = new Map<string, number>()
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        if (!line.includes('"jobhook/')) continue
        const { verb, userAgent, objectRef, stage } = JSON.parse(line) as Raw
        if (stage !== 'ResponseComplete' || !userAgent?.startsWith('jobhook/') || !objectRef?.name || !isMeant(objectRef.name)) continue
        const key = `${verb} ${objectRef.resource}${objectRef.subresource ? `/${objectRef.subresource}` : ''}`
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      return counts
    },
    async close() {
      await access.dispatcher.close()
    },
  }
}
