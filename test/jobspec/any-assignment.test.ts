// Whatever a control plane sends that fits the schema: a manifest that holds together, or errors that point into the message. Never a throw.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildTask, type JobSpecOptions, render } from '../../src/jobspec/index.ts'
import { createValidator } from '../../src/lib/validate.ts'
import { Assignment } from '../../src/model/assignment.ts'
import { CONTEXT, holdsAlways, OZ, options, taskOf } from './fixtures.ts'

const check = createValidator(Assignment)
const odd = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '$(A)', '$$', '__proto__', 'constructor', '\ud800', 'a=b', '/mnt/x', '/agent'),
)
const name = fc.oneof(fc.constantFrom('A', 'TASK_ID', 'OZ_RUN_ID', 'a b', 'PATH'), odd)
const words = fc.array(odd, { minLength: 1, maxLength: 4 })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const assignments = fc
  .record({
    task_id: fc.oneof(fc.constant('t-1'), odd),
    execution_id: maybe(odd),
    docker_image: maybe(fc.constantFrom('a:1', 'b')),
    sidecar_image: maybe(fc.constantFrom('agent:1')),
    additional_sidecars: maybe(
      fc.array(
        fc.record({
          image: fc.constant('i'),
          mount_path: fc.oneof(fc.constantFrom('/mnt/a', '/mnt/b/', '/mnt/a/b'), odd),
          read_write: fc.boolean(),
        }),
        { maxLength: 3 },
      ),
    ),
    env_vars: maybe(fc.dictionary(name, odd, { maxKeys: 5 })),
    command: maybe(words),
    args: maybe(words),
    additional_oz_args: maybe(words),
    labels: maybe(fc.dictionary(fc.oneof(fc.constantFrom('team', 'a.b'), odd), fc.oneof(fc.constant('x'), odd), { maxKeys: 3 })),
    instance_shape: maybe(
      fc.record({
        vcpus: fc.double({ min: 0.000001, max: 4096, noNaN: true }),
        memory_gb: fc.double({ min: 0.000001, max: 65536, noNaN: true }),
      }),
    ),
    timeout_seconds: maybe(fc.integer({ min: 1, max: 31_536_000 })),
    task: maybe(
      fc.record({
        title: odd,
        agent_config_snapshot: fc.record({
          model_id: odd,
          harness: fc.record({ type: odd }),
          mcp_servers: fc.dictionary(odd, fc.jsonValue()),
        }),
      }),
    ),
  })
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>)

const settings: JobSpecOptions[] = [
  options({ default_image: 'd:1' }),
  options({ default_image: 'd:1', setup_command: 'true', teardown_command: 'true', use_image_volumes: true }),
  options({ env: [{ name: 'A', value: '$(PATH)' }], coding_cli_sidecars: { claude: 'c:1' } }, OZ),
]

test('any assignment that fits the schema gives a sound manifest or errors that point into it', () => {
  let sound = 0
  fc.assert(
    fc.property(assignments, fc.constantFrom(...settings), (sent, given) => {
      const checked = check(sent)
      if (!checked.ok) return
      const result = buildTask(checked.value, given, CONTEXT)
      if (!result.ok) {
        assert.ok(result.errors.length > 0)
        for (const { pointer, detail } of result.errors) {
          assert.ok(pointer.startsWith('/data'), pointer)
          assert.ok(detail.length > 10 && detail.isWellFormed() && pointer.isWellFormed())
        }
        return
      }
      sound++
      holdsAlways(result, {})
      const names = (taskOf(result).env ?? []).map((entry) => entry.name)
      for (const asked of Object.keys(checked.value.env_vars ?? {})) assert.ok(names.includes(asked), 'no variable is lost')
      render(result, { showSecrets: false })
    }),
    { numRuns: 600 },
  )
  assert.ok(sound > 20, `only ${sound} manifests`)
})
