// Text arrives as it was sent, whatever is in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { secretKey } from '../../src/jobspec/env.ts'
import { literal } from '../../src/jobspec/text.ts'
import { built, envOf, kubernetesExpands, options, taskOf } from './fixtures.ts'

test('after Kubernetes’ own expansion any text is what it was', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', ' ') }))
  fc.assert(
    fc.property(text, (sent) => assert.equal(kubernetesExpands(literal(sent), { A: 'expanded', '': 'expanded' }), sent)),
    { numRuns: 1000 },
  )
})

test('what Kubernetes leaves alone is not escaped', () => {
  for (const text of ['$HOME', 'a$', '${X}', 'plain', '5 $']) assert.equal(literal(text), text)
  assert.equal(literal('$(A)'), '$$(A)')
})

test('every variable name gets a Secret key of its own that Kubernetes accepts', () => {
  const names = fc.uniqueArray(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 300 }), { minLength: 2, maxLength: 20 })
  fc.assert(
    fc.property(names, (all) => {
      const keys = all.map(secretKey)
      for (const key of keys) assert.match(key, /^[-._a-zA-Z0-9]{1,253}$/)
      assert.equal(new Set(keys).size, all.length)
    }),
  )
  assert.notEqual(secretKey('..'), '..')
})

test('variables are sorted by name, except that a configured reference comes after what it names', () => {
  const given = options({
    env: [
      { name: 'A', value: '$(Z) and $$(B)' },
      { name: 'B', value: 'b' },
      { name: 'LOOP1', value: '$(LOOP2)' },
      { name: 'LOOP2', value: '$(LOOP1)' },
      { name: 'SELF', value: '$(SELF)' },
    ],
  })
  const task = taskOf(built({ env_vars: { Z: 'z', C: 'c' } }, given))
  assert.deepEqual(
    task.env?.map((entry) => entry.name),
    ['Z', 'A', 'B', 'C', 'EXECUTION_ID', 'LOOP2', 'LOOP1', 'SELF', 'TASK_ID'],
  )
  assert.equal(envOf(task, 'A')?.value, '$(Z) and $$(B)')
})

test('a variable of the assignment that loses is named in a warning, without its value', () => {
  const { warnings, env } = built(
    { env_vars: { CI: 'hidden-value', X: '1' } },
    options({ env: [{ name: 'CI', value: '1' }], setup_command: 'true' }),
  )
  assert.deepEqual(warnings, ['env_vars.CI is not used: the configuration sets it and wins'])
  assert.deepEqual(
    env.find(({ name }) => name === 'CI'),
    { name: 'CI', from: 'configuration', overrides: ['assignment'] },
  )
})
