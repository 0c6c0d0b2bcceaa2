// A rolling restart under load, as the Deployment does it: a new replica is ready before an old one is told to go, and the Service's endpoints follow
// readiness with a delay. No webhook is refused, and every task gets exactly one verdict. Runs as the chart's ServiceAccount.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { kwokPlacement } from '../cluster/harness/kwok/start.ts'
import { CALLBACK_SECRET, type Jobhook, sendWebhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { type Identity, installIdentity } from './identity.ts'
import { createSpace, noCluster, type Space } from './support.ts'

const skip = noCluster || (process.env.JOBHOOK_TEST_KWOK === '1' ? false : 'needs kwok nodes')
const TASKS_PER_SECOND = 20
/** The readiness probe of the chart, and how long a kube-proxy may take to follow. */
const PROBE_MS = 500
const ENDPOINTS_LAG_MS = 1_000

describe('a rolling restart', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-rolling-'))
  const running = new Set<Jobhook>()
  let receiver: Receiver
  let space: Space
  let identity: Identity

  before(async () => {
    space = await createSpace()
    receiver = await startReceiver(CALLBACK_SECRET)
    identity = await installIdentity(space, 'rolling', folder)
  })
  after(async () => {
    for (const jobhook of running) await jobhook.stop()
    await receiver.close()
    await space.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(): Promise<Jobhook> {
    const jobhook = await startJobhook({
      worker_id: 'rolling',
      cluster: 'kubernetes',
      backend: {
        kubernetes: {
          kubeconfig: identity.kubeconfig,
          default_image: 'any:1',
          extra_annotations: { 'kwok.jobhook.dev/complete-after': '300ms' },
          pod_template: { ...kwokPlacement, containers: [{ name: 'task' }] },
        },
      },
      callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
      deadlines: { drain_delay: '3s' },
      leader_election: { lease_duration: '5s' },
    })
    running.add(jobhook)
    return jobhook
  }

  test('under 20 tasks a second refuses no webhook and loses no verdict', { timeout: 240_000 }, async () => {
    const endpoints = new Set<Jobhook>([await start(), await start()])
    const watching = new AbortController()
    const watcher = followReadiness(running, endpoints, watching.signal)

    const answers: { taskId: string; status: number }[] = []
    const sending = new AbortController()
    const sender = sendSteadily(endpoints, answers, sending.signal)

    for (const old of [...running]) {
      const fresh = await start()
      await until('the new replica gets requests', () => endpoints.has(fresh))
      assert.equal(await old.stop(), 0)
      running.delete(old)
    }
    sending.abort()
    await sender
    watching.abort()
    await watcher

    const refused = answers.filter(({ status }) => status < 200 || status > 299)
    assert.deepEqual(refused, [])
    assert.ok(answers.length >= 100, `only ${answers.length} tasks were sent`)
    await until('every task has its verdict', () => answers.every(({ taskId }) => receiver.verdicts(taskId).length > 0), {
      timeoutMs: 120_000,
      everyMs: 250,
    })
    const ids = new Map<string, Set<string>>()
    for (const { taskId } of answers) ids.set(taskId, new Set(receiver.verdicts(taskId).map(({ id }) => id)))
    assert.deepEqual(
      [...ids].filter(([, each]) => each.size !== 1),
      [],
    )
    const wrong = answers.filter(({ taskId }) => receiver.verdicts(taskId).some(({ type }) => type !== 'task_completed'))
    assert.deepEqual(wrong, [])
  })
})

/** What kubelet and kube-proxy do: probe each replica, and change where requests go some time later. */
async function followReadiness(replicas: ReadonlySet<Jobhook>, endpoints: Set<Jobhook>, signal: AbortSignal): Promise<void> {
  const known = new Set<Jobhook>()
  while (!signal.aborted) {
    for (const replica of replicas) known.add(replica)
    await Promise.all(
      [...known].map(async (replica) => {
        const ready = await fetch(`${replica.url}/readyz`).then(
          (answer) => answer.ok,
          () => false,
        )
        if (ready !== endpoints.has(replica))
          await delay(ENDPOINTS_LAG_MS).then(() => (ready ? endpoints.add(replica) : endpoints.delete(replica)))
      }),
    )
    await delay(PROBE_MS)
  }
}

/** At a fixed rate, whatever the answers take; each to the next endpoint. */
async function sendSteadily(
  endpoints: ReadonlySet<Jobhook>,
  answers: { taskId: string; status: number }[],
  signal: AbortSignal,
): Promise<void> {
  const pending: Promise<void>[] = []
  for (let number = 0; !signal.aborted; number++) {
    const targets = [...endpoints]
    const target = targets[number % targets.length]
    if (!target) throw new Error('no endpoint is left')
    const taskId = `rolling-${number}`
    pending.push(
      sendWebhook(target.url, shellTask(taskId, 'exit 0')).then(
        ({ status }) => void answers.push({ taskId, status }),
        () => void answers.push({ taskId, status: 0 }),
      ),
    )
    await delay(1_000 / TASKS_PER_SECOND)
  }
  await Promise.all(pending)
}
