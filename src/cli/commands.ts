// The command line as a whole: help, version, the named command, what was meant instead. Not for: what a command does.
import { readFileSync } from 'node:fs'
import { nearest } from '../lib/nearest.ts'
import { columns, EXIT, EXIT_MEANINGS } from './options.ts'
import { COMMANDS } from './table.ts'

/** Runs `jobhook <argv>` and gives the exit code: 0 done, 1 failed, 2 the command line was wrong. */
export async function runCommandLine(given: string[]): Promise<number> {
  const [name, ...rest] = withoutColourSwitch(given)
  if (name === '--version' || name === '-v' || name === 'version') return print(`${version()}\n`)
  if (name === undefined) {
    process.stderr.write(overview())
    return EXIT.usage
  }
  if (name === '--help' || name === '-h' || (name === 'help' && rest[0] === undefined)) return print(overview())
  if (name === 'help') return runCommandLine([rest[0] ?? '', '--help'])
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!entry) {
    const meant = nearest(name.replace(/^-+/, ''), [...Object.keys(COMMANDS), 'help', 'version'])
    process.stderr.write(
      `jobhook: unknown command ${JSON.stringify(name)}${meant ? `: did you mean "${meant}"?` : ''}\n"jobhook --help" lists them.\n`,
    )
    return EXIT.usage
  }
  const command = await entry.load()
  return command.run(rest)
}

function overview(): string {
  return [
    'jobhook: webhook in, Job out, callback back.\n',
    'Usage: jobhook COMMAND …\n',
    'Commands:',
    columns(Object.entries(COMMANDS).map(([name, entry]) => [name, entry.summary] as const)),
    '\nWith every command:',
    columns([
      ['--help', 'Explains it: its options, examples, exit codes.'],
      ['--json', 'Prints data as JSON, for scripts (all but demo and completion).'],
      ['--no-color', 'No colours on a terminal, as with NO_COLOR=1. FORCE_COLOR=1: also where there is none.'],
    ]),
    '\nCommands that talk to a running jobhook find it by --url, JOBHOOK_URL or the client file ~/.config/jobhook/config.yaml, in this order,',
    'and use the token of --token, JOBHOOK_TOKEN or that file.',
    '\nExit codes:',
    columns([...EXIT_MEANINGS, ['130', 'Interrupted.'], ['other', 'submit --wait: the exit code of the task, which failed.']]),
    '\n"jobhook --version" prints the version.\n',
  ].join('\n')
}

const COLOUR_SWITCHES = new Set(['--no-color', '--no-colour'])

/** Of every command, so that none has to know it; what follows -- belongs to a task. */
function withoutColourSwitch(argv: string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const ours = argv.slice(0, end)
  if (!ours.some((argument) => COLOUR_SWITCHES.has(argument))) return argv
  process.env.NO_COLOR = '1'
  delete process.env.FORCE_COLOR
  return [...ours.filter((argument) => !COLOUR_SWITCHES.has(argument)), ...argv.slice(end)]
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
