// A rolling restart under load, as the Deployment does it: a new replica is ready before an old one is told to go, and the Service's endpoints follow
// readiness with a delay. No webhook is refused, and every task gets exactly one verdict. Runs as the chart's ServiceAccount.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { kwokPlacement } from '../cluster/harness/kwok/start.ts'
import { CALLBACK_SECRET, type Jobhook, startJobhook } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { type Identity, installIdentity } from './identity.ts'
import { sendSteadily, whatWentWrong } from './load.ts'
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

  test('under 20 tasks a second refuses no webhook and loses no verdict', { timeout: 240_000 }, async (t) => {
    const endpoints = new Set<Jobhook>([await start(), await start()])
    const watching = new AbortController()
    const watcher = followReadiness(running, endpoints, watching.signal)

    const sending = new AbortController()
    const urlOf = (number: number): string => {
      const target = [...endpoints][number % endpoints.size]
      if (!target) throw new Error('no endpoint is left')
      return target.url
    }
    const sent = sendSteadily({ tasksPerSecond: TASKS_PER_SECOND, prefix: 'rolling', urlOf }, sending.signal)

    for (const old of [...running]) {
      const fresh = await start()
      await until('the new replica gets requests', () => endpoints.has(fresh))
      assert.equal(await old.stop(), 0)
      running.delete(old)
    }
    sending.abort()
    const load = await sent
    watching.abort()
    await watcher

    t.diagnostic(`${load.answers.length} tasks, ${load.tasksPerSecond.toFixed(1)} a second`)
    assert.deepEqual(await whatWentWrong(load, receiver), [])
    assert.ok(load.answers.length >= 100, `only ${load.answers.length} tasks were sent`)
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
