// Every case of cases/ against a real kube-apiserver: a strict server-side dry-run refuses unknown fields and what validation refuses.
// Needs JOBHOOK_TEST_ADMIN_KUBECONFIG (admin of a test cluster: namespaces are made and removed). Run: node --test test/jobspec/dry-run.cluster.ts
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type JobSpecOptions, render } from '../../src/jobspec/index.ts'
import { until } from '../support/wait.ts'
import { CASES } from './cases/index.ts'
import { EXAMPLES, exampleOptions } from './examples.ts'
import { built, options } from './fixtures.ts'

const kubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? ''
const skip = kubeconfig === '' ? 'JOBHOOK_TEST_ADMIN_KUBECONFIG is not set' : false
type Level = 'privileged' | 'baseline' | 'restricted'
/** One namespace a level of the Pod Security Standards, which warns of a Job whose Pods it would refuse. */
const namespaces: Record<Level, string> = {
  privileged: `jobspec-privileged-${process.pid}`,
  baseline: `jobspec-baseline-${process.pid}`,
  restricted: `jobspec-restricted-${process.pid}`,
}

function kubectl(args: string[], input?: string): { ok: boolean; text: string } {
  const done = spawnSync('kubectl', ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8', ...(input === undefined ? {} : { input }) })
  return { ok: done.status === 0, text: done.stdout + done.stderr }
}

before(() => {
  if (skip) return
  for (const [level, namespace] of Object.entries(namespaces)) {
    const labels = { 'pod-security.kubernetes.io/warn': level }
    const made = kubectl(
      ['create', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }),
    )
    assert.ok(made.ok, made.text)
  }
})
after(() => {
  if (!skip) kubectl(['delete', 'namespace', ...Object.values(namespaces), '--wait=false'])
})

function dryRun(asked: Parameters<typeof built>[0], given: JobSpecOptions, level: Level): { ok: boolean; text: string } {
  const text = render(built(asked, { ...given, namespace: namespaces[level] }), { showSecrets: true })
  return kubectl(['create', '--dry-run=server', '--validate=strict', '-f', '-'], text)
}

function accepted(asked: Parameters<typeof built>[0], given: JobSpecOptions, level: Level = 'baseline'): void {
  const answer = dryRun(asked, given, level)
  assert.ok(answer.ok, answer.text)
  // A warning says what would be dropped, what is deprecated, or what the Pod Security level would refuse: a manifest of ours gives no reason.
  assert.doesNotMatch(answer.text, /warning/i)
}

/** Cases whose template asks for more than the level baseline allows. */
const PRIVILEGED = /^a privileged task|^SYS_ADMIN/

for (const { name, asked, given } of CASES) {
  test(`the apiserver accepts: ${name}`, { skip }, () => accepted(asked, given, PRIVILEGED.test(name) ? 'privileged' : 'baseline'))
}

const whole: [title: string, given: Partial<JobSpecOptions>][] = [
  ['a Job that nobody holds, with its time to live', { hasReceiver: false }],
  ['a Job for Kueue', { overflow: 'kueue', kueueQueue: 'agents' }],
  ['a Job that is retried on disruption', { retryOnDisruption: true }],
]
for (const [title, given] of whole)
  test(`the apiserver accepts: ${title}`, { skip }, () => accepted({ env_vars: { A: '1' } }, options({}, given)))

test('a field that no PodSpec has is refused by name', { skip }, () => {
  const answer = dryRun({}, options({ pod_template: { nodeSelektor: { a: 'b' } } as never }), 'baseline')
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

for (const file of readdirSync(EXAMPLES)) {
  test(`the apiserver accepts a task of examples/configs/${file}`, { skip }, () => {
    const level = file.startsWith('restricted') ? 'restricted' : 'baseline'
    accepted({ sidecar_image: 'registry.example/agent:9', env_vars: { TOKEN: 'x' } }, exampleOptions(file).options, level)
  })
}

test('40 of them created for real: each Job, its Secret and the Pod that Kubernetes makes of them', { skip }, async () => {
  const namespace = `jobspec-created-${process.pid}`
  assert.ok(kubectl(['create', 'namespace', namespace]).ok)
  try {
    const jobs: string[] = []
    for (const [index, { asked, given }] of CASES.filter(({ name }) => !PRIVILEGED.test(name))
      .slice(0, 40)
      .entries()) {
      const task = built({ ...asked, task_id: `created-${index}` }, { ...given, namespace })
      const answer = kubectl(['create', '--validate=strict', '-f', '-'], render(task, { showSecrets: true }))
      assert.ok(answer.ok, answer.text)
      // A class or an account that this cluster does not have keeps the Pod away, rightly.
      const { priorityClassName, runtimeClassName, serviceAccountName } = task.job.spec?.template.spec ?? {}
      const needs = priorityClassName ?? runtimeClassName ?? serviceAccountName
      if (task.job.spec?.suspend !== true && needs === undefined) jobs.push(task.job.metadata?.name ?? '')
    }
    // A Job without a Pod would mean that Pod validation or admission refuses what Job validation let through.
    const podsOf = (): Set<string> => {
      const path = '{.items[*].metadata.labels.batch\\.kubernetes\\.io/job-name}'
      return new Set(kubectl(['get', 'pods', '-n', namespace, '-o', `jsonpath=${path}`]).text.split(/\s+/))
    }
    const missing = (): string[] => {
      const found = podsOf()
      return jobs.filter((job) => !found.has(job))
    }
    await until('a Pod of every Job', () => missing().length === 0, { timeoutMs: 60_000, everyMs: 500 }).catch(() => {})
    const events = missing().map(
      (job) =>
        kubectl(['get', 'events', '-n', namespace, '--field-selector', `involvedObject.name=${job}`, '-o', 'jsonpath={.items[*].message}'])
          .text,
    )
    assert.deepEqual(events, [])
  } finally {
    // Our finalizer would keep the namespace for ever: that is what it is for.
    const { text } = kubectl(['get', 'jobs', '-n', namespace, '-o', 'name'])
    const names = text.split(/\s+/).filter((name) => name !== '')
    if (names.length > 0)
      kubectl(['patch', '-n', namespace, '--type=merge', '-p', '{"metadata":{"finalizers":null},"spec":{"parallelism":0}}', ...names])
    kubectl(['delete', 'namespace', namespace, '--wait=false', '--now'])
  }
})
