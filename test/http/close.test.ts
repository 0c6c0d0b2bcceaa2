// Closing the HTTP service: what has begun is answered, and no connection that idles keeps it open.
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Agent, request } from 'undici'
import { closeGracefully } from '../../src/server.ts'
import { bareServer } from './bare.ts'

test('a request under way is answered, told to close, and its keep-alive connection does not hold the service up', async () => {
  const app = bareServer()
  let release = (): void => {}
  const begun = new Promise<void>((resolve) => {
    app.get('/slow', async () => {
      resolve()
      await new Promise<void>((go) => {
        release = go
      })
      return { done: true }
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAliveTimeout: 60_000 })
  const answer = request(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/slow`, { dispatcher: agent })
  await begun
  const closed = closeGracefully(app, 60_000)
  release()
  const { statusCode, headers, body } = await answer
  assert.deepEqual([statusCode, headers.connection, await body.json()], [200, 'close', { done: true }])
  await closed
  await agent.close()
})

test('a request that never ends is cut at the deadline', async () => {
  const app = bareServer()
  const begun = new Promise<void>((resolve) => {
    app.get('/endless', async () => {
      resolve()
      return new Promise(() => {})
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent()
  const answer = request(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/endless`, { dispatcher: agent })
  const cut = assert.rejects(answer)
  await begun
  await closeGracefully(app, 100)
  await cut
  await agent.close()
})
