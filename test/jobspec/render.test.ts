// The manifests as YAML: the Secret first, masked, and read back as the same objects.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { render } from '../../src/jobspec/index.ts'
import { built, options } from './fixtures.ts'

const result = built(
  { env_vars: { TOKEN: 'very-secret', N: 'no' }, command: ['echo', 'yes', '012', '1_000', 'a: b', 'line\nline'] },
  options({ env: [{ name: 'N', value: 'on' }] }),
)

/** As kubectl reads it: YAML 1.1, where yes, on and 012 are not strings unless quoted. */
function read(text: string): unknown[] {
  return parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS())
}

test('the Secret comes first, then the Job, and both read back unchanged', () => {
  const [secret, job] = read(render(result, { showSecrets: true }))
  assert.deepEqual(job, result.job)
  const { data: _, ...rest } = result.secret ?? {}
  assert.deepEqual(secret, { ...rest, stringData: { TOKEN: 'very-secret' } })
})

test('secret values are masked unless asked for', () => {
  const text = render(result, { showSecrets: false })
  assert.doesNotMatch(text, /very-secret/)
  assert.doesNotMatch(text, new RegExp(Buffer.from('very-secret').toString('base64')))
  assert.deepEqual((read(text)[0] as { stringData: unknown }).stringData, { TOKEN: '********' })
})

test('without secrets there is only the Job', () => {
  assert.equal(read(render(built(), { showSecrets: false })).length, 1)
})

test('it says where each variable comes from, and what is not used', () => {
  const text = render(result, { showSecrets: false })
  assert.match(text, /# from the assignment\n +- name: TOKEN/)
  assert.match(text, /# from the configuration, over the assignment\n +- name: "?N"?\n/)
  assert.match(text, /^# warning: env_vars\.N is not used/)
})

test('the same task renders to the same text', () => {
  assert.equal(render(built(), { showSecrets: false }), render(built(), { showSecrets: false }))
})

const hostile = [
  'a\n---\nkind: ClusterRole',
  '&a *a !!js/function {{ .Values.x }} %TAG ! tag:',
  '# no comment',
  '"}\', [',
  '\u001b]0;title\u0007\u001b[2J',
  '\u0085kind: evil\u0085',
  '\u2028kind: evil\u2029',
  '\u009b31m\u0080\u007f',
  '\u202etxt.exe\u2066',
  '\ufeff\ufffe\uffff',
  '\r\nkind: evil',
  '\t\v\f\u0001',
  '<<: *anchor',
  '? x',
  '~',
  '=',
  '0o17',
  '1:30',
  'x'.repeat(5_000),
]

test('whatever a task says, the YAML is the same two objects, printable, and steers no terminal', () => {
  const args = [...hostile, hostile.join('\n')]
  const odd = built(
    { task: { title: hostile.join('') }, args, command: ['echo'], env_vars: { A: hostile.join('\n') }, labels: { team: 'web' } },
    options({ env: [{ name: 'A', value: 'configured' }] }),
  )
  const text = render({ ...odd, warnings: ['first\u0085kind: evil\r\nkind: evil\u2028\u001b[2J'] }, { showSecrets: true })
  assert.doesNotMatch(text, /(?!\n|\t)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/u)
  assert.match(text, /^# warning: first kind: evil kind: evil \[2J\n/)
  const [job] = read(text).slice(-1)
  assert.deepEqual(job, odd.job)
  assert.equal(read(text).length, odd.secret ? 2 : 1)
})
