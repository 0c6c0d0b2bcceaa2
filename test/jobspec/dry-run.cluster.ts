// Every case of cases.ts against a real kube-apiserver: a strict server-side dry-run refuses unknown fields and what validation refuses.
// Needs JOBHOOK_TEST_KUBECONFIG (a cluster for tests; a namespace is made and removed). Run: node --test test/jobspec/dry-run.cluster.ts
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import { checkSettings, type JobSpecOptions, render } from '../../src/jobspec/index.ts'
import { createValidator } from '../../src/lib/validate.ts'
import { KubernetesBackend } from '../../src/model/pod-settings.ts'
import { CASES } from './cases.ts'
import { built, OZ, options } from './fixtures.ts'

const kubeconfig = process.env.JOBHOOK_TEST_KUBECONFIG ?? ''
const skip = kubeconfig === '' ? 'JOBHOOK_TEST_KUBECONFIG is not set' : false
const namespace = `jobspec-${process.pid}`

function kubectl(args: string[], input?: string): { ok: boolean; text: string } {
  const done = spawnSync('kubectl', ['--kubeconfig', kubeconfig, '--namespace', namespace, ...args], {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  })
  return { ok: done.status === 0, text: done.stdout + done.stderr }
}

before(() => {
  if (skip) return
  const made = kubectl(['create', 'namespace', namespace])
  assert.ok(made.ok, made.text)
})
after(() => {
  if (!skip) kubectl(['delete', 'namespace', namespace, '--wait=false'])
})

function accepted(asked: Parameters<typeof built>[0], given: JobSpecOptions): void {
  const text = render(built(asked, { ...given, namespace }), { showSecrets: true })
  const answer = kubectl(['create', '--dry-run=server', '--validate=strict', '--filename', '-'], text)
  assert.ok(answer.ok, `${answer.text}\n${text}`)
  // Strict validation warns of what it would drop or what is deprecated; a manifest of ours gives it no reason to.
  assert.doesNotMatch(answer.text, /warning/i)
}

for (const { name, asked, given } of CASES) {
  test(`the apiserver accepts: ${name}`, { skip }, () => accepted(asked, given))
}

const whole: [title: string, given: Partial<JobSpecOptions>][] = [
  ['a Job that nobody holds, with its time to live', { hasReceiver: false }],
  ['a Job for Kueue', { overflow: 'kueue', kueueQueue: 'agents' }],
  ['a Job that is retried on disruption', { retryOnDisruption: true }],
]
for (const [title, given] of whole)
  test(`the apiserver accepts: ${title}`, { skip }, () => accepted({ env_vars: { A: '1' } }, options({}, given)))

test('a field that no PodSpec has is refused by name', { skip }, () => {
  const text = render(built({}, options({ pod_template: { nodeSelektor: { a: 'b' } } as never }, { namespace })), { showSecrets: true })
  const answer = kubectl(['create', '--dry-run=server', '--validate=strict', '--filename', '-'], text)
  assert.equal(answer.ok, false)
  assert.match(answer.text, /nodeSelektor/)
})

test('ids and titles of any kind are accepted', { skip }, () => {
  const id = '😀/'.repeat(85)
  accepted(
    { task_id: id, execution_id: `${id}x`, task: { title: 'line\nline "quoted" \u0007' }, labels: { a: '', 'B.c_d-1': 'X.y_z-1' } },
    options(),
  )
})

const folder = join(import.meta.dirname, '../../examples/configs')
const check = createValidator(KubernetesBackend)
for (const file of readdirSync(folder)) {
  test(`the apiserver accepts a task of examples/configs/${file}`, { skip }, () => {
    const config = parse(readFileSync(join(folder, file), 'utf8'))
    const kubernetes = check(config.backend.kubernetes)
    assert.ok(kubernetes.ok, JSON.stringify(kubernetes))
    const given: JobSpecOptions = {
      ...options(kubernetes.value, config.profile === 'oz' ? OZ : {}),
      ...(config.limits?.overflow ? { overflow: config.limits.overflow, kueueQueue: config.limits.kueue_queue } : {}),
    }
    assert.deepEqual(checkSettings(given), [])
    accepted({ sidecar_image: 'registry.example/agent:9', env_vars: { TOKEN: 'x' } }, given)
  })
}
