// One attempt over real connections on loopback: where it may go, how long it may take, what its answer means.
import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, test } from 'node:test'
import { createDeliverer, createLanes, createTransport, proxyOfEnvironment } from '../../src/callback/index.ts'
import type { TransportOptions } from '../../src/callback/transport.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { noTracer } from '../../src/lib/trace.ts'
import type { OwedMessage } from '../../src/model/callback.ts'

const closers: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})

async function serve(listener: RequestListener): Promise<{ server: Server; port: number; seen: string[] }> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host}`)
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return { server, port: (server.address() as AddressInfo).port, seen }
}

function deliverer(options: Partial<TransportOptions> & { timeoutMs?: number } = {}) {
  const { timeoutMs = 5_000, ...more } = options
  const allowPrivate = more.allowPrivate ?? false
  const transport = createTransport({
    connections: 4,
    connectTimeoutMs: timeoutMs,
    tls: { caFile: null, certFile: null, keyFile: null },
    proxy: null,
    allowPrivate,
    ...more,
  })
  closers.push(() => transport.close())
  const { deliver } = createDeliverer(
    {
      sign: () => 'v1,signature',
      transport,
      lanes: createLanes({ clock: systemClock, wake: () => {} }, { atOnce: 4 }),
      clock: systemClock,
      log: createLog({ level: 'silent', workerId: 'w' }),
      metrics: createMetrics(),
      tracer: noTracer,
    },
    { timeoutMs, userAgent: 'jobhook/test', allowPrivate },
  )
  return (url: string, perTask: boolean, signal: AbortSignal | null = new AbortController().signal) =>
    deliver(message(url, perTask), { key: 'job-1', signal })
}

function message(url: string, perTask: boolean): OwedMessage {
  return { slot: 'verdict', id: 'jobhook_1_verdict', type: 'task_completed', url, body: '{}', taskId: 't', traceparent: null, perTask }
}

const ok: RequestListener = (_request, response) => void response.end('thanks')

test('a task’s own URL does not reach this machine, by address or by name; the configured URL does', async () => {
  const { port, seen } = await serve(ok)
  const deliver = deliverer({ lookup: async () => ['127.0.0.1'] })
  for (const host of ['127.0.0.1', '127.1', 'inside.example']) {
    const result = await deliver(`http://${host}:${port}/`, true)
    assert.equal(result.kind, 'retry')
    assert.match(result.kind === 'retry' ? result.cause : '', /127\.0\.0\.1.* a private address/)
  }
  const mapped = await deliver(`http://[::ffff:127.0.0.1]:${port}/`, true)
  assert.match(mapped.kind === 'retry' ? mapped.cause : '', /a private address/)
  assert.deepEqual(seen, [])
  assert.deepEqual(await deliver(`http://127.0.0.1:${port}/x`, false), { kind: 'acknowledged', status: 200 })
  assert.equal(seen.length, 1)
})

test('with allow_private a task’s own URL reaches private addresses; metadata services are out of reach even for the configured URL', async () => {
  const { port } = await serve(ok)
  const deliver = deliverer({
    allowPrivate: true,
    lookup: async (host) => (host === 'metadata.example' ? ['169.254.169.254'] : ['127.0.0.1']),
  })
  assert.equal((await deliver(`http://inside.example:${port}/`, true)).kind, 'acknowledged')
  for (const perTask of [true, false]) {
    for (const host of ['metadata.example', '169.254.169.254', '[fd00:ec2::254]']) {
      const result = await deliver(`http://${host}:${port}/`, perTask)
      assert.match(result.kind === 'retry' ? result.cause : '', /metadata service/)
    }
  }
})

test('one forbidden address among several is enough to refuse a name', async () => {
  const deliver = deliverer({ lookup: async () => ['8.8.8.8', '10.0.0.1'] })
  const result = await deliver('http://mixed.example/', true)
  assert.match(result.kind === 'retry' ? result.cause : '', /mixed\.example leads to 10\.0\.0\.1, which is a private address/)
})

test('a name is looked up once for a connection, and the connection goes to the address that was checked', async () => {
  const { port, seen } = await serve(ok)
  let lookups = 0
  // The second answer is the rebinding attack: whoever looked up again to connect would go there.
  const deliver = deliverer({ allowPrivate: true, lookup: async () => (++lookups === 1 ? ['127.0.0.1'] : ['169.254.169.254']) })
  assert.equal((await deliver(`http://rebinding.example:${port}/a`, true)).kind, 'acknowledged')
  assert.deepEqual([lookups, seen], [1, [`POST /a rebinding.example:${port}`]])
})

test('when one address of a name does not answer, the next one is tried', async () => {
  const { port } = await serve(ok)
  const deliver = deliverer({ allowPrivate: true, lookup: async () => ['127.0.0.2', '127.0.0.1'] })
  assert.equal((await deliver(`http://two.example:${port}/`, true)).kind, 'acknowledged')
})

test('redirects are not followed', async () => {
  const { port, seen } = await serve((request, response) => void response.writeHead(307, { location: '/elsewhere' }).end(request.url))
  const result = await deliverer()(`http://127.0.0.1:${port}/first`, false)
  assert.match(result.kind === 'retry' ? result.cause : '', /307; redirects are not followed/)
  assert.equal(seen.length, 1)
})

test('an answer without end and an answer that drips are cut off; the status counts', async () => {
  const chunk = Buffer.alloc(64 * 1024)
  const endless = await serve((_request, response) => {
    response.writeHead(200)
    const pour = (): void => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', pour)
    }
    pour()
  })
  assert.equal((await deliverer()(`http://127.0.0.1:${endless.port}/`, false)).kind, 'acknowledged')
  const dripping = await serve((_request, response) => {
    response.writeHead(500)
    const timer = setInterval(() => response.write('.'), 50)
    response.once('close', () => clearInterval(timer))
  })
  const result = await deliverer({ timeoutMs: 500 })(`http://127.0.0.1:${dripping.port}/`, false)
  assert.deepEqual([result.kind, result.kind === 'retry' ? result.status : null], ['retry', 500])
})

test('no answer in time is a failed attempt; one that we break off, or may not make, is none', async () => {
  const { port, seen } = await serve(() => {})
  const url = `http://127.0.0.1:${port}/`
  assert.deepEqual(await deliverer({ timeoutMs: 200 })(url, false), {
    kind: 'retry',
    status: null,
    afterMs: null,
    cause: 'no answer within 0.2 s',
  })
  const leading = new AbortController()
  const broken = deliverer()(url, false, leading.signal)
  leading.abort(new Error('the lease is overdue'))
  assert.deepEqual(await broken, { kind: 'later', cause: 'the lease is overdue' })
  const before = seen.length
  assert.equal((await deliverer()(url, false, null)).kind, 'later')
  assert.equal(seen.length, before)
})

const answers: [status: number, headers: Record<string, string>, result: object][] = [
  [200, {}, { kind: 'acknowledged', status: 200 }],
  [204, {}, { kind: 'acknowledged', status: 204 }],
  [410, {}, { kind: 'gone' }],
  [404, {}, { kind: 'retry', status: 404, afterMs: null, cause: 'the receiver answered 404' }],
  [429, { 'retry-after': '7' }, { kind: 'retry', status: 429, afterMs: 7_000, cause: 'the receiver answered 429' }],
  [503, { 'retry-after': '999999999' }, { kind: 'retry', status: 503, afterMs: 86_400_000, cause: 'the receiver answered 503' }],
]
for (const [status, headers, expected] of answers) {
  test(`${status} ${JSON.stringify(headers)} means ${JSON.stringify(expected)}`, async () => {
    const { port } = await serve((_request, response) => void response.writeHead(status, headers).end())
    assert.deepEqual(await deliverer()(`http://127.0.0.1:${port}/`, false), expected)
  })
}

test('the configured URL goes by the proxy of the environment, a task’s own URL and this machine never', async () => {
  const { port, seen } = await serve(ok)
  const proxied: string[] = []
  const proxy = createServer((request, response) => {
    proxied.push(`${request.method} ${request.url}`)
    response.end()
  })
  proxy.on('connect', (request, client) => {
    proxied.push(`CONNECT ${request.url}`)
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        proxy.closeAllConnections()
      }),
  )
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const deliver = deliverer({
    proxy: proxyOfEnvironment({ http_proxy: proxyUrl, NO_PROXY: 'direct.example' }),
    allowPrivate: true,
    lookup: async () => ['127.0.0.1'],
  })
  assert.equal((await deliver(`http://control.example:${port}/by-proxy`, false)).kind, 'acknowledged')
  assert.equal(proxied.length, 1)
  assert.match(proxied[0] ?? '', /control\.example/)
  assert.equal((await deliver(`http://control.example:${port}/own`, true)).kind, 'acknowledged')
  assert.equal((await deliver(`http://direct.example:${port}/`, false)).kind, 'acknowledged')
  assert.equal((await deliver(`http://127.0.0.1:${port}/`, false)).kind, 'acknowledged')
  assert.equal(proxied.length, 1)
  const metadata = await deliver('http://169.254.169.254/', false)
  assert.match(metadata.kind === 'retry' ? metadata.cause : '', /metadata service/)
  assert.ok(seen.length >= 3)
})

test('no proxy in the environment is none', () => {
  assert.equal(proxyOfEnvironment({}), null)
  assert.equal(proxyOfEnvironment({ HTTP_PROXY: '' }), null)
})
