// Signature check, validation and manifest building of one 4 KB assignment: the CPU that jobhook itself adds to a task.
import { join } from 'node:path'
import { startChild } from '../lib/child.ts'
import { spread } from '../lib/statistics.ts'
import type { DecisionResult } from '../load/decider.ts'
import type { Case } from '../model.ts'

export const decisionCpu: Case = {
  name: 'decision-cpu',
  title: 'Signature check, validation and manifests of a 4 KB assignment, CPU',
  comparedWith: 'createHmac alone over the same bytes',
  quick: true,
  async run(context) {
    const results: DecisionResult[] = []
    for (let run = 0; run < context.runs; run++) {
      const child = startChild(join(import.meta.dirname, '../load/decider.ts'))
      results.push(await child.call<DecisionResult>('run'))
      await child.stop()
    }
    const each = (pick: (result: DecisionResult) => number) => spread(results.map(pick))
    const reference = { name: 'createHmac', spread: each((result) => result.hmacUs) }
    return [
      {
        name: 'CPU a task',
        unit: 'µs',
        jobhook: each((result) => result.wholeUs),
        reference,
        goal: { of: 'value', bound: 'at most', limit: 100 },
      },
      {
        name: 'tasks a second on one core',
        unit: 'tasks/s',
        jobhook: each((result) => 1e6 / result.wholeUs),
        reference: { name: 'createHmac', spread: each((result) => 1e6 / result.hmacUs) },
        goal: null,
      },
      { name: 'of it: signature, decoding, schema', unit: 'µs', jobhook: each((result) => result.readUs), reference, goal: null },
      { name: 'of it: Secret and Job as JSON', unit: 'µs', jobhook: each((result) => result.buildUs), reference: null, goal: null },
      {
        name: 'share of the signature in it',
        unit: '%',
        jobhook: each((result) => (100 * result.hmacUs) / result.wholeUs),
        reference: null,
        goal: null,
      },
    ]
  },
}
