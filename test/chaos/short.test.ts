// A short chaos run, the same that `npm run chaos` makes, on the embedded cluster. On the real one: short.cluster.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './checker.ts'
import { summaryOf, violationsText } from './report.ts'
import { runChaos } from './scenario.ts'
import { embeddedTarget } from './target.ts'

test('40 tasks on two replicas that are killed, behind proxies that break what they can: every promise holds (seed 11)', async (t) => {
  const target = await embeddedTarget()
  t.after(() => target.close())
  const say = (line: string): void => t.diagnostic(line)
  const { history, faults } = await runChaos(target, { seed: 11, spreadMs: 15_000, tasks: 40, replicas: 2, settleMs: 60_000, say })
  t.diagnostic(summaryOf(history, faults))
  const violations = check(history)
  assert.equal(violations.length, 0, violationsText(history, violations))
  assert.ok(history.callbacks.length > 40 && faults.size > 5, 'the run was worth nothing')
})
