// The workflows of the project's home, as far as they can be judged without it. Their grammar is judged by actionlint: lint.cluster.test.ts.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
}
interface Workflow {
  name: string
  permissions: Record<string, string>
  jobs: Record<
    string,
    { 'timeout-minutes'?: number; permissions?: Record<string, string>; steps: Step[]; strategy?: { matrix: Record<string, unknown[]> } }
  >
}

const ROOT = join(import.meta.dirname, '../..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
const workflows = globSync('.github/workflows/*.yaml', { cwd: ROOT })
  .sort()
  .map((file) => ({ file, workflow: parse(readFileSync(join(ROOT, file), 'utf8')) as Workflow }))
const stepsOf = (workflow: Workflow): Step[] => Object.values(workflow.jobs).flatMap(({ steps }) => steps)

test('there are workflows for tests, the real cluster, the chart and the release', () => {
  assert.deepEqual(
    workflows.map(({ workflow }) => workflow.name),
    ['chart', 'cluster', 'release', 'test'],
  )
})

for (const { file, workflow } of workflows) {
  test(`${file}: every npm script and every file of ours that it runs is there`, () => {
    for (const { run = '' } of stepsOf(workflow)) {
      for (const [, script = ''] of run.matchAll(/npm (?:run )?(test(?::\w+)?|(?<=run )\S+)/g)) assert.ok(scripts[script], script)
      for (const [path] of run.matchAll(/\b(?:test|scripts)\/[\w/.-]+\.ts\b/g)) assert.equal(globSync(path, { cwd: ROOT }).length, 1, path)
    }
  })

  test(`${file}: may only read, unless a job says what else; ends in time; leaves no credentials in the checkout`, () => {
    assert.deepEqual(workflow.permissions, { contents: 'read' })
    for (const [name, job] of Object.entries(workflow.jobs)) {
      assert.ok(job['timeout-minutes'], `${name} has no time limit`)
      const checkout = job.steps.find(({ uses }) => uses?.startsWith('actions/checkout@'))
      assert.equal(checkout?.with?.['persist-credentials'], false, name)
    }
  })
}

test('a release is only made of a version that passed, and package and image bear provenance', () => {
  const release = workflows.find(({ workflow }) => workflow.name === 'release')?.workflow
  const text = JSON.stringify(release)
  for (const part of ['npm test', 'npm run test:package', 'npm publish --provenance', 'attest-build-provenance', 'npm sbom', 'helm push'])
    assert.ok(text.includes(part), part)
  for (const job of ['npm', 'image']) assert.equal(release?.jobs[job]?.permissions?.['id-token'], 'write', job)
})
