// `jobhook logs`: a task's log as it is, from a running jobhook.
import type { Readable } from 'node:stream'
import { complain, createClient, readTarget, TARGET_NOTE, TARGET_OPTIONS, taskPath } from './client.ts'
import { type CommandSpec, EXIT, readInteger, runWith, usageError } from './options.ts'
import { stopSignal } from './stop-signal.ts'
import { harmless } from './text.ts'

export const SPEC: CommandSpec = {
  name: 'logs',
  summary: 'Prints a task’s log, or follows it.',
  usage: 'ID [-f] [--tail LINES] [--since WHEN] [--container NAME] [--json]',
  positionals: { min: 1, max: 1 },
  options: {
    follow: { short: 'f', description: 'Waits for the container, and goes on until its end.' },
    tail: { value: 'LINES', description: 'Only so many lines from the end.' },
    since: { value: 'WHEN', description: 'Only what was written since: 90s, 10m, 2h, or a time (RFC 3339).' },
    container: { short: 'c', value: 'NAME', description: 'An init container such as setup or copy-sidecar-1. Default: task.' },
    raw: { description: 'On a terminal, too: every byte as the task printed it.' },
    json: { description: 'Each line as {"task": ID, "line": TEXT}, one JSON object a line.' },
    ...TARGET_OPTIONS,
  },
  notes: [
    'ID is a task’s id or its task_id (then its newest execution). The token needs the scope logs: the log is raw, with whatever secrets the task printed.',
    'Lines that begin with [jobhook] are jobhook’s own. Into a file or a pipe every byte goes as it is; on a terminal colours do, and what could move its cursor or worse is shown as \\u001b and the like.',
    TARGET_NOTE,
  ],
  exits: [
    ['0', 'The log was printed to its end.'],
    ['1', 'There is no log (any more), or the service was not reached.'],
    ['130', 'Interrupted.'],
  ],
}

export function logs(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const target = readTarget(args, process.env)
    if (!target.ok) return usageError(SPEC, target.problem)
    const tail = args.text('tail')
    if (tail !== undefined && readInteger(tail, 0, 999_999_999) === null) return usageError(SPEC, '--tail must be a whole number of lines')
    const query = new URLSearchParams()
    if (args.has('follow')) query.set('follow', 'true')
    for (const name of ['tail', 'since', 'container']) {
      const value = args.text(name)
      if (value !== undefined) query.set(name, value)
    }
    const task = args.positionals[0] ?? ''
    const client = createClient(target.target)
    const stop = stopSignal()
    try {
      const called = await client.stream(`${taskPath(task)}/logs${query.size > 0 ? `?${query}` : ''}`, stop.signal)
      if (!called.ok) return complain('logs', called.failure)
      const shown = shape(called.value, task, { json: args.has('json'), raw: args.has('raw') || !process.stdout.isTTY })
      for await (const chunk of shown) await print(chunk)
      return EXIT.ok
    } catch (error) {
      if (stop.signal.aborted) return EXIT.interrupted
      // The reader of our output has gone (head, less): nothing more to do.
      if (process.stdout.destroyed || (error instanceof Error && 'code' in error && error.code === 'EPIPE')) return EXIT.ok
      return complain('logs', {
        status: 0,
        code: 'broken',
        text: `the log broke off: ${error instanceof Error ? error.message : String(error)}`,
        retryAfterSeconds: null,
      })
    } finally {
      stop.release()
      await client.close()
    }
  })
}

function shape(log: Readable, task: string, options: { json: boolean; raw: boolean }): AsyncIterable<Buffer | string> {
  if (options.json) return mapText(lines(log), (line) => `${JSON.stringify({ task, line })}\n`)
  return options.raw ? log : mapText(log.setEncoding('utf8'), harmless)
}

async function* mapText(texts: AsyncIterable<string>, change: (text: string) => string): AsyncGenerator<string> {
  for await (const text of texts) yield change(text)
}

/** readline would also break at \r, U+2028 and U+2029, which a task may well print within a line. */
async function* lines(log: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const text of log.setEncoding('utf8') as AsyncIterable<string>) {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}

/** Waits until it is written: a slow reader must not make us collect the log in memory. */
function print(chunk: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}
