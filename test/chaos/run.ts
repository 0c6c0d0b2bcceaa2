// `npm run chaos -- --seed N --minutes M`: one chaos run after the other, judged; the seed and the timeline of a task on a violation. docs/chaos.md
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { check, type Violation } from './checker.ts'
import { plant, planted } from './planted.ts'
import { summaryOf, violationsText } from './report.ts'
import { runChaos } from './scenario.ts'
import { embeddedTarget, realTarget } from './target.ts'

const HELP = `npm run chaos -- [options]

  --seed N          the first seed (default: 1)
  --runs N          so many seeds, one after the other (default: 1)
  --minutes M       how long assignments come and things break, for each seed (default: 0.5); settling comes after it
  --tasks T         tasks for each seed (default: 60)
  --replicas R      replicas of jobhook (default: 2)
  --cluster WHICH   embedded (default), or real: the cluster that JOBHOOK_TEST_* tells of
  --pods WHICH      on the real one: kwok (default; thousands, no containers) or containers
  --settle S        seconds that settling may take (default: 120)
  --logs FOLDER     keeps there what each replica has said
  --planted TEXT    runs copies of jobhook with a bug each (those whose name has TEXT in it; '' for all), and says which were found
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '0.5' },
      tasks: { type: 'string', default: '60' },
      replicas: { type: 'string', default: '2' },
      cluster: { type: 'string', default: 'embedded' },
      pods: { type: 'string', default: 'kwok' },
      settle: { type: 'string', default: '120' },
      logs: { type: 'string' },
      planted: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const say = (line: string): void => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
  const first = numberOf('--seed', values.seed)
  const openTarget = () => (values.cluster === 'real' ? realTarget(values.pods === 'containers' ? 'containers' : 'kwok') : embeddedTarget())
  const run = async (seed: number, root?: string): Promise<Violation[]> => {
    const target = await openTarget()
    const startedMs = Date.now()
    try {
      const { history, faults } = await runChaos(target, {
        seed,
        spreadMs: numberOf('--minutes', values.minutes) * 60_000,
        tasks: numberOf('--tasks', values.tasks),
        replicas: numberOf('--replicas', values.replicas),
        settleMs: numberOf('--settle', values.settle) * 1_000,
        ...(root === undefined ? {} : { root }),
        say,
      })
      if (values.logs !== undefined) {
        mkdirSync(values.logs, { recursive: true })
        for (const { source, text } of history.texts)
          if (source.startsWith('log of ')) writeFileSync(join(values.logs, `seed-${seed}-${source.slice(7)}.log`), text)
      }
      const violations = check(history)
      if (root === undefined) {
        process.stdout.write(`${summaryOf(history, faults)}\n`)
        if (violations.length > 0) process.stdout.write(`${violationsText(history, violations)}\n`)
      }
      const took = ((Date.now() - startedMs) / 1000).toFixed(0)
      process.stdout.write(`seed ${seed} on ${target.name}: ${violations.length} violations in ${took} s\n`)
      return violations
    } finally {
      await target.close()
    }
  }
  const seeds = Array.from({ length: numberOf('--runs', values.runs) }, (_, index) => first + index)
  if (values.planted !== undefined) return runPlanted(values.planted, seeds, run)
  let failed = 0
  for (const seed of seeds) if ((await run(seed)).length > 0) failed++
  return failed === 0 ? 0 : 1
}

/** Each bug whose name has this in it, with one seed after the other until it is found. All are to be. */
async function runPlanted(pattern: string, seeds: number[], run: (seed: number, root: string) => Promise<Violation[]>): Promise<number> {
  let missed = 0
  for (const bug of planted.filter(({ name }) => name.includes(pattern))) {
    const { root, remove } = plant(bug)
    try {
      const broken = new Set<string>()
      const isFound = (): boolean => bug.promises.some((promise) => broken.has(promise))
      for (const seed of seeds) if (!isFound()) for (const { promise } of await run(seed, root)) broken.add(promise)
      const found = isFound()
      if (!found) missed++
      process.stdout.write(`${found ? 'FOUND' : 'MISSED'}: ${bug.name} (${[...broken].join(', ') || 'nothing was broken'})\n`)
    } finally {
      remove()
    }
  }
  return missed === 0 ? 0 : 1
}

function numberOf(option: string, text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) throw new Error(`${option} ${text}: must be a number, 0 or more`)
  return number
}

const code = await main()
// What is printed may still be on its way through a pipe. Then at once: Node, left to end by itself, can spin for ever over a request that was given up
// (Environment::CleanupHandles, seen with 26.10 after the API server had been killed).
process.stdout.write('', () => process.exit(code))
