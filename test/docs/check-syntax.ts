// What can be said of a command without running it: bash can read it, and the options it gives to jobhook (and kubectl, helm where they are asked) exist.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { readArguments } from '../../src/cli/options.ts'
import { COMMANDS } from '../../src/cli/table.ts'
import { type Block, isShell, type Page } from './pages.ts'

const run = promisify(execFile)

export async function syntaxProblems(page: Page): Promise<string[]> {
  const problems: string[] = []
  for (const block of page.blocks.filter(isShell)) {
    const unreadable = await bashProblem(block.text)
    if (unreadable !== null) problems.push(`${page.path}:${block.line}: bash cannot read it: ${unreadable}`)
    for (const words of commandsOf(block, 'jobhook')) {
      const problem = await jobhookProblem(words)
      if (problem !== null) problems.push(`${page.path}:${block.line}: ${problem}`)
    }
  }
  return problems
}

async function bashProblem(text: string): Promise<string | null> {
  const running = run('bash', ['-n'])
  running.child.stdin?.end(text)
  return running.then(
    () => null,
    (error: Error & { stderr?: string }) => error.stderr || error.message,
  )
}

/** Any of these ends a simple command. */
const END = /^(\||\|\||&&|&|;|\)|>|>>|<|2>|2>&1|#.*)$/

/** Simple commands of this program in a block, as words without its name. Not a shell's parser: enough for what documentation writes. */
export function commandsOf(block: Block, program: string): string[][] {
  const text = block.text.replace(/\\\n/g, ' ').replace(/<<-?\s*'?(\w+)'?[\s\S]*?\n\1(?=\n|$)/g, ' ')
  return text.split('\n').flatMap((line) => {
    const words = line.replace(/\$\(|<\(|`|"\$\(/g, ' ( ').match(/"(?:\\.|[^"])*"|'[^']*'|\(|\)|[|&;<>]+|#.*|[^\s()|&;<>]+/g) ?? []
    return words.flatMap((word, index) => {
      const before = words[index - 1]
      if (word !== program || !(before === undefined || /^(npx|\(|\||\|\||&&|&|;|do|then|exec|--|watch)$/.test(before))) return []
      const rest = words.slice(index + 1)
      const end = rest.findIndex((each) => END.test(each))
      return [(end < 0 ? rest : rest.slice(0, end)).map((each) => each.replace(/^["']|["']$/g, ''))]
    })
  })
}

async function jobhookProblem(words: readonly string[]): Promise<string | null> {
  const [name = '--help', ...rest] = words
  if (/^(--help|--version|version|help)$/.test(name) || name === 'COMMAND') return null
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!entry) return `jobhook has no command ${JSON.stringify(name)}`
  const { spec } = await entry.load()
  const end = rest.indexOf('--')
  const given = (end < 0 ? rest : rest.slice(0, end)).filter((word) => word !== '--no-color' && word !== '…')
  const read = readArguments(spec, given)
  return read.kind === 'usage' && /unknown option|takes no value/.test(read.message) ? (read.message.split('\n')[0] ?? null) : null
}

/** Options that kubectl or helm does not have, by its own --help. */
export async function toolOptionProblems(page: Page, program: 'kubectl' | 'helm', path: string): Promise<string[]> {
  const problems: string[] = []
  for (const block of page.blocks.filter(isShell)) {
    for (const words of commandsOf(block, program)) {
      const end = words.indexOf('--')
      const own = end < 0 ? words : words.slice(0, end)
      const given = own.flatMap((word) => /^(--[a-z][a-z-]*)/.exec(word)?.[1] ?? [])
      if (given.length === 0) continue
      const help = await helpOf(path, own)
      for (const option of given)
        if (!help.has(option)) problems.push(`${page.path}:${block.line}: ${program} ${own.join(' ')} has no option ${option}`)
    }
  }
  return problems
}

const helps = new Map<string, Promise<Set<string>>>()

/** Subcommands stand after options of the program itself (-n agents) and before their own; words that are no subcommand are ignored by --help. */
function helpOf(path: string, words: readonly string[]): Promise<Set<string>> {
  let first = 0
  while (words[first]?.startsWith('-')) first += words[first]?.includes('=') ? 1 : 2
  const rest = words.slice(first)
  const options = rest.findIndex((word) => word.startsWith('-'))
  const name = (options < 0 ? rest : rest.slice(0, options)).filter((word) => /^[a-z][a-z-]*$/.test(word)).slice(0, 3)
  const key = [path, ...name].join(' ')
  const known = helps.get(key) ?? readHelp(path, name)
  helps.set(key, known)
  return known
}

async function readHelp(path: string, name: readonly string[]): Promise<Set<string>> {
  const texts = await Promise.all(
    [[...name, '--help'], [...name.slice(0, 1), '--help'], ['options']].map((args) =>
      run(path, args, { maxBuffer: 1 << 24 }).then(
        ({ stdout }) => stdout,
        () => '',
      ),
    ),
  )
  return new Set(texts.join('\n').match(/--[a-z][a-z-]*/g) ?? [])
}
