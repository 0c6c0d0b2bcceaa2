// Bytes that a proxy and this service might read in two ways, or that are no request at all: refused, the connection ended, and nothing that was
// hidden behind them is ever looked at.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createAuthenticate } from '../../src/intake/index.ts'
import type { App } from '../../src/lib/http.ts'
import { exchange, statuses } from '../support/raw.ts'
import { bareServer, listen } from './bare.ts'

const TOKEN = 'smuggled-token-0123456789'
let app: App
let url: string
/** What routes were reached, with which body. */
let reached: string[] = []

before(async () => {
  app = bareServer({ authenticate: createAuthenticate([{ name: 't', token: TOKEN, scopes: ['submit'] }]) })
  app.post('/post', async (request) => {
    reached.push(`post ${JSON.stringify(request.body)}`)
    return {}
  })
  app.get('/hidden', async () => {
    reached.push('hidden')
    return {}
  })
  app.post('/scoped', { config: { scope: 'submit' } }, async () => {
    reached.push('scoped')
    return {}
  })
  url = await listen(app)
})
beforeEach(() => {
  reached = []
})
after(() => app.close())

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (headers: string[], body: string): string =>
  `POST /post HTTP/1.1\r\n${['Host: a', 'Content-Type: application/json', ...headers].join('\r\n')}\r\n\r\n${body}`
const CHUNKED = 'Transfer-Encoding: chunked'

const refused: [what: string, bytes: string, status?: number][] = [
  ['a length and chunks', post(['Content-Length: 5', CHUNKED], `0\r\n\r\n${HIDDEN}`)],
  ['chunks and a length', post([CHUNKED, 'Content-Length: 5'], `0\r\n\r\n${HIDDEN}`)],
  ['two transfer-encodings', post([CHUNKED, 'Transfer-Encoding: identity'], `2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['chunked twice', post([CHUNKED, CHUNKED], `2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['a transfer-encoding nobody knows', post(['Transfer-Encoding: xchunked'], `2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['gzip under chunked', post(['Transfer-Encoding: gzip, chunked'], `2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['chunked under gzip', post(['Transfer-Encoding: chunked, gzip'], `2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['a space before the colon', post(['Transfer-Encoding : chunked'], `2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['two lengths', post(['Content-Length: 2', 'Content-Length: 30'], `{}${HIDDEN}`)],
  ['the same length twice', post(['Content-Length: 2', 'Content-Length: 2'], `{}${HIDDEN}`)],
  ['a list of lengths', post(['Content-Length: 2, 30'], `{}${HIDDEN}`)],
  ['a length with a sign', post(['Content-Length: +2'], `{}${HIDDEN}`)],
  ['a negative length', post(['Content-Length: -2'], `{}${HIDDEN}`)],
  ['a hexadecimal length', post(['Content-Length: 0x2'], `{}${HIDDEN}`)],
  ['a length beyond all numbers', post([`Content-Length: ${'9'.repeat(30)}`], `{}${HIDDEN}`)],
  ['a chunk size that is none', post([CHUNKED], `zz\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['a chunk size with 0x', post([CHUNKED], `0x2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['a negative chunk size', post([CHUNKED], `-2\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['a chunk size beyond all numbers', post([CHUNKED], `${'F'.repeat(20)}\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['a chunk longer than it says', post([CHUNKED], `1\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['line feeds in chunks', post([CHUNKED], `2\n{}\n0\n\n${HIDDEN}`)],
  ['20 KB of chunk extension', post([CHUNKED], `2;x=${'y'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ['a folded header', post(['X: a', ' folded: yes', 'Content-Length: 2'], `{}${HIDDEN}`)],
  ['two hosts', post(['Host: b', 'Content-Length: 2'], `{}${HIDDEN}`)],
  ['no host', `POST /post HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}${HIDDEN}`],
  ['two content-types', post(['Content-Type: text/plain', 'Content-Length: 2'], `{}${HIDDEN}`)],
  ['a compressed body', post(['Content-Encoding: gzip', 'Content-Length: 2'], `{}${HIDDEN}`), 415],
  [
    'another charset',
    `POST /post HTTP/1.1\r\nHost: a\r\nContent-Type: application/json; charset=utf-16\r\nContent-Length: 2\r\n\r\n{}${HIDDEN}`,
    415,
  ],
  ['a NUL in a header', post(['X: a\u0000b', 'Content-Length: 2'], `{}${HIDDEN}`)],
  ['a lone carriage return in a header', post(['X: a\rContent-Length: 30', 'Content-Length: 2'], `{}${HIDDEN}`)],
  ['a space in a header’s name', post(['X Y: a', 'Content-Length: 2'], `{}${HIDDEN}`)],
  ['line feeds only', `GET /hidden HTTP/1.1\nHost: a\n\n${HIDDEN}`],
  ['a NUL in the path', `GET /hidden\u0000 HTTP/1.1\r\nHost: a\r\n\r\n${HIDDEN}`],
  ['bytes beyond ASCII in the path', `GET /hidden\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n${HIDDEN}`],
  ['HTTP/0.9', `GET /hidden\r\n\r\n${HIDDEN}`],
  ['the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}`],
  ['a TLS hello', `\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001${HIDDEN}`],
  ['an unknown method', `FETCH /hidden HTTP/1.1\r\nHost: a\r\n\r\n${HIDDEN}`],
  ['3,000 headers', `GET /hidden HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(3_000)}\r\n${HIDDEN}`, 431],
]
for (const [what, bytes, status = 400] of refused) {
  test(`${what}: ${status}, and what is hidden behind it is not answered`, async () => {
    const text = await exchange(url, Buffer.from(bytes, 'latin1'))
    assert.deepEqual(statuses(text), [status], text)
    assert.deepEqual(reached, [])
    assert.match(text, /application\/problem\+json[\s\S]*"code"/)
  })
}

test('a trailer is no header: a token behind the body opens nothing', async () => {
  const bytes = `POST /scoped HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: authorization\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`
  assert.deepEqual([statuses(await exchange(url, bytes)), reached], [[401], []])
})

test('of two tokens neither is taken', async () => {
  const bytes = `POST /scoped HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nAuthorization: Bearer other\r\nContent-Length: 0\r\n\r\n`
  assert.deepEqual([statuses(await exchange(url, bytes)), reached], [[400], []])
})

test('a body on a GET is that request’s own, and no second request', async () => {
  const bytes = `GET /hidden HTTP/1.1\r\nHost: a\r\nContent-Length: ${HIDDEN.length}\r\nConnection: close\r\n\r\n${HIDDEN}`
  assert.deepEqual([statuses(await exchange(url, bytes)), reached], [[200], ['hidden']])
})

test('requests that ask for another protocol, or name this server in full, are answered as they are', async () => {
  const close = 'Connection: close\r\n'
  for (const head of [`GET http://other.example/hidden HTTP/1.1\r\nHost: a\r\n${close}`, `GET /hidden HTTP/1.0\r\n`]) {
    assert.deepEqual(statuses(await exchange(url, `${head}\r\n`)), [200])
  }
  const upgrade = 'GET /hidden HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'
  assert.deepEqual(statuses(await exchange(url, upgrade, (text) => text.includes('{}'))), [200])
  assert.deepEqual(statuses(await exchange(url, `OPTIONS * HTTP/1.1\r\nHost: a\r\n${close}\r\n`)), [404])
  assert.deepEqual(statuses(await exchange(url, `CONNECT other.example:443 HTTP/1.1\r\nHost: a\r\n\r\n`)), [])
})

test('two good requests in one piece are both answered: strict does not mean broken', async () => {
  const text = await exchange(
    url,
    `${post(['Content-Length: 2'], '{}')}${post([CHUNKED], '2\r\n{}\r\n0\r\n\r\n')}`,
    (all) => statuses(all).length === 2,
  )
  assert.deepEqual(
    [statuses(text), reached],
    [
      [200, 200],
      ['post {}', 'post {}'],
    ],
  )
})
