// Makes Services work for Pods on the real node, which has no kube-proxy and no DNS: a listener on each Service's own address that hands every
// connection to one of its ready endpoints, as EndpointSlices name them, and the names of Services by DNS. For one namespace.
import { createSocket } from 'node:dgram'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Api } from '../cluster/harness/api.ts'
import { network } from '../cluster/harness/node/config.ts'

interface Service {
  metadata: { name: string }
  spec: { clusterIP?: string; ports?: { name?: string; port: number }[] }
}
interface EndpointSlice {
  metadata: { labels?: Record<string, string> }
  ports?: { name?: string; port?: number }[]
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean } }[]
}
interface Target {
  host: string
  port: number
}

export interface ServedServices {
  /** Address of a Service, as its name says. */
  resolve(name: string): string | null
  close(): Promise<void>
}

/** How often the API is read: what a kube-proxy needs to follow. */
const EVERY_MS = 200

/** @param outside ports on 127.0.0.1 that stand behind Services without a selector, by the Service's name */
export async function serveServices(api: Api, options: { namespace: string; outside: Record<string, number> }): Promise<ServedServices> {
  const { namespace, outside } = options
  const ends = new AbortController()
  const sockets = new Set<Socket>()
  const listeners = new Map<string, { server: Server; targets: Target[] }>()
  const addresses = new Map<string, string>()

  async function open(address: string, port: number): Promise<{ server: Server; targets: Target[] }> {
    const key = `${address}:${port}`
    const known = listeners.get(key)
    if (known) return known
    const entry: { server: Server; targets: Target[] } = { server: createServer(), targets: [] }
    listeners.set(key, entry)
    let turn = 0
    entry.server.on('connection', (client) => {
      const target = entry.targets[turn++ % entry.targets.length]
      if (!target) return void client.resetAndDestroy()
      const other = connect(target)
      for (const socket of [client, other]) sockets.add(socket.once('close', () => sockets.delete(socket)))
      client.pipe(other).pipe(client)
      client.on('error', () => other.destroy())
      other.on('error', () => client.resetAndDestroy())
    })
    await new Promise<void>((resolve, reject) => entry.server.once('error', reject).listen(port, address, resolve))
    return entry
  }

  async function look(): Promise<void> {
    const [services, slices] = await Promise.all([
      api.get<{ items: Service[] }>(`/api/v1/namespaces/${namespace}/services`),
      api.get<{ items: EndpointSlice[] }>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`),
    ])
    for (const { metadata, spec } of services.items) {
      if (!spec.clusterIP || spec.clusterIP === 'None') continue
      addresses.set(metadata.name, spec.clusterIP)
      const mine = slices.items.filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name)
      const local = outside[metadata.name]
      for (const { name, port } of spec.ports ?? []) {
        const entry = await open(spec.clusterIP, port)
        entry.targets = local === undefined ? mine.flatMap((slice) => readyTargets(slice, name)) : [{ host: '127.0.0.1', port: local }]
      }
    }
  }

  const resolver = createSocket('udp4')
  resolver.on('message', (query, from) =>
    resolver.send(
      answer(query, (name) => resolve(name)),
      from.port,
      from.address,
    ),
  )
  await new Promise<void>((done) => resolver.bind(53, network.dns, done))

  function resolve(name: string): string | null {
    const [, service, where] = /^([^.]+)\.([^.]+)\.svc(?:\.cluster\.local)?$/.exec(name) ?? []
    return where === namespace && service !== undefined ? (addresses.get(service) ?? null) : null
  }

  // The API itself, as every Pod knows it: KUBERNETES_SERVICE_HOST.
  const kubernetes = await api.get<Service>('/api/v1/namespaces/default/services/kubernetes')
  const plane = await open(kubernetes.spec.clusterIP ?? '', 443)
  plane.targets = [{ host: '127.0.0.1', port: api.port }]

  await look()
  const following = (async () => {
    while (!ends.signal.aborted) {
      await look().catch(() => {}) // the namespace may be going
      await delay(EVERY_MS, undefined, { signal: ends.signal }).catch(() => {})
    }
  })()

  return {
    resolve,
    async close() {
      ends.abort()
      await following
      for (const { server } of listeners.values()) server.close()
      for (const socket of sockets) socket.destroy()
      resolver.close()
    },
  }
}

/** As kube-proxy chooses: ready ones; where there are none, those that still serve while they end. */
function readyTargets(slice: EndpointSlice, portName: string | undefined): Target[] {
  const port = slice.ports?.find((candidate) => (candidate.name ?? '') === (portName ?? ''))?.port
  if (port === undefined) return []
  const endpoints = slice.endpoints ?? []
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false)
  const chosen = ready.length > 0 ? ready : endpoints.filter(({ conditions }) => conditions?.serving && conditions.terminating)
  return chosen.flatMap(({ addresses: [host] }) => (host === undefined ? [] : [{ host, port }]))
}

/** One question, answered: an A record, nothing for another type of a name that is known, NXDOMAIN otherwise. */
function answer(query: Buffer, resolve: (name: string) => string | null): Buffer {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length))
    at += 1 + length
  }
  const type = query.readUInt16BE(at + 1)
  const question = query.subarray(12, at + 5)
  const address = resolve(labels.join('.').toLowerCase())
  const found = address !== null && type === 1
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8580 | (address === null ? 3 : 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(found ? 1 : 0, 6)
  if (!found) return Buffer.concat([header, question])
  // A pointer to the question's name, A, IN, 1 s, four bytes.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)])
  return Buffer.concat([header, question, record])
}
