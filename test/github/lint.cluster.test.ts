// The workflows under actionlint, which knows their grammar, their expressions and the inputs of the actions they use. Needs no cluster: it is built with
// the cluster's tools.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { builtTool } from '../cluster/harness/build.ts'

const actionlint = builtTool('actionlint')

test('actionlint finds nothing in .github/workflows', { skip: actionlint ? false : '"node test/cluster/run.ts --build" builds it' }, () => {
  // Without shellcheck and pyflakes, whether or not this machine has them.
  const result = spawnSync(actionlint ?? '', ['-shellcheck=', '-pyflakes='], { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' })
  assert.equal(result.status, 0, result.stdout + result.stderr)
})
