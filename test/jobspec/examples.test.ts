// The example configurations work as they are: they load, they make sense for Pods, and a task becomes a Job.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { checkSettings } from '../../src/jobspec/index.ts'
import { EXAMPLES, exampleOptions } from './examples.ts'
import { built, podOf, taskOf } from './fixtures.ts'

test('there are the five that the documentation names', () => {
  assert.deepEqual(readdirSync(EXAMPLES).sort(), [
    'agent-with-sidecars.yaml',
    'gpu-node-pool.yaml',
    'kueue-queue.yaml',
    'minimal.yaml',
    'restricted-namespace.yaml',
  ])
})

for (const file of readdirSync(EXAMPLES)) {
  test(`${file} loads, and a task of it becomes a Job`, () => {
    const { options, warnings } = exampleOptions(file)
    assert.deepEqual(warnings, [])
    assert.deepEqual(checkSettings(options), [])
    const result = built({ docker_image: undefined, sidecar_image: 'registry.example/agent:9', env_vars: { TOKEN: 'x' } } as never, options)
    assert.equal(taskOf(result).image, options.kubernetes.default_image)
    assert.deepEqual(result.warnings, [])
    assert.ok(podOf(result).volumes)
  })
}
