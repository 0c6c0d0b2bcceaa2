// `jobhook doctor` as a person runs it, and `jobhook serve` with something wrong that would fail every task.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { request } from 'undici'
import { stringify } from 'yaml'
import { painter } from '../../src/cli/colour.ts'
import { doctorText } from '../../src/cli/doctor.ts'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import type { CheckResult } from '../../src/preflight/index.ts'
import { startPolled } from '../support/polled.ts'
import { until } from '../support/wait.ts'
import { run, start } from './command.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobhook-doctor-'))
after(() => rmSync(folder, { recursive: true }))

const SECRET = generateSecret()
function config(name: string, content: object): string {
  const path = join(folder, name)
  writeFileSync(path, stringify({ worker_id: 'w1', webhook: { secrets: [SECRET] }, ...content }))
  return path
}

test('on a cluster where nothing is wrong but a missing callback URL it warns and exits with 0', async () => {
  const { code, out, err } = await run(['doctor', '--config', config('good.yaml', { cluster: 'embedded' })])
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^ok {7}api +Kubernetes v1\.37/m)
  assert.match(out, /^warning {2}callback +callback\.url is not set: .*\n +fix: set callback\.url/m)
  assert.match(out, /\d+ ok, 1 warning, 0 failed\n$/)
  assert.ok(!out.includes('\x1b'), 'no colours into a pipe')
  assert.ok(!out.includes(SECRET.slice(6)), 'no secret')
})

test('the long poll and what crashes left behind have a line each', async () => {
  const polled = await startPolled(() => 'a-token')
  try {
    const path = config('poll.yaml', { cluster: 'embedded', poll: { url: polled.url, token: 'a-token' } })
    const { out } = await run(['doctor', '--config', path])
    assert.match(out, /^ok {7}leftovers +none of 0 Secret/m)
    assert.match(out, /^ok {7}poll +http:\/\/127\.0\.0\.1:\d+ answers the long poll$/m)
  } finally {
    await polled.close()
  }
})

test('--json gives the same as data, and a failure exits with 1', async () => {
  const path = config('refused.yaml', {
    cluster: 'embedded',
    callback: { url: 'http://127.0.0.1:1/hooks/very-secret-path?key=hunter2', secrets: [SECRET] },
    backend: { kubernetes: { pod_template: { nodeSelektor: {} } } },
  })
  const { code, out } = await run(['doctor', '--json', '--config', path])
  assert.equal(code, 1)
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: CheckResult[] }
  assert.equal(ok, false)
  assert.deepEqual(
    checks.filter(({ status }) => status === 'failed').map(({ name, blocking }) => [name, blocking]),
    [
      ['dry-run', true],
      ['pod-admission', true],
      ['callback', false],
    ],
  )
  assert.ok(!out.includes('very-secret-path') && !out.includes('hunter2') && !out.includes(SECRET.slice(6)), out)
})

const kubeconfigs: [title: string, content: string | null, expected: RegExp][] = [
  ['a file that is not there', null, /no cluster to talk to: .*cannot be read: .*ENOENT/],
  ['a file that is no kubeconfig', 'hello', /no cluster to talk to/],
  [
    'a kubeconfig whose context does not exist',
    stringify({ apiVersion: 'v1', kind: 'Config', clusters: [], contexts: [], users: [], 'current-context': 'gone' }),
    /no cluster (found|to talk to)/,
  ],
]
for (const [title, content, expected] of kubeconfigs) {
  test(`${title}: told apart, the rest is checked all the same, exit code 1`, async () => {
    const kubeconfig = join(folder, 'kubeconfig')
    if (content === null) rmSync(kubeconfig, { force: true })
    else writeFileSync(kubeconfig, content)
    const { code, out } = await run(['doctor', '--config', config('kube.yaml', { backend: { kubernetes: { kubeconfig } } })])
    assert.equal(code, 1)
    assert.match(out, expected)
    assert.match(out, /^ok {7}secrets/m)
  })
}

test('a wrong configuration exits with 1, a wrong command line with 2', async () => {
  assert.match((await run(['doctor', '--config', join(folder, 'nothing')])).err, /cannot be read/)
  assert.equal((await run(['doctor', 'x'])).code, 2)
  assert.equal((await run(['doctor', '--jason'])).code, 2)
})

test('text that came from outside cannot break a line or colour the terminal', () => {
  const hostile: CheckResult = { name: 'a', status: 'failed', what: 'x\x1b[31m', why: 'y\nz', fix: '\u202e', blocking: true }
  assert.equal(doctorText([hostile], painter(false)).split('\n').length, 5)
  assert.ok(!doctorText([hostile], painter(false)).includes('\x1b'))
  assert.ok(doctorText([hostile], painter(true)).startsWith('\x1b[31mfailed \x1b[39m'))
})

test('serve stays up, alive and not ready with the reason while every task would fail', async () => {
  const address = join(folder, 'address')
  const path = config('serve.yaml', {
    listen: '127.0.0.1:0',
    cluster: 'embedded',
    embedded: { kubeconfig_file: join(folder, 'embedded.kubeconfig') },
    deadlines: { drain_delay: '10ms' },
    backend: { kubernetes: { pod_template: { nodeSelektor: {} } } },
  })
  const served = start(['serve', '--config', path, '--address-file', address])
  try {
    const url = await until('it listens', () => existsSync(address) && readFileSync(address, 'utf8').trim())
    const text = await until('preflight has failed', async () => {
      const answer = await request(`${url}/readyz?verbose`)
      const body = await answer.body.text()
      return answer.statusCode === 503 && /preflight: the API refuses/.test(body) ? body : null
    })
    assert.match(text, /^\[-\] preflight: the API refuses every task’s Job: .*nodeSelektor/m)
    assert.equal((await request(`${url}/livez`)).statusCode, 200)
    const told = served
      .out()
      .split('\n')
      .filter((line) => line.includes('"check":"dry-run"'))
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /"level":"error".*"fix":"correct backend\.kubernetes\.pod_template\.nodeSelektor"/)
  } finally {
    served.signal('SIGTERM')
    assert.equal((await served.finished).code, 0)
  }
})
