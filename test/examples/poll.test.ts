// The example control plane's side of the long poll, over real HTTP: what jobhook relies on.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { type Polled, startPolled } from '../support/polled.ts'
import { until } from '../support/wait.ts'

const TOKEN = 'a-token'
let polled: Polled
before(async () => {
  polled = await startPolled(() => TOKEN, 500)
})
after(() => polled?.close())

async function post(worker: string, action: 'lease' | 'ack', body: unknown, options: { token?: string; signal?: AbortSignal } = {}) {
  const response = await request(`${polled.url}/v1/workers/${encodeURIComponent(worker)}/assignments/${action}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${options.token ?? TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(options.signal ? { signal: options.signal } : {}),
  })
  const text = await response.body.text()
  return { status: response.statusCode, body: text === '' ? null : JSON.parse(text) }
}
const ids = (answer: { body: { messages: { id: string }[] } }) => answer.body.messages.map(({ id }) => id)

test('at most max messages, each with its id; 204 when nothing came; each worker its own', async () => {
  for (const id of ['a-1', 'a-2', 'a-3']) polled.board.put('a/ä', id, { type: 'heartbeat' })
  assert.equal((await post('b', 'lease', { wait: 0, max: 5 })).status, 204)
  const leased = await post('a/ä', 'lease', { wait: 0, max: 2 })
  assert.deepEqual([ids(leased), leased.body.expires_in, leased.body.messages[0].type], [['a-1', 'a-2'], 1, 'heartbeat'])
  assert.deepEqual(ids(await post('a/ä', 'lease', { wait: 0, max: 2 })), ['a-3'])
})

test('a request for no message is answered at once and takes none', async () => {
  polled.board.put('e', 'e-1', { type: 'heartbeat' })
  assert.equal((await post('e', 'lease', { wait: 30, max: 0 })).status, 204)
  assert.deepEqual(ids(await post('e', 'lease', { wait: 0, max: 1 })), ['e-1'])
})

test('what is not acknowledged is handed out again; what is, is not; a rejected message comes again', async () => {
  for (const id of ['c-1', 'c-2', 'c-3']) polled.board.put('c', id, { type: 'heartbeat' })
  const first = await post('c', 'lease', { wait: 0, max: 5 })
  const results = [
    { id: 'c-1', result: 'claimed' },
    { id: 'c-2', result: 'rejected', reason: 'at_capacity' },
  ]
  assert.equal((await post('c', 'ack', { lease: first.body.lease, results })).status, 204)
  const again = new Set<string>()
  await until('both come again', async () => {
    const { status, body } = await post('c', 'lease', { wait: 1, max: 5 })
    if (status === 200) for (const { id } of body.messages) again.add(id)
    return again.size >= 2
  })
  assert.deepEqual([...again].sort(), ['c-2', 'c-3'])
  // Late, under a lease that is long over: true all the same.
  await post('c', 'ack', { lease: first.body.lease, results: ['c-2', 'c-3'].map((id) => ({ id, result: 'claimed' })) })
  assert.equal((await post('c', 'lease', { wait: 1, max: 5 })).status, 204)
})

test('a request waits for a message; one whose caller hung up gets none', async () => {
  const hungUp = new AbortController()
  const gone = post('d', 'lease', { wait: 30, max: 1 }, { signal: hungUp.signal }).catch((error: unknown) => error)
  await until('it waits', () => polled.waiting() === 1)
  hungUp.abort()
  assert.ok((await gone) instanceof Error)
  await until('the server noticed', () => polled.waiting() === 0)
  const waiting = post('d', 'lease', { wait: 30, max: 1 })
  await until('the next waits', () => polled.waiting() === 1)
  polled.board.put('d', 'd-1', { type: 'heartbeat' })
  assert.deepEqual(ids(await waiting), ['d-1'])
  assert.equal(polled.board.entries().find(({ id }) => id === 'd-1')?.handedOut, 1)
})

test('a wrong token is 401, a malformed body 422', async () => {
  assert.equal((await post('a', 'lease', { wait: 0, max: 1 }, { token: 'wrong' })).status, 401)
  assert.equal((await post('a', 'ack', { results: [{ id: 1 }] })).status, 422)
})
