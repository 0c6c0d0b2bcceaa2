// Each fault of the proxy does what it says: seen from the client before it and from the server behind it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { Agent, request } from 'undici'
import { until } from '../support/wait.ts'
import { createFaultPlan, type Fault } from './faults.ts'
import { type ChaosProxy, kubeRequestKind, startProxy } from './proxy.ts'

const LINES = ['one', 'two', 'three', 'four']
let backend: Server
let proxy: ChaosProxy
const dispatcher = new Agent({ allowH2: false })
/** Bodies that reached what lies behind. */
let reached: string[] = []
let fault: Fault = { kind: 'none' }
let drop = false
let forwarded: number[] = []

before(async () => {
  backend = createServer(async (incoming, response) => {
    const body = (await incoming.setEncoding('utf8').toArray()).join('')
    reached.push(`${incoming.method} ${incoming.url} ${incoming.headers.authorization ?? ''} ${body}`)
    if (incoming.url !== '/watch') return void response.writeHead(201).end(`answer ${reached.length}, long enough for pieces`)
    response.flushHeaders()
    for (const line of LINES) response.write(`${line}\n`)
  })
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
  proxy = await startProxy({
    target: `http://127.0.0.1:${(backend.address() as AddressInfo).port}`,
    headers: { authorization: 'Bearer of-the-proxy' },
    kindOf: (method, path) => `${method} ${path}`,
    fault: () => fault,
    onArrival: () => (drop ? 'drop' : undefined),
    onForwarded: (_request, status) => void forwarded.push(status),
  })
})
after(async () => {
  await proxy?.close()
  await dispatcher.destroy()
  backend?.closeAllConnections()
  backend?.close()
})
beforeEach(() => {
  reached = []
  forwarded = []
  fault = { kind: 'none' }
  drop = false
})

async function post(): Promise<{ status: number; text: string; retryAfter: unknown }> {
  const response = await request(`${proxy.url}/x?y=1`, { method: 'POST', dispatcher, body: 'hello' })
  return { status: response.statusCode, text: await response.body.text(), retryAfter: response.headers['retry-after'] }
}

/** What a watch shows until its end, and how it ended. */
async function watch(): Promise<{ text: string; end: 'closed' | 'broken' }> {
  const response = await request(`${proxy.url}/watch`, { dispatcher })
  let text = ''
  try {
    for await (const chunk of response.body) text += String(chunk)
    return { text, end: 'closed' }
  } catch {
    return { text, end: 'broken' }
  }
}

test('without a fault the request passes as it is, with the proxy’s credentials', async () => {
  assert.deepEqual(await post(), { status: 201, text: 'answer 1, long enough for pieces', retryAfter: undefined })
  assert.deepEqual(reached, ['POST /x?y=1 Bearer of-the-proxy hello'])
  assert.deepEqual(forwarded, [201])
})

test('delay and slow-body: late, and whole', async () => {
  for (const kind of ['delay', 'slow-body'] as const) {
    fault = { kind, ms: 40 }
    assert.match((await post()).text, /long enough for pieces$/)
  }
  assert.equal(reached.length, 2)
})

test('reset-before: no answer, and nothing was forwarded', async () => {
  fault = { kind: 'reset-before' }
  await assert.rejects(post())
  assert.deepEqual([reached.length, forwarded.length], [0, 0])
})

test('reset-after: no answer, though the write happened', async () => {
  fault = { kind: 'reset-after' }
  await assert.rejects(post())
  assert.deepEqual([reached.length, forwarded], [1, [201]])
})

test('answer: the proxy’s own refusal, with Retry-After where it is said, and nothing was forwarded', async () => {
  fault = { kind: 'answer', status: 429, retryAfterSeconds: 3 }
  const { status, text, retryAfter } = await post()
  assert.deepEqual([status, retryAfter, reached.length], [429, '3', 0])
  assert.equal(JSON.parse(text).reason, 'TooManyRequests')
})

test('freeze: accepted, never answered, reset in the end; nothing was forwarded', async () => {
  fault = { kind: 'freeze', ms: 50 }
  await assert.rejects(post())
  assert.equal(reached.length, 0)
})

test('duplicate: what lies behind sees it twice, the client hears the second answer', async () => {
  fault = { kind: 'duplicate' }
  assert.match((await post()).text, /^answer 2/)
  assert.equal(reached.length, 2)
})

test('drop: the caller that decides on arrival can keep a request from passing', async () => {
  drop = true
  await assert.rejects(post())
  assert.equal(reached.length, 0)
})

test('close-watch: answered and closed before the first event', async () => {
  fault = { kind: 'close-watch' }
  assert.deepEqual(await watch(), { text: '', end: 'closed' })
})

test('cut-watch: closed in the middle of a line', async () => {
  fault = { kind: 'cut-watch', afterLines: 2 }
  assert.deepEqual(await watch(), { text: 'one\ntwo\nthr', end: 'closed' })
})

test('stall-watch: silent after some lines, then broken', async () => {
  fault = { kind: 'stall-watch', afterLines: 1, ms: 50 }
  assert.deepEqual(await watch(), { text: 'one\n', end: 'broken' })
})

test('frozen as a whole: nothing passes until it thaws, then everything does', async () => {
  proxy.freeze(300)
  let answered = false
  const answer = post().then((result) => {
    answered = true
    return result
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(answered, false)
  assert.equal((await answer).status, 201)
})

test('a server behind it that has gone is a reset, not an answer', async () => {
  const gone = createServer()
  gone.listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo
  gone.close()
  await once(gone, 'close')
  const lonely = await startProxy({ target: `http://127.0.0.1:${port}`, kindOf: () => 'x', fault: () => ({ kind: 'none' }) })
  await assert.rejects(request(lonely.url, { dispatcher }))
  await lonely.close()
})

test('a client that leaves its watch ends the one behind it too', async () => {
  const leaving = new AbortController()
  const response = await request(`${proxy.url}/watch`, { dispatcher, signal: leaving.signal })
  response.body.on('error', () => {})
  response.body.resume()
  leaving.abort()
  await until('no connection is held open behind the proxy by a watch', async () => {
    const count = await new Promise<number>((resolve) => backend.getConnections((_error, number) => resolve(number)))
    return count <= 1 // what is left is kept alive for the next request
  })
})

const kinds = [
  ['POST', '/apis/batch/v1/namespaces/n/jobs', 'create jobs'],
  ['PATCH', '/prefix/apis/batch/v1/namespaces/n/jobs/j', 'patch jobs'],
  ['GET', '/api/v1/namespaces/n/pods?watch=true&labelSelector=a', 'watch pods'],
  ['GET', '/api/v1/namespaces/n/pods?limit=250', 'list pods'],
  ['GET', '/api/v1/namespaces/n/pods/p/log?follow=true', 'get pods/log'],
  ['PUT', '/apis/coordination.k8s.io/v1/namespaces/n/leases/l', 'update leases'],
  ['GET', '/api/v1/namespaces/n', 'get namespaces'],
  ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'create selfsubjectaccessreviews'],
  ['GET', '/version', 'get version'],
] as const
for (const [method, path, kind] of kinds) test(`${method} ${path} is: ${kind}`, () => assert.equal(kubeRequestKind(method, path), kind))

test('the same seed gives the same faults, whatever else was asked in between; another seed gives others; quiet gives none', () => {
  const drawn = (seed: number, between: string | null): Fault[] => {
    const plan = createFaultPlan(seed)
    return Array.from({ length: 200 }, () => {
      if (between !== null) plan.next(between)
      return plan.next('create jobs')
    })
  }
  assert.deepEqual(drawn(1, null), drawn(1, 'watch pods'))
  assert.notDeepEqual(drawn(1, null), drawn(2, null))
  const all = new Set(drawn(1, null).map(({ kind }) => kind))
  for (const kind of ['none', 'delay', 'reset-before', 'reset-after', 'answer']) assert.ok(all.has(kind as Fault['kind']), kind)
  const plan = createFaultPlan(1)
  plan.quiet()
  assert.ok(Array.from({ length: 200 }, () => plan.next('create jobs')).every(({ kind }) => kind === 'none'))
})
