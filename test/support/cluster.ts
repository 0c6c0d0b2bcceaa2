// Looks into the cluster the way kubectl would, to check what the service left there. Reads only, with the service account's own rights;
// the apiserver's request counts need the admin's.
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
  /** Names of the Secrets of a worker. */
  secretsOf(workerId: string): Promise<string[]>
  /** Requests the apiserver has counted, by "VERB resource", leaving out lists and watches; null where there is no admin to ask. */
  requestCounts(): Promise<Map<string, number> | null>
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
  const adminFile = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG
  const admin = adminFile && process.env.JOBHOOK_TEST_KUBECONFIG ? readAccess(adminFile) : null

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
    secretsOf: async (workerId) =>
      JSON.parse(await get(access, `/api/v1/namespaces/${access.namespace}/secrets?${selector(workerId)}`)).items.map(
        (secret: Raw) => secret.metadata.name,
      ),
    async requestCounts() {
      if (!admin) return null
      const counts = new Map<string, number>()
      for (const line of (await get(admin, '/metrics')).split('\n')) {
        const labels = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line)
        if (!labels) continue
        const of = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels[1] ?? '')?.[1] ?? ''
        if (of('subresource') !== '' || !['jobs', 'secrets', 'pods'].includes(of('resource'))) continue
        const key = `${of('verb')} ${of('resource')}`
        counts.set(key, (counts.get(key) ?? 0) + Number(labels[2]))
      }
      return counts
    },
    async close() {
      await access.dispatcher.close()
      await admin?.dispatcher.close()
    },
  }
}
