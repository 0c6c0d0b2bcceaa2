// How often one client may ask: by token, by address, the webhook apart; what is over the limit hears 429 with Retry-After and when to come back.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { createAuthenticate } from '../../src/intake/index.ts'
import type { App } from '../../src/lib/http.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { bareServer, listen } from './bare.ts'

const metrics = createMetrics()
const tokens = ['one', 'two'].map((name) => ({ name, token: `token-of-${name}-0123456789`, scopes: ['read' as const] }))
let app: App
let url: string

/** Over 10 s that is 20 requests of a token, 10 of an address and 50 of a webhook. */
before(async () => {
  app = bareServer(
    {
      authenticate: createAuthenticate(tokens),
      rates: { token: 2, address: 1, webhook: 5 },
      trustProxy: ['127.0.0.1'],
      requestsInFlight: 100,
    },
    metrics,
  )
  app.get('/rest', { config: { scope: 'read' } }, async () => ({}))
  app.get('/open', async () => ({}))
  app.get('/webhook', { config: { rate: 'webhook' } }, async () => ({}))
  app.get('/health', { config: { uncapped: true } }, async () => ({}))
  url = await listen(app)
})
after(() => app.close())

interface Asked {
  statuses: Record<number, number>
  retryAfter: number
  code: string
}

/** Asks `times` times as a client behind a proxy that is believed. */
async function ask(path: string, times: number, from: string, token?: string): Promise<Asked> {
  const asked: Asked = { statuses: {}, retryAfter: 0, code: '' }
  for (let count = 0; count < times; count++) {
    const headers = { 'x-forwarded-for': from, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const { statusCode, headers: answered, body } = await request(`${url}${path}`, { headers })
    asked.statuses[statusCode] = (asked.statuses[statusCode] ?? 0) + 1
    const { code } = (await body.json()) as { code?: string }
    if (statusCode === 429) Object.assign(asked, { retryAfter: Number(answered['retry-after']), code })
  }
  return asked
}

test('a token has its limit wherever it comes from, and another token its own', async () => {
  const first = await ask('/rest', 15, '192.0.2.1', tokens[0]?.token)
  const second = await ask('/rest', 15, '192.0.2.2', tokens[0]?.token)
  assert.deepEqual([first.statuses, second.statuses], [{ 200: 15 }, { 200: 5, 429: 10 }])
  assert.equal(second.code, 'rate_limited')
  assert.ok(second.retryAfter >= 1 && second.retryAfter <= 10, `Retry-After is ${second.retryAfter}`)
  assert.deepEqual((await ask('/rest', 15, '192.0.2.1', tokens[1]?.token)).statuses, { 200: 15 })
})

test('guessing tokens is limited by address, and does not lock out who has one', async () => {
  assert.deepEqual((await ask('/rest', 15, '192.0.2.3', 'a-guess-0123456789')).statuses, { 401: 10, 429: 5 })
  assert.deepEqual((await ask('/rest', 5, '192.0.2.3', tokens[1]?.token)).statuses, { 200: 5 })
})

test('what does not exist is limited by address too; an IPv6 client by its /64', async () => {
  assert.deepEqual((await ask('/nothing', 12, '2001:db8:1:2::a')).statuses, { 404: 10, 429: 2 })
  assert.deepEqual((await ask('/open', 3, '2001:db8:1:2:ffff::b')).statuses, { 429: 3 })
  assert.deepEqual((await ask('/open', 3, '2001:db8:1:3::a')).statuses, { 200: 3 })
})

test('the webhook has a limit of its own; health has none', async () => {
  assert.deepEqual((await ask('/webhook', 55, '192.0.2.4')).statuses, { 200: 50, 429: 5 })
  assert.deepEqual((await ask('/health', 60, '192.0.2.4')).statuses, { 200: 60 })
})

test('what was refused is counted by limit', async () => {
  const text = await metrics.registry.metrics()
  for (const by of ['token', 'address', 'webhook']) assert.match(text, new RegExp(`jobhook_rate_limited_total\\{by="${by}"\\} [1-9]`))
})

test('X-Forwarded-For of somebody who is no trusted proxy is not believed', async () => {
  const strict = bareServer({ rates: { webhook: 0, token: 0, address: 1 } })
  strict.get('/open', async (request) => ({ ip: request.ip }))
  const at = await listen(strict)
  const statuses: number[] = []
  for (let last = 1; last <= 12; last++) {
    const { statusCode, body } = await request(`${at}/open`, { headers: { 'x-forwarded-for': `192.0.2.${last}` } })
    if (statusCode === 200) assert.deepEqual(await body.json(), { ip: '127.0.0.1' })
    else await body.dump()
    statuses.push(statusCode)
  }
  assert.deepEqual(statuses.filter((status) => status === 429).length, 2)
  await strict.close()
})
