// `npm run test:fuzz`: every target with a new seed, then schemathesis. What fails is printed with its seed and kept in seeds/.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { fuzzApi } from './api.ts'
import { keepInput, keptInputs } from './seeds.ts'
import type { Target } from './target.ts'
import { all } from './targets/index.ts'

const USAGE = `Usage: npm run test:fuzz -- [options] [targets]

Targets: ${[...all.map(({ name }) => name), 'api'].join(', ')} (api: schemathesis). Default: all.
  --seed N      the seed of an earlier run, to see the same again
  --runs N      tries of each target, instead of its own number
  --minutes M   go on with new seeds for so long
  --examples N  schemathesis: examples of each operation (20)
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    examples: { type: 'string', default: '20' },
    help: { type: 'boolean', short: 'h' },
  },
})
const known = new Set([...all.map(({ name }) => name), 'api'])
const unknown = positionals.filter((name) => !known.has(name))
const numbers = [values.seed, values.runs, values.minutes, values.examples].filter((text) => text !== undefined)
if (values.help || unknown.length > 0 || numbers.some((text) => !/^\d+(\.\d+)?$/.test(text))) {
  process.stderr.write(USAGE)
  process.exit(values.help ? 0 : 2)
}
const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

const endsMs = Date.now() + Number(values.minutes ?? 0) * 60_000
let round = 0
let passed = true
do {
  const seed = round === 0 && values.seed !== undefined ? Number(values.seed) : randomInt(2 ** 31)
  for (const target of all.filter(({ name }) => wanted(name)))
    passed = (await fuzz(target, seed, values.runs ? Number(values.runs) : target.runs)) && passed
  round++
} while (passed && Date.now() < endsMs)
if (wanted('api')) {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
  console.error(`fuzz: api: schemathesis, seed ${seed}`)
  const clean = await fuzzApi({ seed, examples: Number(values.examples) })
  console.error(clean ? 'fuzz: api: clean' : `fuzz: api: FAILED; again: npm run test:fuzz -- api --seed ${seed}`)
  passed = clean && passed
}
process.exitCode = passed ? 0 : 1

async function fuzz(target: Target, seed: number, runs: number): Promise<boolean> {
  const startedMs = Date.now()
  try {
    await target.open?.()
    for (const { file, input } of keptInputs(target.name)) {
      try {
        await target.check(input)
      } catch (error) {
        throw new Error(`the kept input ${file} fails again`, { cause: error })
      }
    }
    const property = fc.asyncProperty(target.inputs, async (input) => await target.check(input))
    const result = await fc.check(property, { seed, numRuns: runs, endOnFailure: false, interruptAfterTimeLimit: 120_000 })
    if (result.failed && result.counterexample) {
      const file = keepInput(target.name, result.counterexample[0])
      throw new Error(`seed ${seed}, path ${result.counterexamplePath}; kept in ${file}`, { cause: result.errorInstance })
    }
    await target.close?.()
    console.error(`fuzz: ${target.name}: ${result.numRuns} runs, seed ${seed}, ${((Date.now() - startedMs) / 1000).toFixed(1)} s`)
    return true
  } catch (error) {
    console.error(`fuzz: ${target.name}: FAILED; again: npm run test:fuzz -- ${target.name} --seed ${seed}`)
    console.error(error)
    await target.close?.().catch((late: unknown) => console.error(late))
    return false
  }
}
