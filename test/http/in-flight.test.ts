// The cap on requests in flight: whatever becomes of a request, its place is free again. One that stayed taken would, with enough others, refuse everybody.
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import type { App } from '../../src/lib/http.ts'
import { until } from '../support/wait.ts'
import { bareServer } from './bare.ts'

const CAP = 3
let app: App
let url: URL
beforeEach(async () => {
  app = bareServer({ requestsInFlight: CAP })
  app.post('/slow', async () => {
    await delay(50)
    return { ok: true }
  })
  app.post('/quick', async () => ({ ok: true }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  url = new URL(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
})
afterEach(() => app?.close())

const head = (path: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

async function raw(bytes: string, afterMs: number): Promise<void> {
  const socket = connect(Number(url.port), '127.0.0.1')
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  socket.write(bytes)
  await delay(afterMs)
  socket.destroy()
}

const rows: [what: string, once: (turn: number) => Promise<unknown>][] = [
  ['the sender goes away in the middle of the body', () => raw(`${head('/quick', 100)}{"a"`, 5)],
  ['the sender goes away while it is worked on', () => raw(`${head('/slow', 2)}{}`, 10)],
  ['the sender goes away at the very moment', (turn) => raw(`${head('/quick', 2)}{}`, turn % 3)],
  ['the sender goes away before it is looked at', () => raw(`${head('/quick', 2)}{}`, 0)],
  ['several in one piece, and the sender goes away', (turn) => raw(`${head('/slow', 2)}{}`.repeat(3), turn % 60)],
  ['a body that is too large', () => raw(head('/quick', 10_000_000) + 'x'.repeat(70_000), 5)],
  ['a body that is no JSON', () => raw(`${head('/quick', 3)}{a}`, 5)],
  ['a wrong length', () => raw(`${head('/quick', 1)}{}{}`, 5)],
]
for (const [what, send] of rows) {
  test(`a place is given back: ${what}`, async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.all(Array.from({ length: CAP }, () => send(turn)))
    await until(
      'all places are free',
      async () => {
        const answers = await Promise.all(
          Array.from({ length: CAP }, () =>
            request(new URL('/slow', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }),
          ),
        )
        await Promise.all(answers.map(({ body }) => body.dump()))
        return answers.every(({ statusCode }) => statusCode === 200)
      },
      { timeoutMs: 5_000, everyMs: 100 },
    )
  })
}
