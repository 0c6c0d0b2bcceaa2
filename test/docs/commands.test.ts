// No command of the documentation is left out: each is run by a test (running/) or says why not, and all can at least be read by what would run them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { syntaxProblems } from './check-syntax.ts'
import { isShell, markingProblems, pagePaths, parsePage, readPage } from './pages.ts'

const pages = pagePaths().map(readPage)

for (const page of pages) {
  const shown = page.blocks.filter(isShell)
  if (page.blocks.length > 0) {
    test(`${page.path}: every command is run by a test, or says why not`, () => {
      assert.deepEqual(markingProblems(page), [])
    })
  }
  if (shown.length > 0) {
    test(`${page.path}: its commands are valid shell, and options of jobhook exist`, async () => {
      assert.deepEqual(await syntaxProblems(page), [])
    })
  }
}

test('commands that are not run say why', (t) => {
  for (const page of pages)
    for (const block of page.blocks.filter(isShell))
      if (block.notRun !== null) t.diagnostic(`${page.path}:${block.line} is not run: ${block.notRun}`)
})

test('an unmarked block, an unknown marker and a transcript are found', () => {
  const rows: [text: string, problem: RegExp][] = [
    ['```sh\nls\n```\n', /x\.md:1: nothing runs these commands/],
    ['<!-- commands run by: me -->\n', /x\.md:1: "commands run by" must be followed by/],
    ['<!-- comands run by: npm test -->\n```sh\nls\n```\n', /is no marker/],
    ['<!-- not run: no -->\n```sh\nls\n```\n', /needs its reason/],
    ['```\n$ kubectl get pods\n```\n', /looks like a command/],
    ['<!-- output -->\n```text\nx\n```\n', /must follow a sh block/],
    ['```sh\nls\n', /not closed/],
  ]
  for (const [text, problem] of rows) assert.match(markingProblems(parsePage('x.md', text)).join('\n'), problem)
  assert.deepEqual(
    markingProblems(parsePage('x.md', '<!-- commands run by: npm test -->\n```sh\nls\n```\n<!-- output -->\n```text\na\n```\n')),
    [],
  )
})
