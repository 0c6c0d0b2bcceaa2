// The list of commands: what each is for and where it is, loaded only when called. Not for: what a command does.
import { readFileSync } from 'node:fs'
import { nearest } from '../lib/nearest.ts'
import { columns, EXIT } from './options.ts'

type Run = (argv: string[]) => Promise<number>

interface Command {
  summary: string
  load(): Promise<Run>
}

const COMMANDS: Record<string, Command> = {
  serve: {
    summary: 'Runs the service: webhooks in, Jobs out, callbacks back.',
    load: async () => (await import('./serve.ts')).serve,
  },
  demo: {
    summary: 'Shows the whole path in this terminal, without a cluster: 20 tasks, some of which fail on purpose.',
    load: async () => (await import('./demo/command.ts')).demo,
  },
  submit: {
    summary: 'Submits a task to a running jobhook; with --wait it ends as the task does.',
    load: async () => (await import('./submit.ts')).submit,
  },
  tasks: { summary: 'Lists tasks, newest first, or shows one.', load: async () => (await import('./tasks.ts')).tasks },
  logs: { summary: 'Prints a task’s log, or follows it.', load: async () => (await import('./logs.ts')).logs },
  cancel: { summary: 'Cancels tasks: each is stopped, then its end is reported.', load: async () => (await import('./cancel.ts')).cancel },
  deliveries: {
    summary: 'Lists reports that are owed or dead, or sends them again.',
    load: async () => (await import('./deliveries.ts')).deliveries,
  },
  render: {
    summary: 'Prints the Job and the Secret an assignment would become, as YAML.',
    load: async () => (await import('./render.ts')).render,
  },
  doctor: {
    summary: 'Checks cluster, rights, namespace, secrets and callback URL, and says what puts right what is wrong.',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  keys: { summary: 'Makes a webhook secret, or a pair of ed25519 keys.', load: async () => (await import('./keys.ts')).keys },
  sign: { summary: 'Signs a message and prints the curl command that sends it.', load: async () => (await import('./sign.ts')).sign },
  listen: {
    summary: 'Receives, verifies and prints callbacks, or plays a sick receiver.',
    load: async () => (await import('./listen.ts')).listen,
  },
  try: {
    summary: 'Tries a running service: one signed webhook, one task, its signed callback.',
    load: async () => (await import('./try.ts')).tryOut,
  },
  release: {
    summary: 'For leaving: takes jobhook’s finalizer off every Job of a worker, and says what is not reported.',
    load: async () => (await import('./release.ts')).release,
  },
}

/** Runs `jobhook <argv>` and gives the exit code: 0 done, 1 failed, 2 the command line was wrong. */
export async function runCommandLine(argv: string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version' || name === '-v' || name === 'version') return print(`${version()}\n`)
  if (name === undefined) {
    process.stderr.write(overview())
    return EXIT.usage
  }
  if (name === '--help' || name === '-h' || (name === 'help' && rest[0] === undefined)) return print(overview())
  if (name === 'help') return runCommandLine([rest[0] ?? '', '--help'])
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) {
    const meant = nearest(name.replace(/^-+/, ''), [...Object.keys(COMMANDS), 'help', 'version'])
    process.stderr.write(
      `jobhook: unknown command ${JSON.stringify(name)}${meant ? `: did you mean "${meant}"?` : ''}\n"jobhook --help" lists them.\n`,
    )
    return EXIT.usage
  }
  const run = await command.load()
  return run(rest)
}

function overview(): string {
  return [
    'jobhook: webhook in, Job out, callback back.\n',
    'Usage: jobhook COMMAND …\n',
    'Commands:',
    columns(Object.entries(COMMANDS).map(([name, command]) => [name, command.summary] as const)),
    '\n"jobhook COMMAND --help" explains one. "jobhook --version" prints the version.',
    'Exit codes: 0 done, 1 failed, 2 the command line was wrong; submit --wait gives the task’s own.\n',
  ].join('\n')
}

/** package.json is one level above src/ in a checkout and two above dist/src/ in a package. */
function version(): string {
  for (const candidate of ['../../package.json', '../../../package.json']) {
    try {
      const parsed: unknown = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8'))
      if (typeof parsed === 'object' && parsed !== null && 'name' in parsed && parsed.name === 'jobhook' && 'version' in parsed)
        return String(parsed.version)
    } catch {
      // the other place has it
    }
  }
  return 'unknown'
}

function print(text: string): number {
  process.stdout.write(text)
  return EXIT.ok
}
