// The two ways out: one to the configured URL (client certificate, proxy of the environment), one to URLs that tasks chose (guarded addresses,
// no proxy, no client certificate). Not for: what is sent (deliver.ts).
import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { type EgressPolicy, guardConnector, type LookupAll } from './egress.ts'

/** Paths of PEM files. `caFile` is trusted beside the system's authorities; certificate and key are shown to the configured URL only. */
export interface TlsFiles {
  caFile: string | null
  certFile: string | null
  keyFile: string | null
}

/** From HTTPS_PROXY, HTTP_PROXY and NO_PROXY; null where not set. */
export interface ProxySettings {
  http: string | null
  https: string | null
  except: string
}

export interface TransportOptions {
  /** Connections to one origin. */
  connections: number
  connectTimeoutMs: number
  tls: TlsFiles
  proxy: ProxySettings | null
  allowPrivate: boolean
  /** For tests. */
  lookup?: LookupAll
}

export interface Transport {
  /** For the configured URL. */
  trusted: Dispatcher
  /** For URLs from tasks. */
  guarded: Dispatcher
  close(): Promise<void>
}

/** Proxies as the environment names them, in either case; null when there is none. */
export function proxyOfEnvironment(env: Readonly<Record<string, string | undefined>>): ProxySettings | null {
  const read = (name: string): string | null => env[name.toLowerCase()] || env[name] || null
  const http = read('HTTP_PROXY')
  const https = read('HTTPS_PROXY')
  // A receiver on this machine is never behind a proxy, whatever NO_PROXY leaves out.
  return http === null && https === null ? null : { http, https, except: `${read('NO_PROXY') ?? ''},localhost,127.0.0.1,[::1]` }
}

/** Reads no file and opens no connection before the first request. */
export function createTransport(options: TransportOptions): Transport {
  const shared = { connections: options.connections, pipelining: 1, allowH2: false, keepAliveTimeout: 10_000 }
  const connector = (policy: EgressPolicy, files: TlsFiles) =>
    guardConnector(reloadingConnector(files, options.connectTimeoutMs), {
      policy,
      ...(options.lookup ? { lookup: options.lookup } : {}),
    })
  const guarded = new Agent({
    ...shared,
    connect: connector(options.allowPrivate ? 'private' : 'guarded', { ...options.tls, certFile: null, keyFile: null }),
  })
  const direct = connector('trusted', options.tls)
  const { proxy } = options
  const trusted = proxy
    ? new EnvHttpProxyAgent({
        ...shared,
        connect: direct,
        // An empty text is "none"; undefined would make undici read the environment itself.
        httpProxy: proxy.http ?? '',
        httpsProxy: proxy.https ?? '',
        noProxy: proxy.except,
        requestTls: { ...readTls(options.tls), timeout: options.connectTimeoutMs },
      })
    : new Agent({ ...shared, connect: direct })
  return {
    trusted,
    guarded,
    async close() {
      await Promise.all([trusted.destroy(), guarded.destroy()])
    },
  }
}

/** Reads the files anew for each connection, so that a renewed certificate needs no restart. (Through a proxy: at the start only.) */
function reloadingConnector(files: TlsFiles, timeoutMs: number): buildConnector.connector {
  let current: { text: string; connect: buildConnector.connector } | null = null
  return (options, callback) => {
    try {
      const tls = options.protocol === 'https:' ? readTls(files) : {}
      const text = JSON.stringify(tls)
      if (current?.text !== text) current = { text, connect: buildConnector({ ...tls, timeout: timeoutMs, allowH2: false }) }
    } catch (error) {
      return callback(error instanceof Error ? error : new Error(String(error)), null)
    }
    return current.connect(options, callback)
  }
}

function readTls(files: TlsFiles): { ca?: string[]; cert?: string; key?: string } {
  const read = (path: string): string => readFileSync(path, 'utf8')
  return {
    ...(files.caFile === null ? {} : { ca: [...getCACertificates('default'), read(files.caFile)] }),
    ...(files.certFile === null ? {} : { cert: read(files.certFile) }),
    ...(files.keyFile === null ? {} : { key: read(files.keyFile) }),
  }
}
