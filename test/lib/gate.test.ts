// A gate lets so many in at once, in order, and a failure gives its place on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from '../../src/lib/gate.ts'

test('no more than the bound run at once, all run in order, and each gets its own result', async () => {
  const gate = createGate(3)
  let running = 0
  let most = 0
  const order: number[] = []
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      gate(async () => {
        order.push(index)
        running++
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        if (index % 5 === 0) throw new Error(`failed ${index}`)
        return index
      }),
    ),
  )
  assert.equal(most, 3)
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, index) => index),
  )
  for (const [index, result] of results.entries()) {
    if (index % 5 === 0) assert.equal(result.status, 'rejected')
    else assert.deepEqual(result, { status: 'fulfilled', value: index })
  }
})
