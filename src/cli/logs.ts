// `jobhook logs`: a task's log as it is, from a running jobhook.
import { complain, createClient, readTarget, TARGET_NOTE, TARGET_OPTIONS, taskPath } from './client.ts'
import { type CommandSpec, EXIT, readInteger, runWith, usageError } from './options.ts'
import { stopSignal } from './stop-signal.ts'

const SPEC: CommandSpec = {
  name: 'logs',
  summary: 'Prints a task’s log, or follows it.',
  usage: 'ID [-f] [--tail LINES] [--since WHEN] [--container NAME]',
  positionals: { min: 1, max: 1 },
  options: {
    follow: { description: 'Or -f. Waits for the container, and goes on until its end.' },
    tail: { value: 'LINES', description: 'Only so many lines from the end.' },
    since: { value: 'WHEN', description: 'Only what was written since: 90s, 10m, 2h, or a time (RFC 3339).' },
    container: { value: 'NAME', description: 'Or -c. An init container such as setup or copy-sidecar-1. Default: task.' },
    ...TARGET_OPTIONS,
  },
  notes: [
    'ID is a task’s id or its task_id (then its newest execution). The token needs the scope logs: the log is raw, with whatever secrets the task printed.',
    'Lines that begin with [jobhook] are jobhook’s own. Exit codes: 0 done, 1 no log or not reached, 2 wrong usage, 130 interrupted.',
    TARGET_NOTE,
  ],
}

const INTERRUPTED = 130
const SHORT: Record<string, string> = { '-f': '--follow', '-c': '--container' }

export function logs(argv: string[]): Promise<number> {
  return runWith(
    SPEC,
    argv.map((argument) => SHORT[argument] ?? argument),
    async (args) => {
      const target = readTarget(args, process.env)
      if (!target.ok) return usageError(SPEC, target.problem)
      const tail = args.text('tail')
      if (tail !== undefined && readInteger(tail, 0, 999_999_999) === null)
        return usageError(SPEC, '--tail must be a whole number of lines')
      const query = new URLSearchParams()
      if (args.has('follow')) query.set('follow', 'true')
      for (const name of ['tail', 'since', 'container']) {
        const value = args.text(name)
        if (value !== undefined) query.set(name, value)
      }
      const client = createClient(target.target)
      const stop = stopSignal()
      try {
        const called = await client.stream(`${taskPath(args.positionals[0] ?? '')}/logs${query.size > 0 ? `?${query}` : ''}`, stop.signal)
        if (!called.ok) return complain('logs', called.failure)
        for await (const chunk of called.value) await print(chunk as Buffer)
        return EXIT.ok
      } catch (error) {
        if (stop.signal.aborted) return INTERRUPTED
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
    },
  )
}

/** Waits until it is written: a slow reader must not make us collect the log in memory. */
function print(chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}
