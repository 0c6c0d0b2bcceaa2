// Links between pages lead somewhere: the file is there, and it has the heading. Links to the web are not followed.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { pagePaths, ROOT } from './pages.ts'

interface Link {
  line: number
  target: string
}

for (const path of pagePaths()) {
  test(`${path}: every link leads to a page and a heading that exist`, () => {
    assert.deepEqual(brokenLinks(path, readFileSync(join(ROOT, path), 'utf8')), [])
  })
}

test('every page under docs is reached from docs/README.md', () => {
  const reached = new Set(['docs/README.md'])
  for (const path of reached) {
    for (const { target } of linksOf(readFileSync(join(ROOT, path), 'utf8'))) {
      const [file = ''] = target.split('#')
      const found = relative(ROOT, join(ROOT, dirname(path), file))
      if (found.startsWith('docs/') && found.endsWith('.md') && existsSync(join(ROOT, found))) reached.add(found)
    }
  }
  assert.deepEqual(
    pagePaths().filter((path) => path.startsWith('docs/') && !reached.has(path)),
    [],
    'link them from docs/README.md or a page it links to',
  )
})

test('broken links are found', () => {
  const rows: [text: string, problem: RegExp | null][] = [
    ['[a](nowhere.md)', /nowhere\.md does not exist/],
    ['[a](LICENSE)', null],
    ['[a](CONTRIBUTING.md#no-such-heading)', /has no heading #no-such-heading/],
    ['[a](CONTRIBUTING.md#your-first-change-in-ten-minutes)', null],
    ['[a](#here)\n# Here', null],
    ['`[a](nowhere.md)`', null],
    ['[a][b]\n\n[b]: nowhere.md', /nowhere\.md does not exist/],
    ['[a](https://example.com/nothing)', null],
    ['[a](/etc/passwd)', /relative/],
  ]
  for (const [text, problem] of rows) {
    const found = brokenLinks('README.md', text).join('\n')
    if (problem) assert.match(found, problem)
    else assert.equal(found, '')
  }
})

function brokenLinks(path: string, text: string): string[] {
  return linksOf(text).flatMap(({ line, target }) => {
    const problem = linkProblem(path, text, target)
    return problem === null ? [] : [`${path}:${line}: ${problem}`]
  })
}

function linkProblem(path: string, text: string, target: string): string | null {
  if (/^[a-z]+:/i.test(target)) return null
  if (target.startsWith('/')) return `${target}: write it relative to the page`
  const [file = '', anchor] = target.split('#')
  const found = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), decodeURI(file))
  if (!existsSync(found)) return `${target} does not exist`
  if (anchor === undefined || statSync(found).isDirectory() || !found.endsWith('.md')) return null
  const anchors = headings(file === '' ? text : readFileSync(found, 'utf8'))
  return anchors.has(anchor) ? null : `${file || path} has no heading #${anchor}`
}

/** Inline and reference links outside code. */
function linksOf(text: string): Link[] {
  return prose(text).flatMap((content, index) => {
    const bare = content.replace(/(`+)[^`]*?\1/g, '')
    const inline = [...bare.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)]
    const reference = [...bare.matchAll(/^\s*\[[^\]]+\]:\s+(\S+)/g)]
    return [...inline, ...reference].map(([, target = '']) => ({ line: index + 1, target }))
  })
}

/** Lines, those of code blocks emptied. */
function prose(text: string): string[] {
  let fence: string | null = null
  return text.split('\n').map((line) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
    if (mark !== undefined && (fence === null || mark === fence)) {
      fence = fence === null ? mark : null
      return ''
    }
    return fence === null ? line : ''
  })
}

/** Anchors as GitHub makes them. */
function headings(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const line of prose(text)) {
    const title = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1]
    for (const [, id = ''] of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
    if (title === undefined) continue
    const words = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = words
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-')
    let unique = slug
    for (let count = 1; anchors.has(unique); count++) unique = `${slug}-${count}`
    anchors.add(unique)
  }
  return anchors
}
