// `npm test`: types, lint, then unit and contract tests on the embedded API, in that order; the first failure ends it.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

const steps: { name: string; command: string; args: string[] }[] = [
  { name: 'types', command: 'tsc', args: [] },
  { name: 'types for the browser', command: 'tsc', args: ['-p', 'tsconfig.browser.json'] },
  { name: 'lint', command: 'biome', args: ['check', '--error-on-warnings'] },
  { name: 'tests', command: process.execPath, args: ['--test', '--test-concurrency=3', '--test-timeout=120000', ...testFiles()] },
]

/** Every *.test.ts under test/ except those that need a real cluster (test/cluster and *.cluster.test.ts, run by `npm run test:cluster`). */
function testFiles(): string[] {
  const files = globSync('test/**/*.test.ts').filter((file) => !file.startsWith('test/cluster/') && !file.endsWith('.cluster.test.ts'))
  if (files.length === 0) throw new Error('no test files found under test/')
  return files.sort()
}

for (const step of steps) {
  const started = Date.now()
  const result = spawnSync(step.command, step.args, { stdio: 'inherit' })
  if (result.error) throw new Error(`could not start ${step.command}: run "npm run ready" and try again`, { cause: result.error })
  if (result.status !== 0) {
    console.error(`npm test: ${step.name} failed`)
    process.exit(result.status ?? 1)
  }
  console.error(`npm test: ${step.name} passed in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}
