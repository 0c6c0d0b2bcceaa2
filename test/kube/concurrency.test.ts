// Fewer requests at once after the API server has refused some, and slowly more again: what each refusal is worth, in which order what waits may go,
// and that a server which grants few is kept busy instead of being asked in vain.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Came, createConcurrency } from '../../src/cluster/concurrency.ts'

function setUp(most: number) {
  let nowMs = 0
  const limits: number[] = []
  const concurrency = createConcurrency({ elapsedMs: () => nowMs, onLimit: (limit) => limits.push(limit) }, { most })
  return {
    concurrency,
    limits,
    pass(ms: number) {
      nowMs += ms
    },
    /** So many requests enter. */
    enter: (count: number) => Promise.all(Array.from({ length: count }, () => concurrency.enter())),
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('nothing waits below the limit; beyond it requests go in the order they came', async () => {
  const { concurrency, enter } = setUp(3)
  const inside = await enter(3)
  const order: number[] = []
  for (const index of [1, 2, 3]) void concurrency.enter().then(() => order.push(index))
  await turn()
  assert.deepEqual(order, [])
  inside[0]?.('served')
  await turn()
  assert.deepEqual(order, [1])
  inside[1]?.('unknown')
  inside[2]?.('served')
  await turn()
  assert.deepEqual(order, [1, 2, 3])
})

test('all refusals of one round count once: a quarter fewer than were under way', async () => {
  const { concurrency, enter, limits } = setUp(64)
  for (const leave of await enter(40)) leave('refused')
  assert.equal(concurrency.limit(), 30)
  for (const leave of await enter(30)) leave('refused')
  assert.equal(concurrency.limit(), 22)
  assert.deepEqual(limits, [30, 22])
})

test('one request can always go', async () => {
  const { concurrency, enter } = setUp(8)
  for (let time = 0; time < 20; time++) for (const leave of await enter(1)) leave('refused')
  assert.equal(concurrency.limit(), 1)
  await enter(1)
})

test('what is served brings places back, slowly while refusals are fresh and one a round when they have passed; never more than at first', async () => {
  const { concurrency, enter, pass } = setUp(8)
  for (const leave of await enter(8)) leave('refused')
  assert.equal(concurrency.limit(), 6)
  const serve = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) for (const leave of await enter(concurrency.limit())) leave('served')
  }
  await serve(15)
  assert.equal(concurrency.limit(), 6)
  await serve(7)
  assert.equal(concurrency.limit(), 7)
  pass(5_000)
  await serve(2)
  assert.equal(concurrency.limit(), 8)
  await serve(20)
  assert.equal(concurrency.limit(), 8)
})

test('an error that says nothing of it changes nothing', async () => {
  const { concurrency, enter } = setUp(8)
  for (const leave of await enter(8)) leave('unknown')
  assert.equal(concurrency.limit(), 8)
})

test('a refused Lease or watch makes the others fewer', async () => {
  const { concurrency, enter } = setUp(8)
  await enter(8)
  concurrency.refused()
  assert.equal(concurrency.limit(), 6)
})

test('who gives up waiting is told why, and holds up nobody behind', async () => {
  const { concurrency, enter } = setUp(1)
  const [leave] = await enter(1)
  const gone = new AbortController()
  const first = concurrency.enter(gone.signal)
  const second = concurrency.enter()
  gone.abort(new Error('the sender went away'))
  await assert.rejects(first, /the sender went away/)
  leave?.('served')
  ;(await second)('served')
})

for (const granted of [1, 5, 13]) {
  test(`a server that grants ${granted} at once is soon asked in vain for one request in ten at most, and is kept busy`, async () => {
    const { concurrency, pass } = setUp(64)
    let atServer = 0
    const count = { served: 0, refused: 0 }
    /** Of these it is learnt how many are granted. */
    let refusedAtFirst = 0
    let busy = 0
    let rounds = 0
    async function request(): Promise<void> {
      for (;;) {
        const leave = await concurrency.enter()
        const came: Came = atServer < granted ? 'served' : 'refused'
        if (came === 'served') {
          atServer++
          await turn()
          atServer--
        }
        count[came === 'served' ? 'served' : 'refused']++
        leave(came)
        if (count.served === 200) refusedAtFirst = count.refused
        if (came === 'served') return
        await turn()
      }
    }
    let done = false
    const all = Promise.all(Array.from({ length: 2_000 }, request)).then(() => {
      done = true
    })
    while (!done) {
      rounds++
      busy += atServer
      pass(20)
      await turn()
    }
    await all
    assert.equal(count.served, 2_000)
    assert.ok(refusedAtFirst < 4 * 64, `${refusedAtFirst} refused at first`)
    const later = count.refused - refusedAtFirst
    assert.ok(later < count.served / 10, `${later} refused later`)
    assert.ok(busy / rounds > granted * 0.6, `${busy / rounds} of ${granted} busy`)
  })
}
