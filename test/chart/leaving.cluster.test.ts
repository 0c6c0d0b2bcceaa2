// Leaving for good on a real cluster, as the chart's ServiceAccount: no Job hangs on our finalizer, whoever goes first.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { workerLabel } from '../../src/jobspec/index.ts'
import { CALLBACK_SECRET, type Jobhook, shellTask, startJobhook, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { type Identity, installIdentity } from './identity.ts'
import { createSpace, noCluster, ROOT, type Space } from './support.ts'

const skip = noCluster || (process.env.JOBHOOK_TEST_NODE === 'real' ? false : 'needs containers')
const patient = { timeoutMs: 90_000 }

interface JobObject {
  metadata: { name: string; finalizers?: string[]; annotations: Record<string, string> }
}

describe('leaving', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-leaving-'))
  const running = new Set<Jobhook>()
  let receiver: Receiver
  let space: Space

  before(async () => {
    space = await createSpace()
    receiver = await startReceiver(CALLBACK_SECRET)
    receiver.answer = () => 500
  })
  after(async () => {
    for (const jobhook of running) await jobhook.stop()
    await receiver.close()
    await space.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const configOf = (workerId: string, identity: Identity) => ({
    worker_id: workerId,
    cluster: 'kubernetes',
    backend: {
      kubernetes: {
        kubeconfig: identity.kubeconfig,
        default_image: 'docker.io/library/busybox:1.36',
        pod_template: { terminationGracePeriodSeconds: 3, containers: [{ name: 'task' }] },
      },
    },
    webhook: { secrets: [WEBHOOK_SECRET] },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
    deadlines: { drain_delay: '100ms' },
    leader_election: { lease_duration: '3s' },
  })

  async function start(workerId: string, identity: Identity): Promise<Jobhook> {
    const jobhook = await startJobhook(configOf(workerId, identity))
    running.add(jobhook)
    return jobhook
  }

  async function jobsOf(workerId: string, where: Space): Promise<JobObject[]> {
    const selector = encodeURIComponent(`jobhook.dev/worker=${workerLabel(workerId)}`)
    const list = await where.api.get<{ items: JobObject[] }>(`/apis/batch/v1/namespaces/${where.name}/jobs?labelSelector=${selector}`)
    return list.items
  }
  const held = (jobs: JobObject[]): JobObject[] => jobs.filter((job) => job.metadata.finalizers?.includes('jobhook.dev/report'))

  function release(workerId: string, identity: Identity, ...more: string[]) {
    const file = join(folder, `${workerId}.yaml`)
    writeFileSync(file, stringify(configOf(workerId, identity)))
    const { status, stdout, stderr } = spawnSync(process.execPath, ['src/main.ts', 'release', '--config', file, ...more], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    })
    return { status, stdout, stderr }
  }

  test('release: every replica is down, then each Job of this worker is let go, what is owed is said, and another worker keeps its own', {
    timeout: 200_000,
  }, async () => {
    const [ours, others] = [await installIdentity(space, 'leaves', folder), await installIdentity(space, 'stays', folder)]
    const [jobhook, other] = [await start('leaves', ours), await start('stays', others)]
    for (const message of [shellTask('ended', 'exit 3'), shellTask('runs', 'sleep 60', { env_vars: { KEY: 'secret' } })])
      assert.equal((await jobhook.webhook(message)).status, 202)
    assert.equal((await other.webhook(shellTask('kept', 'sleep 60'))).status, 202)
    await until('a verdict was refused', () => receiver.verdicts('ended')[0], patient)
    await until(
      'the refusal is recorded',
      async () => (await jobsOf('leaves', space)).some((job) => job.metadata.annotations['jobhook.dev/delivery']),
      patient,
    )
    for (const each of [jobhook, other]) {
      await each.kill()
      running.delete(each)
    }
    const before = await jobsOf('leaves', space)
    assert.equal(held(before).length, 2)
    await space.api.remove(`/apis/batch/v1/namespaces/${space.name}/jobs/${before[0]?.metadata.name}?propagationPolicy=Background`)

    const dry = release('leaves', ours, '--dry-run')
    assert.equal(dry.status, 0, dry.stderr)
    assert.equal(held(await jobsOf('leaves', space)).length, 2)

    const done = release('leaves', ours)
    assert.equal(done.status, 0, done.stderr)
    assert.match(done.stdout, /task "ended".*verdict was not acknowledged: failed \(container_exit\)/)
    assert.match(done.stdout, /task "runs".*will not be reported/)
    assert.doesNotMatch(done.stdout, /secret"/)
    assert.match(done.stdout, /2 Jobs let go, 2 of which owed a report/)
    await until('the deleted Job is gone', async () => (await jobsOf('leaves', space)).length === 1, patient)
    assert.deepEqual(held(await jobsOf('leaves', space)), [])
    assert.equal(held(await jobsOf('stays', space)).length, 1)
    assert.match(release('leaves', ours).stdout, /no Job bears/)
    assert.equal(release('stays', others).status, 0)
  })

  test('a namespace that is deleted while jobhook runs goes, because the replica that stops lets its Jobs go', {
    timeout: 200_000,
  }, async () => {
    const doomed = await createSpace()
    const identity = await installIdentity(doomed, 'doomed', folder)
    const jobhook = await start('doomed', identity)
    assert.equal((await jobhook.webhook(shellTask('in-the-way', 'sleep 600'))).status, 202)
    await until('it runs', () => receiver.of('in-the-way')[0], patient)
    assert.equal(held(await jobsOf('doomed', doomed)).length, 1)
    await doomed.remove()
    // As its Pod would be told: Pods go first.
    assert.equal(await jobhook.stop(), 0)
    running.delete(jobhook)
    assert.match(jobhook.log(), /the namespace is being deleted: the Job was let go/)
    await until(
      'the namespace is gone',
      async () => (await doomed.api.request('GET', `/api/v1/namespaces/${doomed.name}`)).status === 404,
      patient,
    )
  })
})
