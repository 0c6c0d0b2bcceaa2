// Where the API is and how to prove who we are: KubeConfig for the facts, our own undici Agents for the connections.
// The official client makes an Agent (a TLS handshake) per call; one shared Agent is 5 to 20 times faster.
import type { ConnectionOptions } from 'node:tls'
import { Agent, type buildConnector, type Dispatcher } from 'undici'
import type { KubeAccess } from './plain-kubeconfig.ts'

export type Pool = 'requests' | 'watch' | 'lease' | 'logs'

export interface Connection {
  /** Scheme, host and port. */
  origin: string
  /** Path prefix of the API server's URL, without a trailing slash. */
  prefix: string
  /** What a request needs now: headers with credentials and the Agent of the pool. Tokens rotate, so ask for each request. */
  prepare(pool: Pool): Promise<{ dispatcher: Dispatcher; headers: Record<string, string> }>
  /** The API refused the credentials (401): the next request reads them anew. */
  invalidate(): void
  close(): Promise<void>
}

/** Credentials are read again after this long: a token or an authority that was rotated is in use by then. client-node runs an exec plugin at each call. */
const CREDENTIALS_TTL_MS = 5_000
/** After a refusal they are read at once, but not for each of a hundred requests that are refused in the same moment. */
const FRESH_MS = 1_000

/** Logs followed before a stop, followed by REST and read to their end, all at once (their own limits add up to less). */
const LOG_CONNECTIONS = 256

interface Credentials {
  headers: Record<string, string>
  tls: ConnectionOptions
  fingerprint: string
  from: KubeAccess
  readAtMs: number
}

export function createConnection(
  deps: {
    kubeConfig: KubeAccess
    /** What the configuration says by now; the same object as long as that is the same. `refused`: what we have was not accepted. */
    reload?: (refused: boolean) => KubeAccess
    elapsedMs: () => number
  },
  options: { connections: number; connectTimeoutMs: number; watchIdleMs: number },
): Connection {
  const cluster = deps.kubeConfig.getCurrentCluster()
  if (!cluster) throw new Error('the kubeconfig names no current cluster: set current-context to one that exists')
  const server = new URL(cluster.server)
  let cached: Credentials | null = null
  let refused = false
  let closed = false
  let reading: Promise<Credentials> | null = null
  let agents: { fingerprint: string; pools: Map<Pool, Agent> } = { fingerprint: '', pools: new Map() }
  const retired = new Set<Agent>()

  async function credentials(): Promise<Credentials> {
    const nowMs = deps.elapsedMs()
    const ageMs = cached ? nowMs - cached.readAtMs : Number.POSITIVE_INFINITY
    if (cached && !refused && ageMs < CREDENTIALS_TTL_MS) return cached
    const config = deps.reload?.(refused && ageMs >= FRESH_MS) ?? deps.kubeConfig
    if (cached && ageMs < FRESH_MS && config === cached.from) return cached
    // One read at a time: an exec plugin must not be started once per concurrent request.
    reading ??= readCredentials(config, nowMs).finally(() => {
      reading = null
    })
    cached = await reading
    refused = false
    return cached
  }

  function agentFor(pool: Pool, current: Credentials): Agent {
    if (agents.fingerprint !== current.fingerprint) {
      // The CA or the client certificate changed: new connections use it, requests under way end on the old ones.
      for (const agent of agents.pools.values()) {
        retired.add(agent)
        agent.close().finally(() => retired.delete(agent))
      }
      agents = { fingerprint: current.fingerprint, pools: new Map() }
    }
    let agent = agents.pools.get(pool)
    if (!agent) {
      agent = createAgent(pool, current.tls, options)
      agents.pools.set(pool, agent)
    }
    return agent
  }

  return {
    origin: server.origin,
    prefix: server.pathname.replace(/\/+$/, ''),
    async prepare(pool) {
      // Whoever still retries would open connections that nobody closes, and keep the process alive.
      if (closed) throw new Error('the connection to the cluster is closed')
      const current = await credentials()
      return { dispatcher: agentFor(pool, current), headers: current.headers }
    },
    invalidate() {
      refused = true
    },
    async close() {
      closed = true
      const all = [...agents.pools.values(), ...retired]
      agents = { fingerprint: '', pools: new Map() }
      await Promise.all(all.map((agent) => agent.destroy()))
    },
  }
}

function createAgent(
  pool: Pool,
  tls: ConnectionOptions,
  options: { connections: number; connectTimeoutMs: number; watchIdleMs: number },
): Agent {
  return new Agent({
    connections: pool === 'requests' ? options.connections : pool === 'logs' ? LOG_CONNECTIONS : 4,
    pipelining: 1,
    // A dead HTTP/2 connection went unnoticed for 150 s; HTTP/1.1 has timeouts that work.
    allowH2: false,
    connect: { ...tls, timeout: options.connectTimeoutMs } as buildConnector.BuildOptions,
    keepAliveTimeout: 30_000,
    // For a watch this is the idle timeout: bookmarks come about once a minute, so silence means a dead connection.
    bodyTimeout: pool === 'watch' ? options.watchIdleMs : 0,
    // A container that has written nothing yet: the answer to a follow, headers too, comes with its first line.
    headersTimeout: pool === 'logs' ? 0 : 30_000,
  })
}

async function readCredentials(kubeConfig: KubeAccess, nowMs: number): Promise<Credentials> {
  const applied: { headers?: Record<string, string | number | string[] | undefined>; auth?: string } & ConnectionOptions = {}
  await kubeConfig.applyToHTTPSOptions(applied)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(applied.headers ?? {})) if (typeof value === 'string') headers[name] = value.trim()
  if (applied.auth) headers.Authorization = `Basic ${Buffer.from(applied.auth).toString('base64')}`
  const tls: ConnectionOptions = {}
  if (applied.ca) tls.ca = applied.ca
  if (applied.cert) tls.cert = applied.cert
  if (applied.key) tls.key = applied.key
  if (applied.servername) tls.servername = applied.servername
  if (applied.rejectUnauthorized === false) tls.rejectUnauthorized = false
  const fingerprint = [tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized].map(String).join('\n')
  return { headers, tls, fingerprint, from: kubeConfig, readAtMs: nowMs }
}
