// A short chaos run on the real cluster, on kwok Pods: the API's own controllers, fairness and audit log beside the faults.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './checker.ts'
import { summaryOf, violationsText } from './report.ts'
import { runChaos } from './scenario.ts'
import { realTarget } from './target.ts'

const skip = process.env.JOBHOOK_TEST_KWOK === '1' ? false : 'needs a real API server with kwok nodes: npm run test:cluster'

test('60 tasks on three replicas on the real cluster, behind the chaos proxies: every promise holds (seed 21)', { skip }, async (t) => {
  const target = await realTarget('kwok')
  t.after(() => target.close())
  const say = (line: string): void => t.diagnostic(line)
  const { history, faults } = await runChaos(target, { seed: 21, spreadMs: 20_000, tasks: 60, replicas: 3, settleMs: 120_000, say })
  t.diagnostic(summaryOf(history, faults))
  const violations = check(history)
  assert.equal(violations.length, 0, violationsText(history, violations))
  if (history.auditedJobs !== null) assert.ok(history.auditedJobs > 40, 'the audit log has no Jobs')
})
