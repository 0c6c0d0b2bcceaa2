// The commands of the documentation that need a real cluster, or more time than "npm test" has, typed as a reader types them. And what can be said of
// those that cannot run: the options they give to kubectl and helm exist.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { builtTool } from '../../cluster/harness/build.ts'
import { toolOptionProblems } from '../check-syntax.ts'
import { type Block, isShell, pagePaths, readPage } from '../pages.ts'
import { runPage } from '../session.ts'

const ours = (block: Block): boolean => block.runBy === 'npm run test:cluster' && block.notRun === null
const kubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG
const helm = builtTool('helm')
const skip =
  kubeconfig === undefined
    ? 'needs a cluster: npm run test:cluster'
    : process.env.JOBHOOK_TEST_NODE !== 'real'
      ? 'needs containers, and this cluster has no real node'
      : false
const pages = pagePaths().map(readPage)

/** Most of a page is waiting: for a Lease, for a Pod. */
const AT_ONCE = 3

describe('pages', { concurrency: AT_ONCE }, () => {
  for (const page of pages) {
    if (!page.blocks.some((block) => isShell(block) && ours(block))) continue
    // A reader goes through the whole page, so the blocks that "npm test" runs are run here as well.
    test(`${page.path}: its commands do what it says`, { skip }, () =>
      runPage(page, (block) => block.runBy !== null && block.notRun === null, clusterVariables()),
    )
  }
})

for (const program of ['kubectl', 'helm'] as const) {
  const path = program === 'helm' ? helm : program
  test(`every option that the documentation gives to ${program} exists`, { skip: missing(path) }, async () => {
    for (const page of pages) assert.deepEqual(await toolOptionProblems(page, program, path ?? program), [])
  })
}

/** What env.sh of a kept cluster gives, and helm as it was built here. */
function clusterVariables(): Record<string, string> {
  const given = Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('JOBHOOK_TEST_') && value !== undefined ? [[name, value]] : [],
  )
  return { ...(Object.fromEntries(given) as Record<string, string>), KUBECONFIG: kubeconfig ?? '', ...(helm ? { REAL_HELM: helm } : {}) }
}

function missing(program: string | null): string | false {
  try {
    if (program === null) throw new Error('not given')
    execFileSync(program, ['--help'], { stdio: 'ignore' })
    return false
  } catch {
    return `${program ?? 'helm'} is not there`
  }
}
