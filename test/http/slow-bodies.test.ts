// Bodies that drip: nobody has authenticated their senders yet, and they must not keep out those who send at once.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import type { App } from '../../src/lib/http.ts'
import { until } from '../support/wait.ts'
import { bareServer, listen } from './bare.ts'

const CAP = 3
let app: App
let url: URL
let slow: { socket: Socket; heard: () => string }[]
beforeEach(async () => {
  app = bareServer({ requestsInFlight: CAP })
  app.post('/', async () => ({ ok: true }))
  url = new URL(await listen(app))
  slow = []
})
afterEach(() => {
  for (const { socket } of slow) socket.destroy()
  return app?.close()
})

/** Says that 100 bytes will come, and sends one. */
async function drip(): Promise<void> {
  const socket = connect(Number(url.port), '127.0.0.1')
  let heard = ''
  socket
    .on('error', () => {})
    .on('data', (bytes: Buffer) => {
      heard += bytes
    })
  await once(socket, 'connect')
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  slow.push({ socket, heard: () => heard })
}

async function send(): Promise<number> {
  const { statusCode, body } = await request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  await body.dump()
  return statusCode
}

test('while as many bodies drip as requests may be worked on, whoever sends at once is answered', async () => {
  for (let count = 0; count < CAP; count++) await drip()
  await until('they are taken, and others too', async () => (await send()) === 200, { timeoutMs: 10_000, everyMs: 50 })
  for (let count = 0; count < 20; count++) assert.equal(await send(), 200)
})

test('the oldest is told 408 and cut off; the others may go on', async () => {
  await drip()
  await delay(20)
  for (let count = 1; count < CAP; count++) await drip()
  await until('somebody else is answered', async () => (await send()) === 200, { timeoutMs: 10_000, everyMs: 50 })
  await until('the oldest has heard', () => /^HTTP\/1\.1 408 .*application\/problem\+json/s.test(slow[0]?.heard() ?? ''), {
    timeoutMs: 5_000,
    everyMs: 20,
  })
  await until('it is closed', () => slow[0]?.socket.destroyed || slow[0]?.socket.readableEnded, { timeoutMs: 5_000, everyMs: 20 })
  const last = slow.at(-1)
  last?.socket.write(`"a":"${'x'.repeat(92)}"}`)
  await until('the last has its answer', () => /^HTTP\/1\.1 200 /.test(last?.heard() ?? ''), { timeoutMs: 5_000, everyMs: 20 })
})

test('bodies that have only just begun are not cut: the newcomer is told to come back', async () => {
  for (let count = 0; count < CAP; count++) await drip()
  await delay(20)
  const { statusCode, headers, body } = await request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  await body.dump()
  assert.equal(statusCode, 503)
  assert.equal(headers['retry-after'], '1')
})

test('one that takes its time while nobody needs the room is answered', async () => {
  await drip()
  await delay(1_300)
  assert.equal(await send(), 200)
  slow[0]?.socket.write(`"a":"${'x'.repeat(92)}"}`)
  await until('it has its answer', () => /^HTTP\/1\.1 200 /.test(slow[0]?.heard() ?? ''), { timeoutMs: 5_000, everyMs: 20 })
})
