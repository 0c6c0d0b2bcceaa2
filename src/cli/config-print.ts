// `jobhook config print`: the settings as they take effect, and where each came from.
import { stringify } from 'yaml'
import { type EffectiveSetting, effectiveSettings } from '../config/index.ts'
import { painterFor } from './colour.ts'
import { readConfig } from './config.ts'
import { type Arguments, type CommandSpec, EXIT, runWith, usageError } from './options.ts'
import { fit, printable } from './text.ts'

export const SPEC: CommandSpec = {
  name: 'config',
  summary: 'Prints the settings as they take effect, each with its source.',
  usage: 'print [--config FILE] [--listen ADDRESS:PORT] [--only-set] [--json]',
  positionals: { min: 1, max: 1 },
  options: {
    config: { value: 'FILE', description: 'The configuration of the service, YAML. Absent: the environment (JOBHOOK_…) alone.' },
    listen: { value: 'ADDRESS:PORT', description: 'As with serve: instead of the setting listen.' },
    'only-set': { description: 'Leaves out what nobody set.' },
    json: { description: 'Prints {"settings": [{"key", "value", "source"}]}.' },
  },
  notes: [
    'Secrets are masked; {file: …} and {env: …} are shown as they are written, and of a URL that may hold a token only the origin.',
    'What the settings mean together: jobhook serve --check --config FILE. All of them: docs/configuration.md.',
  ],
  exits: [['1', 'The configuration is unusable; every problem is told.']],
}

export function config(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => print(args))
}

function print(args: Arguments): number {
  const [verb] = args.positionals
  if (verb !== 'print') return usageError(SPEC, `unknown word ${JSON.stringify(verb)}: did you mean "print"?`)
  const listen = args.text('listen')
  const sources = {
    file: args.text('config') ?? null,
    env: process.env,
    ...(listen === undefined ? {} : { flags: { listen } }),
  }
  if (!readConfig(sources)) return EXIT.failed
  const settings = effectiveSettings(sources).filter(({ source }) => !args.has('only-set') || source !== 'default')
  process.stdout.write(args.has('json') ? `${JSON.stringify({ settings }, null, 2)}\n` : table(settings))
  return EXIT.ok
}

/** Wider values are cut on a terminal only: a file or a pipe gets all of it. */
const WIDEST = 60

function table(settings: readonly EffectiveSetting[]): string {
  const paint = painterFor(process.stdout)
  const widest = process.stdout.isTTY ? WIDEST : Number.POSITIVE_INFINITY
  const rows = settings.map(({ key, value, source }) => [key, printable(flow(value)), source])
  const widths = [0, 1].map((column) => Math.min(widest, Math.max(...rows.map((row) => [...(row[column] ?? '')].length))))
  return rows
    .map(([key = '', value = '', source = '']) => {
      const line = [fit(key, widths[0] ?? 0, true), fit(value, widths[1] ?? 0, true), source].join('  ')
      return `${paint(source === 'default' ? 'dim' : 'plain', line)}\n`
    })
    .join('')
}

/** On one line, as it could stand in the file. */
function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()
}
