// `jobhook demo`: the whole path in one terminal, with nothing faked: an example control plane, jobhook and 20 tasks on the embedded cluster.
import { setTimeout as delay } from 'node:timers/promises'
import { painterFor } from '../colour.ts'
import { type CommandSpec, EXIT, readInteger, runWith, usageError } from '../options.ts'
import { type StopSignal, stopSignal } from '../stop-signal.ts'
import { createControlPlaneClient } from './control.ts'
import { known, summarise } from './judge.ts'
import { keepLines } from './keep.ts'
import { observe } from './observe.ts'
import { play } from './play.ts'
import { SCENARIO } from './scenario.ts'
import { type Stage, setStage } from './setup.ts'
import { createTeller } from './teller.ts'
import { summaryLines } from './view.ts'

export const SPEC: CommandSpec = {
  name: 'demo',
  summary: 'Shows the whole path in this terminal, without a cluster: 20 tasks, some of which fail on purpose.',
  usage: '[--keep] [--plain] [--timeout SECONDS]',
  positionals: { min: 0, max: 0 },
  options: {
    keep: { description: 'Leaves everything running afterwards and prints commands to try, until Ctrl-C.' },
    plain: { description: 'Lines instead of a table (as it is where the output is no terminal).' },
    timeout: { value: 'SECONDS', description: 'Gives up waiting for verdicts. Default 120.' },
  },
  exits: [
    ['0', 'Every task got exactly its expected verdict, once, under one id.'],
    ['1', 'At least one did not, or the demo was interrupted.'],
  ],
  notJson: 'it tells a story to a person; what the example control plane heard is to be had as JSON with --keep, by GET /state',
}

const DEFAULT_TIMEOUT_SECONDS = 120
/** npm passes the terminal’s Ctrl-C on, so that the same one may arrive twice: nobody’s second one comes this soon. */
const SAME_SIGNAL_MS = 500

export function demo(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const timeoutSeconds = readInteger(args.text('timeout') ?? String(DEFAULT_TIMEOUT_SECONDS), 1, 3600)
    if (timeoutSeconds === null) return usageError(SPEC, '--timeout must be whole seconds from 1 to 3600')
    const stop = stopSignal()
    const stage = setStage()
    try {
      return await run({ stage, stop, plain: args.has('plain'), keep: args.has('keep'), timeoutSeconds })
    } catch (error) {
      if (stop.signal.aborted) return EXIT.failed
      process.stderr.write(`\njobhook demo: ${error instanceof Error ? error.message : String(error)}\n`)
      return EXIT.failed
    } finally {
      await strike(stage, stop)
    }
  })
}

async function run(options: { stage: Stage; stop: StopSignal; plain: boolean; keep: boolean; timeoutSeconds: number }): Promise<number> {
  const { stage, stop } = options
  const paint = painterFor(process.stdout)
  const say = (line: string): void => void process.stdout.write(`${line}\n`)

  const controlPlane = await stage.startControlPlane(stop.signal)
  say(`1  An example control plane runs as its own process, ${controlPlane}: it hands out tasks and hears their verdicts.`)
  const jobhook = await stage.startJobhook(controlPlane, stop.signal)
  say(`2  jobhook runs as another, ${jobhook}, with a small Kubernetes API inside: a container is a local process.`)
  say(
    `3  The control plane sends ${SCENARIO.length} signed assignments to POST /v1/webhook. jobhook answers 202 once the Job is stored (→Job).`,
  )
  say('4  jobhook watches the Jobs and reports each verdict by signed callback, as soon as the command has ended (→callback).')
  say('   Some tasks fail or are cancelled on purpose: for them that is the expected verdict.\n')

  const observer = observe(stage.files.kubeconfig, Date.now)
  const client = createControlPlaneClient(controlPlane)
  const teller = createTeller({ plain: options.plain, paint, taskCount: SCENARIO.length })
  const startedMs = Date.now()
  try {
    const end = await play({
      client,
      observer,
      teller,
      scenario: SCENARIO,
      timeoutMs: options.timeoutSeconds * 1000,
      signal: stop.signal,
      broken: stage.broken,
    })
    teller.close()
    const all = known(SCENARIO, await client.state(), observer.task)
    const summary = summarise(all)
    for (const line of summaryLines(summary, SCENARIO.length, end.atMs - startedMs, paint)) say(line)
    if (end.problem) say(`\n${paint('red', end.problem)}`)
    if (options.keep) {
      for (const line of keepLines({ stage, jobhook, controlPlane, job: all[0]?.record?.accepted?.job ?? null })) say(line)
      await stop.requested
    }
    return summary.faults.length === 0 && !end.problem ? EXIT.ok : EXIT.failed
  } finally {
    teller.close()
    observer.stop()
  }
}

/** Ends the other processes; a second Ctrl-C does it at once. */
async function strike(stage: Stage, stop: StopSignal): Promise<void> {
  if (stop.signal.aborted) process.stderr.write('\nEnding what was started (again Ctrl-C: at once) …\n')
  const striking = stage.strike()
  await Promise.race([striking, delay(SAME_SIGNAL_MS, undefined, { ref: false })])
  const again = stopSignal()
  stop.release()
  await Promise.race([striking, again.requested.then(() => stage.strikeNow())])
  again.release()
}
