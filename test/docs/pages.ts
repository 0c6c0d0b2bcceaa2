// Reads a page of documentation: its fenced blocks, what its markers say of them, its headings and links. Text in, data out.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** Which suite runs a page's commands; null: no marker says so. */
export type RunBy = 'npm test' | 'npm run test:cluster'

export interface Block {
  /** Line of the opening fence, from 1. */
  line: number
  language: string
  text: string
  runBy: RunBy | null
  /** Why it is not run. */
  notRun: string | null
  /** helm gets --dry-run=server: nothing is installed, but the API server judges it. */
  dryRun: boolean
  exitCode: number
  /** Run before it, one after the other, not shown to readers. */
  setup: string[]
  /** A text block: what the sh block before it printed. */
  isOutput: boolean
}

export interface Page {
  /** Path from the project's top folder. */
  path: string
  text: string
  blocks: Block[]
  /** Run when the page is over, however it ended: what must not stay in a cluster. */
  last: string[]
  /** Markers that say nothing we know, as "line: text". */
  problems: string[]
}

/** Every page that a reader may come across. */
export function pagePaths(): string[] {
  return globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'chart/*.md', 'test/*/README.md', 'src/**/*.md', '.github/**/*.md'], {
    cwd: ROOT,
    exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(String(path)),
  }).sort()
}

export function readPage(path: string): Page {
  return parsePage(path, readFileSync(join(ROOT, path), 'utf8'))
}

const MARKER = /^<!--\s*(commands run by|not run|dry run|exit|output|setup|finally)\b:?([\s\S]*?)-->/

export function parsePage(path: string, text: string): Page {
  const lines = text.split('\n')
  const blocks: Block[] = []
  const problems: string[] = []
  const last: string[] = []
  let runBy: RunBy | null = null
  let next = fresh()
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const fence = /^\s*(`{3,}|~{3,})\s*([\w-]*)/.exec(line)
    if (fence) {
      const [, mark = '', language = ''] = fence
      const end = lines.findIndex((each, at) => at > index && each.trim() === mark)
      if (end < 0) problems.push(`${index + 1}: this block is not closed`)
      const body = lines.slice(index + 1, end < 0 ? lines.length : end)
      blocks.push({ line: index + 1, language, text: body.join('\n'), runBy, ...next })
      next = fresh()
      index = end < 0 ? lines.length : end
      continue
    }
    if (!line.startsWith('<!--')) continue
    const end = lines.findIndex((each, at) => at >= index && each.includes('-->'))
    const comment = lines.slice(index, end + 1).join('\n')
    const [, kind, rest = ''] = MARKER.exec(comment) ?? []
    const value = rest.trim()
    const following = lines.slice(end + 1).find((each) => each.trim() !== '')
    if (kind === undefined && /^\s*(```|~~~)/.test(following ?? ''))
      problems.push(`${index + 1}: ${JSON.stringify(line)} is no marker: see test/docs/README.md`)
    if (kind === 'commands run by') {
      runBy = value === 'npm test' || value === 'npm run test:cluster' ? value : null
      if (runBy === null) problems.push(`${index + 1}: "commands run by" must be followed by "npm test" or "npm run test:cluster"`)
    }
    if (kind === 'not run') {
      next.notRun = value
      if (value.length < 10) problems.push(`${index + 1}: "not run" needs its reason`)
    }
    if (kind === 'dry run') next.dryRun = true
    if (kind === 'exit') next.exitCode = Number(value)
    if (kind === 'output') next.isOutput = true
    if (kind === 'setup') next.setup.push(value)
    if (kind === 'finally') last.push(value)
    index = Math.max(end, index)
  }
  return { path, text, blocks, last, problems }
}

function fresh(): Pick<Block, 'notRun' | 'dryRun' | 'exitCode' | 'setup' | 'isOutput'> {
  return { notRun: null, dryRun: false, exitCode: 0, setup: [], isOutput: false }
}

export const isShell = (block: Block): boolean => /^(sh|bash|shell)$/.test(block.language)

/** What is wrong with how a page marks its commands; each says what to do. */
export function markingProblems(page: Page): string[] {
  const problems = page.problems.map((problem) => `${page.path}:${problem}`)
  const at = (block: Block, detail: string): void => void problems.push(`${page.path}:${block.line}: ${detail}`)
  page.blocks.forEach((block, index) => {
    if (isShell(block) && block.language !== 'sh') at(block, `write \`\`\`sh instead of \`\`\`${block.language}`)
    if (isShell(block) && block.runBy === null && block.notRun === null) {
      at(
        block,
        'nothing runs these commands. Put "<!-- commands run by: npm test -->" (embedded cluster, fast) or "<!-- commands run by: npm run test:cluster -->" above the page’s first block; for one that cannot run, "<!-- not run: REASON -->" on the line before it. More: test/docs/README.md',
      )
    }
    if (block.isOutput) {
      const before = page.blocks[index - 1]
      if (!before || !(isShell(before) || before.isOutput) || before.notRun !== null)
        at(block, '"output" must follow a sh block that is run')
      if (isShell(block)) at(block, '"output" belongs before a ```text block')
    }
    const transcript = /^\s*(\$ |(kubectl|helm|npm|npx|node|curl|jobhook|docker) )/m.exec(block.text)
    if ((block.language === '' || /^(text|console)$/.test(block.language)) && transcript && !block.isOutput && !usageLine(block.text))
      at(
        block,
        `this looks like a command (${JSON.stringify(transcript[0].trim())}): make it a \`\`\`sh block, so that it is run, and what it prints a \`\`\`text block after <!-- output -->`,
      )
  })
  return problems
}

/** docs/cli.md: "jobhook logs ID [-f] …" is a form, not a command. */
const usageLine = (text: string): boolean => !text.includes('\n') && /^jobhook [a-z]+ /.test(text)
