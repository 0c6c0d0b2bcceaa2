// A load run of a quarter of a minute at three times the capacity, on the real control plane with kwok Pods: nothing accepted is lost or run twice, and overload
// is refused in words. How fast it answers is for `npm run load` on a quiet machine: a test holds no clock against a shared one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realTarget } from '../chaos/target.ts'
import { judge, promiseTable, requestTable } from './judge.ts'
import { runLoad } from './load.ts'

const skip = process.env.JOBHOOK_TEST_KWOK === '1' ? false : 'needs kwok nodes: JOBHOOK_TEST_KWOK is not 1'

test('three times the capacity from 200 keep-alive clients, with malformed, aborted and slow requests: every promise is kept', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const target = await realTarget('kwok')
  try {
    const { loaded, seen } = await runLoad(target, {
      seconds: 12,
      idleSeconds: 3,
      clients: 200,
      slowClients: 40,
      places: 30,
      taskSeconds: 3,
      factor: 3,
      settleSeconds: 90,
      say: (line) => t.diagnostic(line),
    })
    for (const line of requestTable(loaded).split('\n')) t.diagnostic(line)
    const promised = judge(loaded, seen, { latency: false })
    assert.deepEqual(
      promised.filter(({ kept }) => !kept),
      [],
      promiseTable(promised),
    )
  } finally {
    await target.close()
  }
})
