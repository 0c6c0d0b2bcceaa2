// Reads what nearly every kubeconfig says, and what is mounted in a Pod, without the official client: loading its configuration class alone loads
// every model of the API, half a second of CPU and 58 MB. Whatever is not plain here (exec, auth providers, passwords, impersonation, proxies, several
// files, anything unreadable) is null, and the official client reads it.
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'

export type KubeConfigSource = { kind: 'text'; text: string } | { kind: 'file'; path: string } | { kind: 'default' }

/** What the rest of this stage needs of a kubeconfig. */
export type KubeAccess = Pick<KubeConfig, 'getCurrentCluster' | 'getCurrentUser' | 'applyToHTTPSOptions'>

const MOUNTED = '/var/run/secrets/kubernetes.io/serviceaccount'
const CLUSTER_FIELDS = new Set([
  'server',
  'certificate-authority',
  'certificate-authority-data',
  'insecure-skip-tls-verify',
  'tls-server-name',
])
const USER_FIELDS = new Set(['token', 'tokenFile', 'client-certificate', 'client-certificate-data', 'client-key', 'client-key-data'])

type Fields = Record<string, unknown>

export function readPlainKubeConfig(
  source: KubeConfigSource,
  env: Readonly<Record<string, string | undefined>> = process.env,
): { kubeConfig: KubeAccess; namespace: string | null } | null {
  try {
    if (source.kind === 'text') return fromText(source.text, process.cwd())
    if (source.kind === 'file') return fromFile(source.path)
    if (env.KUBECONFIG) return env.KUBECONFIG.includes(delimiter) ? null : fromFile(env.KUBECONFIG)
    const own = join(homedir(), '.kube', 'config')
    return existsSync(own) ? fromFile(own) : fromPod(env)
  } catch {
    // Its own reading says better what is wrong.
    return null
  }
}

function fromFile(path: string) {
  return fromText(readFileSync(path, 'utf8'), dirname(path))
}

function fromText(text: string, folder: string) {
  const config = fieldsOf(parse(text))
  const context = named(config.contexts, 'context', config['current-context'])
  const cluster = named(config.clusters, 'cluster', context?.cluster)
  const user = named(config.users, 'user', context?.user)
  if (!context || !cluster || !user || !plain(cluster, CLUSTER_FIELDS) || !plain(user, USER_FIELDS)) return null
  const { server } = cluster
  if (typeof server !== 'string') return null
  const pem = (fields: Fields, name: string): string | null => {
    const data = fields[`${name}-data`]
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8')
    const path = fields[name]
    return typeof path === 'string' ? readFileSync(resolve(folder, path), 'utf8') : null
  }
  const { token, tokenFile } = user
  const namespace = typeof context.namespace === 'string' ? context.namespace : null
  return access(server, namespace, {
    token: () =>
      typeof tokenFile === 'string' ? readFileSync(resolve(folder, tokenFile), 'utf8') : typeof token === 'string' ? token : null,
    ca: () => pem(cluster, 'certificate-authority'),
    cert: () => pem(user, 'client-certificate'),
    key: () => pem(user, 'client-key'),
    serverName: typeof cluster['tls-server-name'] === 'string' ? cluster['tls-server-name'] : null,
    verify: cluster['insecure-skip-tls-verify'] !== true,
  })
}

/** Token and authority are read each time: Kubernetes replaces them while we run. */
function fromPod(env: Readonly<Record<string, string | undefined>>) {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  const read = (name: string): string => readFileSync(join(MOUNTED, name), 'utf8')
  if (!host || !port || !['token', 'ca.crt', 'namespace'].every((name) => existsSync(join(MOUNTED, name)))) return null
  return access(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, read('namespace').trim(), {
    token: () => read('token'),
    ca: () => read('ca.crt'),
    cert: () => null,
    key: () => null,
    serverName: null,
    verify: true,
  })
}

interface Parts {
  token(): string | null
  ca(): string | null
  cert(): string | null
  key(): string | null
  serverName: string | null
  verify: boolean
}

function access(server: string, namespace: string | null, parts: Parts): { kubeConfig: KubeAccess; namespace: string | null } {
  const tls = server.startsWith('https://')
  const apply = (options: Parameters<KubeAccess['applyToHTTPSOptions']>[0]): void => {
    const token = parts.token()?.trim()
    if (token) options.headers = { ...(options.headers as Record<string, string>), Authorization: `Bearer ${token}` }
    if (!tls) return
    const [ca, cert, key] = [parts.ca(), parts.cert(), parts.key()]
    if (ca !== null) options.ca = ca
    if (cert !== null) options.cert = cert
    if (key !== null) options.key = key
    if (parts.serverName !== null) options.servername = parts.serverName
    if (!parts.verify) options.rejectUnauthorized = false
  }
  // What cannot be read now is not plain: the official client says why.
  apply({})
  return {
    namespace,
    kubeConfig: {
      getCurrentCluster: () => ({ name: 'current', server, skipTLSVerify: !parts.verify }),
      getCurrentUser: () => null,
      applyToHTTPSOptions: async (options) => apply(options),
    },
  }
}

function named(list: unknown, field: string, name: unknown): Fields | null {
  const found = Array.isArray(list) && typeof name === 'string' ? list.find((each) => fieldsOf(each).name === name) : undefined
  const value = fieldsOf(found)[field]
  return typeof value === 'object' && value !== null ? (value as Fields) : null
}

/** Nothing but these, and nothing that has to be understood: every value is a text or a flag. */
function plain(fields: Fields, known: ReadonlySet<string>): boolean {
  return Object.entries(fields).every(([name, value]) => known.has(name) && (typeof value === 'string' || typeof value === 'boolean'))
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
