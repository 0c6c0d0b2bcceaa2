// The API server's priority and fairness grants jobhook's account few requests at once, and queues none: a burst is taken as fast as that allows,
// each task once, the Lease stays where it is and the watches live.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { FINALIZER } from '../../src/model/keys.ts'
import { kubectl, makeAccount, makeNamespace, removeNamespaces, skip } from '../preflight/real-namespace.ts'
import { CALLBACK_SECRET, type Jobhook, startJobhook } from '../support/jobhook.ts'
import { startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const TASKS = 150
const LEVEL = 'jobhook-test-few'
const folder = mkdtempSync(join(tmpdir(), 'jobhook-fairness-'))
after(async () => {
  if (skip) return
  await kubectl(['delete', 'flowschema,prioritylevelconfiguration', LEVEL, '--ignore-not-found'])
  await removeNamespaces()
  rmSync(folder, { recursive: true, force: true })
})

/** One share of all seats is a handful; what finds none is answered 429 at once. */
async function grantFew(namespace: string): Promise<void> {
  const apiVersion = 'flowcontrol.apiserver.k8s.io/v1'
  await kubectl(['create', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion,
        kind: 'PriorityLevelConfiguration',
        metadata: { name: LEVEL },
        spec: {
          type: 'Limited',
          limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
        },
      },
      {
        apiVersion,
        kind: 'FlowSchema',
        metadata: { name: LEVEL },
        spec: {
          priorityLevelConfiguration: { name: LEVEL },
          matchingPrecedence: 50,
          rules: [
            {
              subjects: [{ kind: 'Group', group: { name: `system:serviceaccounts:${namespace}` } }],
              resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
            },
          ],
        },
      },
    ],
  })
}

/** As a control plane sends: again after Retry-After, until it is taken. Resolves with how often it was put off. */
async function insist(jobhook: Jobhook, taskId: string): Promise<number> {
  const message = {
    type: 'task_assignment',
    data: { task_id: taskId, execution_id: 'e', image: 'x', command: ['true'], env_vars: { SECRET: 'hidden' } },
  }
  for (let putOff = 0; ; putOff++) {
    const answer = await jobhook.webhook(message)
    if (answer.status === 202) return putOff
    assert.ok(answer.status === 503 || answer.status === 429, JSON.stringify(answer.body))
    await delay(Number(answer.headers['retry-after']) * 1_000)
  }
}

/** Which FlowSchema the account's requests fall under, as the API server says in its answers. */
async function flowSchemaOf(kubeconfig: string): Promise<string> {
  const run = promisify(execFile)
  const { stderr } = await run('kubectl', ['--kubeconfig', kubeconfig, '-v=9', 'get', 'jobs'], { encoding: 'utf8' })
  return /X-Kubernetes-Pf-Flowschema-Uid: (\S+)/i.exec(stderr)?.[1] ?? ''
}

test('a level that grants a handful of requests and queues none: the whole burst is taken and reported, and few requests are refused', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const namespace = await makeNamespace()
  const kubeconfig = await makeAccount(folder, namespace)
  await grantFew(namespace)
  const uid = (await kubectl(['get', 'flowschema', LEVEL, '-o', 'jsonpath={.metadata.uid}'])).trim()
  await until('the level is in force', async () => (await flowSchemaOf(kubeconfig)) === uid, { timeoutMs: 60_000, everyMs: 500 })
  const receiver = await startReceiver(CALLBACK_SECRET)
  t.after(() => receiver.close())
  const jobhook = await startJobhook({
    worker_id: 'fairness',
    cluster: 'kubernetes',
    backend: {
      kubernetes: {
        kubeconfig,
        default_image: 'x',
        node_selector: { type: 'kwok' },
        tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists', effect: 'NoSchedule' }],
        extra_annotations: { 'kwok.jobhook.dev/complete-after': '1s' },
      },
    },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
  })
  const ids = Array.from({ length: TASKS }, (_, index) => `few-${index}`)
  const started = performance.now()
  const putOff = await Promise.all(ids.map((id) => insist(jobhook, id)))
  const takenSeconds = (performance.now() - started) / 1000
  for (const id of ids) await until(`the verdict of ${id}`, () => receiver.verdicts(id).length > 0, { timeoutMs: 120_000 })
  await until('all are closed', async () => (await jobhook.metric('jobhook_verdicts_total')) === TASKS, { timeoutMs: 120_000 })
  const seconds = (performance.now() - started) / 1000
  const refused = await jobhook.metric('jobhook_kube_requests_total', { status: '429' })
  const asked = await jobhook.metric('jobhook_kube_requests_total')
  const atOnce = await jobhook.metric('jobhook_kube_concurrency_limit')
  t.diagnostic(
    `${TASKS} tasks taken in ${takenSeconds.toFixed(1)} s, closed in ${seconds.toFixed(1)} s; ${refused} of ${asked} requests refused, senders put off ${putOff.reduce((sum, each) => sum + each, 0)} times; ${atOnce} at once at the end`,
  )
  const finalizers = await kubectl(['-n', namespace, 'get', 'jobs', '-o', 'jsonpath={range .items[*]}[{.metadata.finalizers}]{end}'])
  assert.equal(finalizers.split('[').length - 1, TASKS)
  assert.ok(!finalizers.includes(FINALIZER))
  assert.equal(await kubectl(['-n', namespace, 'get', 'secrets', '-o', 'name']), '')
  for (const id of ids) assert.equal(new Set(receiver.verdicts(id).map((each) => each.id)).size, 1)
  assert.match(await kubectl(['-n', namespace, 'get', 'lease', '-o', 'jsonpath={.items[*].spec.leaseTransitions}']), /^0?$/)
  assert.equal(await jobhook.metric('jobhook_informer_stale_seconds'), 0)
  assert.ok(refused > 0, 'nothing was refused: the level grants more than was thought')
  assert.ok(refused < asked / 5, `${refused} of ${asked} requests were sent in vain`)
  assert.ok(atOnce < 64, 'the limit did not fall')
  await jobhook.stop()
})
