// The Kubernetes HTTP client against a real HTTP server that misbehaves: retries of what is safe, errors as data, credentials, timeouts.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createConnection } from '../../src/cluster/connection.ts'
import { readKubeConfig } from '../../src/cluster/kubeconfig.ts'
import { elapsedMs } from '../../src/lib/clock.ts'
import { clientOn } from './client-on.ts'

const closers: (() => Promise<void>)[] = []
after(() => Promise.all(closers.map((close) => close())))

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void

async function start(handler: Handler) {
  let count = 0
  const sockets = new Set<unknown>()
  const server = createServer((request, response) => handler(request, response, ++count))
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { kubeConfig, namespace } = readKubeConfig({
    kind: 'text',
    text: `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:${port}/prefix"}}]
users: [{name: u, user: {token: secret-token}}]
contexts: [{name: c, context: {cluster: c, user: u, namespace: agents}}]
current-context: c
`,
  })
  const connection = createConnection({ kubeConfig, elapsedMs }, { connections: 4, connectTimeoutMs: 1_000, watchIdleMs: 1_000 })
  closers.push(async () => {
    await connection.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const client = clientOn(connection, 'jobhook/test')
  return { client, namespace, requests: () => count, sockets, close: () => connection.close() }
}

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
const status = (code: number, reason: string, message = reason) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  reason,
  message,
  code,
})
const get = { verb: 'get', resource: 'jobs', path: '/apis/batch/v1/x' } as const

test('a request goes under the server’s path prefix with the bearer token, and connections are used again', async () => {
  const seen: string[] = []
  const { client, namespace, sockets } = await start((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization} ${request.headers['accept-encoding']}`)
    json(response, 200, { ok: true })
  })
  for (let index = 0; index < 5; index++) assert.deepEqual(await client.send(get), { ok: true, value: { ok: true } })
  assert.equal(seen[0], '/prefix/apis/batch/v1/x Bearer secret-token identity')
  assert.equal(namespace, 'agents')
  assert.ok(sockets.size <= 2, `${sockets.size} connections for 5 requests one after the other`)
})

for (const [code, tries, retryable, unknown] of [
  [400, 1, false, false],
  [403, 1, false, false],
  [404, 1, false, false],
  [409, 1, false, false],
  [422, 1, false, false],
  [429, 3, true, false],
  [500, 3, true, true],
  [503, 3, true, true],
  [504, 3, true, true],
] as const) {
  test(`${code} is tried ${tries} time(s), ${retryable ? 'worth a retry' : 'final'}, outcome ${unknown ? 'unknown' : 'known'}`, async () => {
    const { client, requests } = await start((_request, response) => json(response, code, status(code, 'Why', 'because')))
    const result = await client.send({ ...get, verb: 'create', body: {} })
    assert.ok(!result.ok)
    assert.deepEqual(
      [result.error.status, result.error.reason, result.error.message, result.error.retryable, result.error.outcomeUnknown],
      [code, 'Why', 'because', retryable, unknown],
    )
    assert.equal(requests(), tries)
  })
}

test('where nothing of a good answer is read protobuf is asked for, and an error is understood in either form', async () => {
  const protobuf =
    'azhzAAoMCgJ2MRIGU3RhdHVzEmAKBgoAEgAaABIHRmFpbHVyZRoham9icy5iYXRjaCAidGFrZW4iIGFscmVhZHkgZXhpc3RzIg1BbHJlYWR5RXhpc3RzKhgKBXRha2VuEgViYXRjaBoEam9icygAMgAwmQMaACIA'
  const seen: string[] = []
  const { client } = await start((request, response, count) => {
    seen.push(String(request.headers.accept))
    if (count === 2) json(response, 409, status(409, 'AlreadyExists', 'jobs.batch "taken" already exists'))
    else response.writeHead(409, { 'content-type': 'application/vnd.kubernetes.protobuf' }).end(Buffer.from(protobuf, 'base64'))
  })
  const create = { ...get, verb: 'create', body: {}, parse: null } as const
  for (const result of [await client.send(create), await client.send(create)]) {
    assert.ok(!result.ok)
    assert.deepEqual([result.error.reason, result.error.message], ['AlreadyExists', 'jobs.batch "taken" already exists'])
  }
  await client.send(get)
  assert.deepEqual(seen, [seen[0], seen[0], 'application/json'])
  assert.match(seen[0] ?? '', /^application\/vnd\.kubernetes\.protobuf, application\/json/)
})

test('a server that recovers is asked again, after the Retry-After it named', async () => {
  const { client, requests } = await start((_request, response, count) =>
    count < 3 ? json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '0' }) : json(response, 200, { done: true }),
  )
  assert.deepEqual(await client.send(get), { ok: true, value: { done: true } })
  assert.equal(requests(), 3)
})

test('a Retry-After too long to hold a request for is handed to the caller', async () => {
  const { client, requests } = await start((_request, response) =>
    json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '30' }),
  )
  const result = await client.send(get)
  assert.ok(!result.ok && result.error.retryAfterMs === 30_000)
  assert.equal(requests(), 1)
})

for (const [code, unknown, why] of [
  [429, true, 'it was not let in'],
  [403, true, 'what the first has made fills the quota'],
  [422, true, 'an admission policy may have changed in between'],
  [409, false, 'AlreadyExists is looked into by whoever asked'],
] as const) {
  test(`a connection cut after the request was sent, and the retry hears ${code}: the outcome is ${unknown ? 'unknown' : 'known'} (${why})`, async () => {
    const { client } = await start((request, response, count) =>
      count === 1 ? request.socket.destroy() : json(response, code, status(code, 'Why'), { 'retry-after': '60' }),
    )
    const result = await client.send({ ...get, verb: 'create', body: {} })
    assert.ok(!result.ok)
    assert.deepEqual([result.error.status, result.error.outcomeUnknown], [code, unknown])
  })
}

test('a body that never ends is cut at the deadline', async () => {
  const { client } = await start((_request, response) => void response.writeHead(200).write('{'))
  const result = await client.send({ ...get, attempts: 1, timeoutMs: 200 })
  assert.ok(!result.ok && result.error.status === 0 && result.error.retryable)
})

test('a watch whose connection has died without a word ends in an error, a request on such a connection goes by another', async () => {
  const silent = new Set<unknown>()
  const { client } = await start((request, response) => {
    if (request.url?.includes('watch')) return void response.writeHead(200).write('{}\n')
    if (silent.has(request.socket)) return
    silent.add(request.socket)
    json(response, 200, { ok: true })
  })
  const watch = await client.stream({ ...get, verb: 'watch', path: '/watch', pool: 'watch', attempts: 1 })
  assert.ok(watch.ok)
  await assert.rejects(async () => {
    for await (const _chunk of watch.value);
  }, /Body Timeout/)
  assert.ok((await client.send(get)).ok)
  assert.ok((await client.send({ ...get, timeoutMs: 200 })).ok, 'the first connection is dead, and nobody has said so')
})

test('once the connection is closed no request opens another: a retry under way ends, and nothing holds the process', async () => {
  let seen = (): void => {}
  const asked = new Promise<void>((resolve) => {
    seen = resolve
  })
  const { client, requests, close } = await start((request) => {
    request.socket.destroy()
    seen()
  })
  const retrying = client.send({ ...get, attempts: 3 })
  await asked
  await close()
  const before = requests()
  const result = await retrying
  assert.ok(!result.ok)
  assert.ok(!(await client.send(get)).ok)
  assert.equal(requests(), before)
})

test('nobody listening: the outcome is known, nothing was sent', async () => {
  const { kubeConfig } = readKubeConfig({
    kind: 'text',
    text: 'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\nusers: [{name: u, user: {}}]\n',
  })
  const connection = createConnection({ kubeConfig, elapsedMs }, { connections: 1, connectTimeoutMs: 1_000, watchIdleMs: 1_000 })
  closers.push(() => connection.close())
  const result = await clientOn(connection).send({
    ...get,
    attempts: 1,
  })
  assert.ok(!result.ok)
  assert.deepEqual([result.error.status, result.error.reason, result.error.outcomeUnknown], [0, 'ECONNREFUSED', false])
})

test('no cluster to be found is an error that names the ways out', () => {
  assert.throws(
    () => readKubeConfig({ kind: 'file', path: '/no/such/kubeconfig' }),
    /backend\.kubernetes\.kubeconfig \(\/no\/such\/kubeconfig\)/,
  )
  assert.throws(() => readKubeConfig({ kind: 'text', text: 'apiVersion: v1\nkind: Config\n' }), /cluster: embedded/)
})
