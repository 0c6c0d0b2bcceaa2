// Reads one command's arguments by its specification, which also makes its --help. Not for: the configuration file (src/config).
import { parseArgs } from 'node:util'
import { nearest } from '../lib/nearest.ts'

/** Exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** What they mean where a command says nothing else; a test holds every command to them. */
export const EXIT_MEANINGS: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'Done.'],
  ['1', 'It failed, was refused, or could not reach the service; standard error says why.'],
  ['2', 'The command line was wrong; nothing was done.'],
]

export interface OptionSpec {
  /** One letter: -f. */
  short?: string
  /** What stands for the value in the help, for example SECONDS; absent for a switch. */
  value?: string
  /** May be given several times. */
  multiple?: boolean
  description: string
}

export interface CommandSpec {
  name: string
  /** One line, also shown in the list of commands. */
  summary: string
  /** What follows the name in the usage line. */
  usage: string
  /** Positional arguments: how many at least and at most. */
  positionals: { min: number; max: number }
  options: Record<string, OptionSpec>
  /** Further paragraphs of the help: examples. */
  notes?: readonly string[]
  /** Exit codes of its own, over those of EXIT_MEANINGS. */
  exits?: readonly (readonly [code: string, meaning: string])[]
  /** Why it has no --json; every command has one or the other. */
  notJson?: string
}

export interface Arguments {
  positionals: string[]
  /** The value of an option (the last one given), undefined when absent. */
  text(name: string): string | undefined
  list(name: string): string[]
  has(name: string): boolean
}

export type ReadArguments = { kind: 'run'; args: Arguments } | { kind: 'help'; text: string } | { kind: 'usage'; message: string }

/** Reads argv (without the command's name) by the specification; every mistake is told with what was probably meant. */
export function readArguments(spec: CommandSpec, argv: readonly string[]): ReadArguments {
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, option]) => [
      name,
      {
        type: option.value ? ('string' as const) : ('boolean' as const),
        multiple: true,
        ...(option.short === undefined ? {} : { short: option.short }),
      },
    ]),
  )
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false, // its messages name no remedy; the tokens are checked below
    tokens: true,
  })
  if (tokens.some((token) => token.kind === 'option' && token.name === 'help')) return { kind: 'help', text: helpText(spec) }
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(spec.options, token.name) ? spec.options[token.name] : undefined
    const problem = option ? valueProblem(option, token) : unknownOption(token.rawName, spec)
    if (problem) return usage(spec, problem)
    values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? ''])
  }
  for (const [name, given] of values) {
    if (given.length > 1 && !spec.options[name]?.multiple) return usage(spec, `--${name} is given ${given.length} times`)
  }
  if (positionals.length < spec.positionals.min) return usage(spec, `${spec.usage.split(' ')[positionals.length]} is missing`)
  if (positionals.length > spec.positionals.max)
    return usage(spec, `unexpected argument ${JSON.stringify(positionals[spec.positionals.max])}`)
  return {
    kind: 'run',
    args: {
      positionals,
      text: (name) => values.get(name)?.at(-1),
      list: (name) => values.get(name) ?? [],
      has: (name) => values.has(name),
    },
  }
}

/** Runs `action` with the arguments read, or prints the help (exit 0) or the mistake (exit 2). */
export async function runWith(spec: CommandSpec, argv: readonly string[], action: (args: Arguments) => Promise<number>): Promise<number> {
  const read = readArguments(spec, argv)
  if (read.kind === 'run') return action(read.args)
  if (read.kind === 'help') process.stdout.write(read.text)
  else process.stderr.write(read.message)
  return read.kind === 'help' ? EXIT.ok : EXIT.usage
}

/** A mistake in the arguments that only the command itself can see: prints it like the others and gives the exit code. */
export function usageError(spec: CommandSpec, problem: string): number {
  process.stderr.write(usage(spec, problem).message)
  return EXIT.usage
}

/** A whole number within bounds, or null. */
export function readInteger(text: string, min: number, max: number): number | null {
  if (!/^[0-9]{1,15}$/.test(text)) return null
  const number = Number(text)
  return number >= min && number <= max ? number : null
}

/** Milliseconds of "500ms", "2s", "1m" or a bare number of seconds; null when it is none of them. */
export function readDurationMs(text: string): number | null {
  const [, amount, unit = 's'] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m)?$/.exec(text) ?? []
  const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000 }
  return amount === undefined ? null : Math.round(Number(amount) * (unitMs[unit] ?? 0))
}

function valueProblem(
  option: OptionSpec,
  token: { rawName: string; value: string | undefined; inlineValue: boolean | undefined },
): string | null {
  if (!option.value) return token.value === undefined ? null : `${token.rawName} takes no value`
  if (token.value === undefined || token.value === '') return `${token.rawName} needs a value: ${token.rawName} ${option.value}`
  if (!token.inlineValue && token.value.length > 1 && token.value.startsWith('-')) {
    return `${token.rawName} needs a value: ${token.rawName} ${option.value} (a value that begins with a dash: ${token.rawName}=${token.value})`
  }
  return null
}

function unknownOption(rawName: string, spec: CommandSpec): string {
  const meant = nearest(rawName.replace(/^-+/, ''), [...Object.keys(spec.options), 'help'])
  return `unknown option ${rawName}${meant ? `: did you mean --${meant}?` : ''}`
}

function usage(spec: CommandSpec, problem: string): { kind: 'usage'; message: string } {
  return {
    kind: 'usage',
    message: `jobhook ${spec.name}: ${problem}\nUsage: jobhook ${spec.name} ${spec.usage}\n"jobhook ${spec.name} --help" explains it.\n`,
  }
}

function helpText(spec: CommandSpec): string {
  return [
    `${spec.summary}\n`,
    `Usage: jobhook ${spec.name} ${spec.usage}`.trimEnd(),
    '\nOptions:',
    columns(optionRows(spec)),
    ...(spec.notes ?? []).map((note) => `\n${note}`),
    '\nExit codes:',
    columns(exitRows(spec)),
    '',
  ].join('\n')
}

/** What can be given, as in the help: ["-f, --follow", "Waits …"]. */
export function optionRows(spec: CommandSpec): (readonly [option: string, description: string])[] {
  const anyShort = Object.values(spec.options).some((option) => option.short !== undefined)
  const indent = (short: string | undefined): string => (short === undefined ? (anyShort ? '    ' : '') : `-${short}, `)
  return [
    ...Object.entries(spec.options).map(
      ([name, option]) => [`${indent(option.short)}--${name}${option.value ? ` ${option.value}` : ''}`, option.description] as const,
    ),
    [`${indent(undefined)}--help`, 'Shows this.'] as const,
  ]
}

/** Its exit codes in the order of their numbers, its own meanings first. */
export function exitRows(spec: CommandSpec): (readonly [code: string, meaning: string])[] {
  const own = new Map(spec.exits)
  const general = EXIT_MEANINGS.map(([code, meaning]) => [code, own.get(code) ?? meaning] as const)
  return [...general, ...(spec.exits ?? []).filter(([code]) => !EXIT_MEANINGS.some(([known]) => known === code))]
}

/** Two columns, the first as wide as its longest entry. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
