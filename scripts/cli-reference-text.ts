// docs/cli.md from the table of commands: usage, options and exit codes as --help says them.
import { type CommandSpec, EXIT_MEANINGS, exitRows, optionRows } from '../src/cli/options.ts'
import { allSpecs } from '../src/cli/table.ts'

const INTRODUCTION = `# The command line

Generated from the table of commands by \`npm run docs\`; do not edit.

\`npx jobhook COMMAND\` in a checkout, \`jobhook COMMAND\` where it is installed or in the container. \`jobhook COMMAND --help\` says the same as this page.

## With every command

- \`--json\` prints data as JSON, for scripts. Where a command prints as things happen, that is one object a line.
- \`--no-color\` (or \`NO_COLOR=1\`) does without colours; they are on a terminal only. \`FORCE_COLOR=1\` has them everywhere.
- Data goes to standard output; progress, warnings and errors to standard error. What comes from a task or a server is printed with its control characters shown, so that it
  cannot move the cursor; \`logs\` into a file or a pipe is raw.
- A mistyped command or option is answered with the nearest one.

## Which jobhook, and who are you

\`submit\`, \`tasks\`, \`logs\`, \`cancel\` and \`deliveries\` talk to a running jobhook. The first of these that says something holds:

| | address | token |
|---|---|---|
| option | \`--url\` | \`--token\` (shows in the process list) |
| environment | \`JOBHOOK_URL\` | \`JOBHOOK_TOKEN\` |
| client file | \`url:\` | \`token:\`, or \`token: {file: PATH}\` |
| else | \`http://127.0.0.1:8080\` | none |

The client file is \`~/.config/jobhook/config.yaml\` (\`$XDG_CONFIG_HOME/jobhook/config.yaml\` where that is set). One that holds a token must not be readable by others: \`chmod 600\`.
Tokens and their scopes are the service\u2019s setting [\`api.tokens\`](configuration.md#api).

## Exit codes

`

export async function cliReference(): Promise<string> {
  const specs = await allSpecs()
  const codes = table(['code', 'meaning'], [...EXIT_MEANINGS, ['130', 'Interrupted.']])
  const own = specs.flatMap((spec) => (spec.exits ?? []).map(([code, meaning]) => [`\`${spec.name}\``, code, meaning] as const))
  return [
    `${INTRODUCTION}${codes}\nWhere a command is more exact:\n\n${table(['command', 'code', 'meaning'], own)}`,
    ...specs.map(section),
  ].join('\n')
}

function section(spec: CommandSpec): string {
  const options = optionRows(spec).map(([option, description]) => [`\`${option.trim()}\``, description] as const)
  return [
    `## jobhook ${spec.name}\n`,
    `${escaped(spec.summary)}\n`,
    `\`\`\`text\njobhook ${spec.name} ${spec.usage}\n\`\`\`\n`.replace(' \n', '\n'),
    table(['option', 'meaning'], options),
    ...(spec.notes ?? []).map((note) => `${escaped(note).replaceAll('\n', '  \n')}\n`),
    ...(spec.notJson === undefined ? [] : [`No \`--json\`: ${spec.notJson}.\n`]),
    table(['exit code', 'meaning'], exitRows(spec)),
  ].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => (cell.startsWith('`') ? cell.replaceAll('|', '\\|') : escaped(cell))).join(' | ')} |\n`
  return `${line(head)}|${head.map(() => '---').join('|')}|\n${rows.map(line).join('')}`
}

/** Markdown would take <(…) for HTML, * for emphasis and | for the end of a cell. */
function escaped(text: string): string {
  return text.replace(/[|*<>_]/g, (character) => `\\${character}`)
}
