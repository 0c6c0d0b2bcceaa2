// By hand: runs the commands of one page and says what they print. Usage: node test/docs/run.ts [--all] PAGE…; --all: also those for
// npm run test:cluster, which a page on the embedded cluster can do without one.
import { builtTool } from '../cluster/harness/build.ts'
import { type Block, markingProblems, readPage } from './pages.ts'
import { runPage } from './session.ts'

const paths = process.argv.slice(2).filter((argument) => argument !== '--all')
if (paths.length === 0) {
  console.error('Usage: node test/docs/run.ts PAGE…, for example docs/tutorial.md')
  process.exit(2)
}
const kubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG
const everything = process.argv.includes('--all')
const chosen = (block: Block): boolean => block.notRun === null && (block.runBy === 'npm test' || kubeconfig !== undefined || everything)
const helm = builtTool('helm')
const given = Object.entries(process.env).filter(([name]) => name.startsWith('JOBHOOK_TEST_'))
const variables = {
  ...(Object.fromEntries(given) as Record<string, string>),
  ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
  ...(helm ? { REAL_HELM: helm } : {}),
}
for (const path of paths) {
  const page = readPage(path)
  for (const problem of markingProblems(page)) console.error(problem)
  const left = page.blocks.filter((block) => block.runBy !== null && block.notRun === null && !chosen(block)).length
  if (left > 0) console.error(`${path}: ${left} blocks need a cluster and are not run: node test/cluster/run.ts --keep, then its env.sh`)
  await runPage(page, chosen, variables, (text) => process.stdout.write(text))
  console.error(`${path}: done`)
}
