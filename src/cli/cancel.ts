// `jobhook cancel`: stops tasks of a running jobhook.
import type { TaskRecord } from '../model/task.ts'
import { complain, createClient, readTarget, TARGET_NOTE, TARGET_OPTIONS, taskPath } from './client.ts'
import { type CommandSpec, EXIT, runWith, usageError } from './options.ts'
import { stopSignal } from './stop-signal.ts'
import { printable } from './text.ts'
import { ENDED, endLine, waitForEnd } from './wait.ts'

export const SPEC: CommandSpec = {
  name: 'cancel',
  summary: 'Cancels tasks: each is stopped, then its end is reported.',
  usage: 'ID… [--wait] [--json]',
  positionals: { min: 1, max: 100 },
  options: {
    wait: { description: 'Waits until each has ended.' },
    json: { description: 'Prints each task as JSON, one a line (with --wait: as it ended).' },
    ...TARGET_OPTIONS,
  },
  notes: [
    'ID is a task’s id or its task_id (then its newest execution). One that had ended stays as it is, and that is said.',
    TARGET_NOTE,
  ],
  exits: [
    ['0', 'Every one is being stopped (with --wait: has ended), or had ended.'],
    ['1', 'At least one was refused or is not known, or the service was not reached.'],
    ['130', 'Interrupted; what was cancelled stays cancelled.'],
  ],
}

export function cancel(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const target = readTarget(args, process.env)
    if (!target.ok) return usageError(SPEC, target.problem)
    const client = createClient(target.target)
    const stop = stopSignal()
    const json = args.has('json')
    let exit: number = EXIT.ok
    try {
      const stopping: TaskRecord[] = []
      for (const id of args.positionals) {
        const called = await client.call<TaskRecord>('DELETE', taskPath(id), { signal: stop.signal })
        if (!called.ok) {
          exit = complain('cancel', { ...called.failure, text: `${printable(id)}: ${called.failure.text}` })
          continue
        }
        const task = called.value
        const had = ENDED.has(task.state)
        if (!json) process.stdout.write(`${printable(task.task_id)}: ${had ? `had ended: ${task.state}` : task.state}\n`)
        else if (had || !args.has('wait')) printJson(task)
        if (!had) stopping.push(task)
      }
      if (!args.has('wait')) return exit
      for (const task of stopping) {
        const waited = await waitForEnd(client, task, stop.signal)
        if (waited.kind === 'interrupted') return EXIT.interrupted
        if (waited.kind === 'failed') exit = complain('cancel', waited.failure)
        else {
          process.stderr.write(`${endLine(waited.task)}\n`)
          if (json) printJson(waited.task)
        }
      }
      return exit
    } catch (error) {
      if (stop.signal.aborted) return EXIT.interrupted
      throw error
    } finally {
      stop.release()
      await client.close()
    }
  })
}

function printJson(task: TaskRecord): void {
  process.stdout.write(`${JSON.stringify(task)}\n`)
}
