// Every case of cases/: what the manifest says, and what must hold of any manifest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Built } from '../../src/jobspec/index.ts'
import { checkSettings } from '../../src/jobspec/index.ts'
import { CASES } from './cases/index.ts'
import { built, envOf, holdsAlways, initOf, podOf, secretText, taskOf } from './fixtures.ts'

for (const { name, asked, given, want } of CASES) {
  test(`manifest: ${name}`, () => {
    assert.deepEqual(checkSettings(given), [], 'the settings of a case must be right')
    const result = built(asked, given)
    for (const [path, value] of Object.entries(want)) assert.deepEqual(look(result, path), value, path)
    holdsAlways(result, asked.env_vars ?? {})
  })
}

test('there are at least 60 cases, with different names', () => {
  assert.ok(CASES.length >= 60, String(CASES.length))
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length)
})

/** The value at a path of a Case. % stands for a dot within a name. */
function look(result: Built, path: string): unknown {
  const [root = '', ...rest] = path.split('.').map((part) => part.replaceAll('%', '.'))
  const pod = podOf(result)
  const first = rest[0] ?? ''
  if (root === 'job') return dig(result.job, rest)
  if (root === 'pod') return dig(pod, rest)
  if (root === 'task') return dig(taskOf(result), rest)
  if (root === 'init') return dig(initOf(result, first), rest.slice(1))
  if (root === 'secret') return secretText(result, first)
  if (root === 'env') {
    const entry = envOf(taskOf(result), rest.join('.'))
    const key = entry?.valueFrom?.secretKeyRef?.key
    return key === undefined ? (entry?.valueFrom ?? entry?.value) : `secret:${key}`
  }
  const named: Record<string, readonly { name: string }[] | undefined> = { other: pod.containers, volume: pod.volumes }
  if (root === 'mount')
    return dig(
      taskOf(result).volumeMounts?.find((mount) => mount.mountPath === first),
      rest.slice(1),
    )
  return dig(
    named[root]?.find((item) => item.name === first),
    rest.slice(1),
  )
}

function dig(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at !== null && typeof at === 'object' ? Reflect.get(at, name) : undefined), value)
}
