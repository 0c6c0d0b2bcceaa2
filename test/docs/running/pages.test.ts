// The commands of the documentation, typed as a reader types them, on the embedded cluster: those that "npm test" has time for.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Block, isShell, pagePaths, parsePage, readPage } from '../pages.ts'
import { missingLine, runPage } from '../session.ts'

const ours = (block: Block): boolean => block.runBy === 'npm test' && block.notRun === null

/** Most of a page is waiting. */
const AT_ONCE = 2

describe('pages', { concurrency: AT_ONCE }, () => {
  for (const page of pagePaths().map(readPage)) {
    if (!page.blocks.some((block) => isShell(block) && ours(block))) continue
    test(`${page.path}: its commands do what it says`, () => runPage(page, ours, {}))
  }
})

test('a page whose command fails, or prints something else, fails', async () => {
  const marked = (text: string) => parsePage('x.md', `<!-- commands run by: npm test -->\n${text}`)
  const all = (): boolean => true
  await runPage(
    marked('```sh\nA=1\n```\n```sh\necho "a $A"; (sleep 0.2; echo later) &\n```\n<!-- output -->\n```text\na …\nlater\n```\n'),
    all,
    {},
  )
  await runPage(marked('<!-- exit: 3 -->\n```sh\n(exit 3)\n```\n'), all, {})
  await assert.rejects(runPage(marked('```sh\nfalse\necho reached\n```\n'), all, {}), /x\.md:2: a command failed \(1\)/)
  assert.equal(missingLine(['b', 'a'], 'a\nb\n'), 'a')
  assert.equal(missingLine(['a   b …', '…', 'c'], 'x\na b 17\nc\n'), null)
})
