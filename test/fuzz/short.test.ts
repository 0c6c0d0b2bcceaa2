// The fuzzing of every day: what broke something once must hold for ever, and some hundred tries of each target with a fixed seed. `npm run test:fuzz`
// tries far more, with new seeds.
import { test } from 'node:test'
import fc from 'fast-check'
import { keptInputs } from './seeds.ts'
import { pure } from './targets/index.ts'

const RUNS = 120

for (const target of pure) {
  for (const { file, input } of keptInputs(target.name)) test(`${file}, which broke something once, holds`, async () => target.check(input))
  test(`${target.name}: ${RUNS} bent inputs hold`, () =>
    fc.assert(
      fc.asyncProperty(target.inputs, async (input) => await target.check(input)),
      { seed: 1, numRuns: RUNS },
    ))
}
