// `jobhook completion`: a script by which a shell completes commands and options, made from the commands’ own specifications.
import { type CommandSpec, EXIT, runWith, usageError } from './options.ts'
import { allSpecs } from './table.ts'

export const SPEC: CommandSpec = {
  name: 'completion',
  summary: 'Prints what makes a shell complete commands and options.',
  usage: 'bash|zsh|fish',
  positionals: { min: 1, max: 1 },
  options: {},
  notes: [
    'bash: source <(jobhook completion bash)\nzsh: source <(jobhook completion zsh), after compinit\nfish: jobhook completion fish > ~/.config/fish/completions/jobhook.fish',
  ],
  notJson: 'it prints a script for a shell',
}

const WRITERS: Record<string, (specs: readonly CommandSpec[]) => string> = { bash, zsh, fish }

export function completion(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const shell = args.positionals[0] ?? ''
    const write = Object.hasOwn(WRITERS, shell) ? WRITERS[shell] : undefined
    if (!write) return usageError(SPEC, `${JSON.stringify(shell)} is none of ${Object.keys(WRITERS).join(', ')}`)
    process.stdout.write(write(await allSpecs()))
    return EXIT.ok
  })
}

/** Words in the usage line that stand for themselves: print, replay, bash. */
function verbs(spec: CommandSpec): string[] {
  return [...new Set((spec.usage.match(/(?<![-\w<])[a-z]+(?![\w>=])/g) ?? []).filter((word) => word !== 'options'))]
}

function flags(spec: CommandSpec): string[] {
  return [...Object.keys(spec.options), 'no-color', 'help'].map((name) => `--${name}`)
}

/** Options that take a file are followed by files; of other values nothing is known. */
function bash(specs: readonly CommandSpec[]): string {
  const names = [...specs.map(({ name }) => name), 'help', 'version']
  const cases = specs.map((spec) => `    ${spec.name}) words='${[...verbs(spec), ...flags(spec)].join(' ')}' ;;`)
  return `# bash completion of jobhook, made by: jobhook completion bash
_jobhook() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${names.join(' ')} --help --version' -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    help) words='${specs.map(({ name }) => name).join(' ')}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(case "$current" in -*) ;; *) compgen -f -- "$current" ;; esac))
}
complete -o filenames -F _jobhook jobhook
`
}

function zsh(specs: readonly CommandSpec[]): string {
  return `# zsh completion of jobhook, made by: jobhook completion zsh\nautoload -Uz bashcompinit && bashcompinit\n${bash(specs)}`
}

function fish(specs: readonly CommandSpec[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const within = (name: string): string => quote(`__fish_seen_subcommand_from ${name}`)
  const lines = specs.flatMap((spec) => [
    `complete -c jobhook -n __fish_use_subcommand -f -a ${spec.name} -d ${quote(spec.summary)}`,
    ...verbs(spec).map((verb) => `complete -c jobhook -n ${within(spec.name)} -a ${verb}`),
    ...Object.entries(spec.options).map(
      ([name, option]) =>
        `complete -c jobhook -n ${within(spec.name)} -l ${name}${option.short ? ` -s ${option.short}` : ''}${option.value ? ' -r' : ''} -d ${quote(option.description)}`,
    ),
  ])
  return `# fish completion of jobhook, made by: jobhook completion fish\n${lines.join('\n')}\n`
}
