// `npm run bench`: runs cases on a real control plane, prints one table, writes JSON and an SVG, and with --check fails when a goal is missed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { watchSignals } from '../test/cluster/harness/interrupt.ts'
import { help, parseArguments } from './arguments.ts'
import { cases } from './cases/index.ts'
import { drawChart } from './lib/chart.ts'
import { missedGoals } from './lib/judge.ts'
import { resultsPage } from './lib/page.ts'
import { type Plane, startPlane } from './lib/plane.ts'
import { terminalTable } from './lib/table.ts'
import type { Case, CaseResult, Context, PlaneKind } from './model.ts'

const ROOT = join(import.meta.dirname, '..')

async function main(): Promise<number> {
  const options = parseArguments(process.argv.slice(2), cases)
  if (options.kind === 'help') {
    process.stdout.write(help(cases))
    return 0
  }
  if (options.kind === 'list') {
    for (const each of cases)
      process.stdout.write(`${each.name.padEnd(22)} ${each.title}\n${' '.repeat(23)}compared with ${each.comparedWith}\n`)
    return 0
  }
  const interrupt = watchSignals((signal) => say(`${signal}: stopping`))
  build()
  if (options.kind === 'soak') {
    const { soak } = await import('./soak.ts')
    return soak(options, { say, signal: interrupt.first })
  }
  const planes = createPlanes(interrupt.first)
  const results: CaseResult[] = []
  try {
    for (const each of options.cases) {
      if (interrupt.first.aborted) break
      const running = runCase(each, { runs: options.runs, quick: options.quick, plane: planes.get, say, signal: interrupt.first })
      results.push(await orAborted(running, interrupt.first))
      // After each case: a run of half an hour may be cut short.
      write(results, options.out)
    }
  } catch (error) {
    if (!interrupt.first.aborted) throw error
  } finally {
    await planes.stop()
  }
  if (results.length > 0) {
    const merged = write(results, options.out)
    process.stdout.write(
      `\n${terminalTable(merged)}\n${machineText()}\nWritten: results.json, results.svg and results.md in ${options.out}\n`,
    )
  }
  const missed = missedGoals(results)
  if (missed.length > 0) process.stdout.write(`\nGoals missed:\n${missed.map((sentence) => `- ${sentence}\n`).join('')}`)
  else if (results.length > 0) process.stdout.write('\nEvery goal is met.\n')
  return interrupt.exitCode() ?? (options.check && missed.length > 0 ? 1 : 0)
}

/** A case that is broken off is not waited for: its plane is taken down, and what it started ends with this process. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {})
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort)
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort))
}

async function runCase(each: Case, context: Context): Promise<CaseResult> {
  say(`${each.name}: ${each.title}`)
  const loadBefore = Math.round((loadavg()[0] ?? 0) * 100) / 100
  const started = performance.now()
  const figures = await each.run(context)
  const seconds = Math.round((performance.now() - started) / 1000)
  const { name, title, comparedWith } = each
  const result = {
    case: name,
    title,
    comparedWith,
    figures,
    measuredAt: new Date().toISOString(),
    seconds,
    loadBefore,
    quick: context.quick,
  }
  process.stdout.write(`${terminalTable([result])}\n`)
  return result
}

/** One control plane of each kind at most, and never two at once: they would share the two cores. */
function createPlanes(signal: AbortSignal) {
  let current: Plane | null = null
  const stop = async (): Promise<void> => {
    await current?.stop()
    current = null
  }
  return {
    stop,
    async get(kind: PlaneKind): Promise<Plane> {
      if (current?.kind !== kind) {
        await stop()
        current = await startPlane(kind, { say, signal })
      }
      await current.wipe()
      return current
    },
  }
}

/** What is measured is what is shipped: compiled. */
function build(): void {
  const built = spawnSync(process.execPath, ['scripts/build.ts'], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (built.status !== 0) throw new Error('the build failed (above)')
}

/** Cases that were not run this time keep their results in the files of `folder`. */
function write(results: CaseResult[], folder: string): CaseResult[] {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'results.json')
  const earlier = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { results: CaseResult[] }).results : []
  const merged = cases.flatMap((each) => {
    const found = results.find((result) => result.case === each.name) ?? earlier.find((result) => result.case === each.name)
    return found ? [found] : []
  })
  writeFileSync(file, `${JSON.stringify({ machine: machine(), results: merged }, null, 2)}\n`)
  writeFileSync(join(folder, 'results.svg'), drawChart(merged, machineText()))
  writeFileSync(join(folder, 'results.md'), resultsPage(merged, machineText()))
  return merged
}

function machine() {
  return { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown', memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version }
}

function machineText(): string {
  const { cores, model, memoryGb, node } = machine()
  return `${cores} cores (${model}), ${memoryGb} GB, shared by load, control plane and jobhook; Node ${node}; ${new Date().toISOString().slice(0, 10)}`
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

const code = await main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
})
process.exit(code)
