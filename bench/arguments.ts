// The command line of `npm run bench`. Pure.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Case } from './model.ts'

export interface SoakOptions {
  kind: 'soak'
  minutes: number
  ratePerSecond: number
  clusters: ('embedded' | 'real')[]
  out: string
}

export type Options =
  | { kind: 'help' }
  | { kind: 'list' }
  | { kind: 'cases'; cases: readonly Case[]; runs: number; quick: boolean; check: boolean; out: string }
  | SoakOptions

export function help(cases: readonly Case[]): string {
  return `npm run bench -- [quick | CASE … | soak] [options]

Without a case: all of them, each figure the median of 5 runs. What each measures and what it is compared with: docs/performance.md.

  quick               the short cases only, 3 shorter runs each: within 5 minutes
  soak                a constant rate for --minutes, on the embedded cluster and on a real control plane
  --check             exit code 1 when a goal is missed, after a sentence for each
  --list              the cases, and what each is compared with
  --runs N            how often each figure is measured
  --out FOLDER        where results.json, results.svg and results.md go (default: bench/results)
  --minutes N         with soak: how long on each cluster (default 10)
  --rate N            with soak: tasks a second (default 20)
  --cluster WHICH     with soak: embedded or real only

Cases: ${cases.map((each) => each.name).join(', ')}
`
}

/** @throws Error with the remedy */
export function parseArguments(argv: readonly string[], cases: readonly Case[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      list: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      runs: { type: 'string' },
      out: { type: 'string', default: join(import.meta.dirname, 'results') },
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '20' },
      cluster: { type: 'string' },
    },
  })
  if (values.help) return { kind: 'help' }
  if (values.list) return { kind: 'list' }
  if (positionals.includes('soak')) {
    if (positionals.length > 1) throw new Error('soak runs alone: npm run bench -- soak --minutes 10')
    const { cluster } = values
    if (cluster !== undefined && cluster !== 'embedded' && cluster !== 'real') throw new Error('--cluster is embedded or real')
    return {
      kind: 'soak',
      minutes: positive('--minutes', values.minutes),
      ratePerSecond: positive('--rate', values.rate),
      clusters: cluster === undefined ? ['embedded', 'real'] : [cluster],
      out: values.out,
    }
  }
  const quick = positionals.includes('quick')
  const names = positionals.filter((name) => name !== 'quick')
  const unknown = names.find((name) => !cases.some((each) => each.name === name))
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}; --list shows them all`)
  const chosen =
    names.length > 0
      ? cases.filter((each) => names.includes(each.name))
      : quick
        ? cases.filter((each) => each.quick !== false)
        : cases.filter((each) => each.quick !== 'only')
  const runs = values.runs === undefined ? (quick ? 3 : 5) : positive('--runs', values.runs)
  return { kind: 'cases', cases: chosen, runs: Math.ceil(runs), quick, check: values.check, out: values.out }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`${name} ${text}: give a number above 0`)
  return value
}
