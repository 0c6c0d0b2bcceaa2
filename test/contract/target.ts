/**
 * Which Kubernetes API the contract suite talks to, and how: plain undici, not jobhook's own client, so that the suite tests the API and nothing else.
 * Without environment: the embedded cluster, started here. With JOBHOOK_TEST_KUBECONFIG: that real cluster.
 *
 * JOBHOOK_TEST_KUBECONFIG        a service account's kubeconfig, its namespace in the context
 * JOBHOOK_TEST_ADMIN_KUBECONFIG  an administrator's: then each file runs in a fresh namespace with a ServiceAccount of its own, deleted afterwards
 * JOBHOOK_TEST_NODE              real | kwok | none: whether containers run there (default none)
 * JOBHOOK_TEST_CONTROLLERS      0 where no controller acts on Jobs and owners (an API server alone)
 * JOBHOOK_TEST_ETCD              the real cluster's etcd, http://127.0.0.1:PORT, to compact its history on demand
 */
import { Agent, request } from 'undici'
import { type Connection, readKubeconfig } from './kubeconfig.ts'
import { prepareNamespace } from './namespace.ts'

export type Json = { [field: string]: unknown }

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** The body as JSON, or {} when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are whatever the API under test sends; the tests look at them field by field
  body: any
}

export interface CallOptions {
  body?: unknown
  contentType?: string
  accept?: string
  admin?: boolean
}

export interface Stream {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The next line, or null when the stream has ended. */
  line(): Promise<string | null>
  close(): void
}

export interface Target {
  kind: 'embedded' | 'real'
  namespace: string
  /** Whether a container's command really runs. */
  runsContainers: boolean
  /** Whether Jobs, owner references and TTLs are acted on. */
  hasControllers: boolean
  /** Why not, for a skipped test's reason. */
  why: string
  /** An image that every command of the suite runs in (sh, sleep, seq, env). */
  image: string
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  stream(path: string, options?: CallOptions): Promise<Stream>
  /** Makes every earlier resourceVersion too old; null where that cannot be done. */
  compact: (() => Promise<void>) | null
  close(): Promise<void>
}

export async function openTarget(): Promise<Target> {
  const kubeconfig = process.env.JOBHOOK_TEST_KUBECONFIG
  return kubeconfig === undefined ? openEmbedded() : openReal(kubeconfig, process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG)
}

async function openEmbedded(): Promise<Target> {
  const { startEmbedded } = await import('../../src/embedded/index.ts')
  const cluster = await startEmbedded({
    namespaces: ['contract', 'kube-system'],
    rbacDeny: ({ namespace, resource }) => namespace === 'kube-system' || resource === 'namespaces',
    log: (line) => process.stderr.write(`embedded: ${line}\n`),
  })
  const connection = { url: cluster.url, namespace: 'contract', token: null, ca: null, insecure: false }
  const calls = connect(connection, null)
  return {
    kind: 'embedded',
    namespace: 'contract',
    runsContainers: true,
    hasControllers: true,
    why: '',
    image: 'docker.io/library/busybox:1.36',
    ...calls,
    compact: () => Promise.resolve(cluster.compact()),
    async close() {
      await calls.close()
      await cluster.close()
    },
  }
}

async function openReal(kubeconfig: string, adminKubeconfig: string | undefined): Promise<Target> {
  const own = readKubeconfig(kubeconfig)
  const admin = adminKubeconfig === undefined ? null : readKubeconfig(adminKubeconfig)
  const adminCalls = admin === null ? null : connect(admin, null)
  const hasControllers = process.env.JOBHOOK_TEST_CONTROLLERS !== '0'
  const fresh = adminCalls === null ? null : await prepareNamespace(adminCalls.call, hasControllers)
  const connection = fresh === null ? own : { ...own, namespace: fresh.namespace, token: fresh.token }
  const calls = connect(connection, admin)
  const node = process.env.JOBHOOK_TEST_NODE ?? 'none'
  const etcd = process.env.JOBHOOK_TEST_ETCD
  return {
    kind: 'real',
    namespace: connection.namespace,
    runsContainers: node === 'real',
    hasControllers,
    why: `JOBHOOK_TEST_NODE is ${node}: containers do not run there`,
    image: 'docker.io/library/busybox:1.36',
    ...calls,
    compact: etcd === undefined ? null : () => compactEtcd(etcd, calls.call, connection.namespace),
    async close() {
      await fresh?.remove()
      await calls.close()
      await adminCalls?.close()
    },
  }
}

type Call = Target['call']

function connect(connection: Connection, admin: Connection | null): Pick<Target, 'call' | 'stream' | 'close'> {
  const agent = (to: Connection): Agent =>
    new Agent({
      allowH2: false,
      connections: 64,
      bodyTimeout: 0,
      connect: { rejectUnauthorized: !to.insecure, ...(to.ca === null ? {} : { ca: to.ca }) },
    })
  const own = agent(connection)
  const other = admin === null ? null : agent(admin)

  function open(method: string, path: string, options: CallOptions, signal?: AbortSignal) {
    const to = options.admin === true && admin !== null ? admin : connection
    const headers: Record<string, string> = { 'accept-encoding': 'identity', accept: options.accept ?? 'application/json' }
    if (to.token !== null) headers.authorization = `Bearer ${to.token}`
    if (options.body !== undefined) headers['content-type'] = options.contentType ?? 'application/json'
    const body = options.body === undefined ? null : typeof options.body === 'string' ? options.body : JSON.stringify(options.body)
    const dispatcher = to === admin && other !== null ? other : own
    return request(`${to.url}${path}`, { method: method as 'GET', headers, body, dispatcher, ...(signal === undefined ? {} : { signal }) })
  }

  return {
    async call(method, path, options = {}) {
      const answer = await open(method, path, options)
      const text = await answer.body.text()
      return { status: answer.statusCode, headers: answer.headers, text, body: parsed(text) }
    },
    async stream(path, options = {}) {
      const aborter = new AbortController()
      const answer = await open('GET', path, options, aborter.signal)
      answer.body.on('error', () => {}) // closing a stream early is how these tests end one
      const lines = linesOf(answer.body)
      return {
        status: answer.statusCode,
        headers: answer.headers,
        line: async () => {
          const next = await lines.next()
          return next.done === true ? null : next.value
        },
        close: () => aborter.abort(),
      }
    },
    async close() {
      await own.destroy()
      await other?.destroy()
    },
  }
}

async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** Compacts as an API server's own compactor would, which first writes the revision down: the key tells the server to drop what it holds in memory. */
async function compactEtcd(etcd: string, call: Call, namespace: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  const list = async (): Promise<string> => (await call('GET', `${path}?limit=1`)).body.metadata.resourceVersion
  const before = await list()
  const marker = await call('POST', path, { body: { metadata: { generateName: 'compaction-' } } })
  const { resourceVersion, name } = marker.body.metadata
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  await etcdCall(etcd, 'put', { key: base64('compact_rev_key'), value: base64(resourceVersion) })
  await etcdCall(etcd, 'compaction', { revision: resourceVersion, physical: true })
  const deadline = Date.now() + 60_000
  while ((await call('GET', `${path}?resourceVersionMatch=Exact&resourceVersion=${before}`)).status !== 410) {
    if (Date.now() > deadline) throw new Error('the API server did not notice the compaction')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await call('DELETE', `${path}/${name}`)
}

async function etcdCall(etcd: string, method: string, body: object): Promise<void> {
  const answer = await request(`${etcd}/v3/kv/${method}`, { method: 'POST', body: JSON.stringify(body) })
  const text = await answer.body.text()
  const already = text.includes('has been compacted') // two test files compact at the same time
  if (answer.statusCode !== 200 && !already) throw new Error(`etcd ${method}: ${answer.statusCode} ${text}`)
}
