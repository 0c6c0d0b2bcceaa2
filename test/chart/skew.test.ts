// Version skew: Jobs as jobhook 0.1.0 wrote them (recorded/) are taken up by this version, and what a newer one may write is borne. A later version
// adds its own recording and keeps the older ones.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import { startEmbedded } from '../../src/embedded/index.ts'
import { CALLBACK_SECRET, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

interface RecordedJob {
  metadata: { name: string; annotations: Record<string, string> }
}

const folder = mkdtempSync(join(tmpdir(), 'jobhook-skew-'))
const kubeconfig = join(folder, 'kubeconfig')
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'recorded/0.1.0.json'), 'utf8')) as RecordedJob[]
let cluster: Awaited<ReturnType<typeof startEmbedded>>
let receiver: Receiver
let jobhook: Jobhook

before(async () => {
  cluster = await startEmbedded({ kubeconfigFile: kubeconfig })
  receiver = await startReceiver(CALLBACK_SECRET)
  const { clusters } = parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] }
  for (const job of recorded) {
    const newer = job.metadata.annotations['jobhook.dev/task-id'] === 'owed'
    const created = await fetch(`${clusters[0]?.cluster.server}/apis/batch/v1/namespaces/default/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(newer ? asNewer(job) : job),
    })
    assert.equal(created.status, 201, await created.text())
  }
  jobhook = await startJobhook({
    worker_id: 'recorded',
    cluster: 'kubernetes',
    backend: { kubernetes: { kubeconfig, default_image: 'local' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
  })
})
after(async () => {
  await jobhook?.stop()
  await receiver?.close()
  await cluster?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** As a version to come might write it: another schema, one more digest, an annotation that nobody here knows. */
function asNewer(job: RecordedJob): RecordedJob {
  const { annotations } = job.metadata
  const digest = { ...(JSON.parse(annotations['jobhook.dev/digest'] ?? '{}') as object), future: 'AAAAAAAAAA' }
  return {
    ...job,
    metadata: {
      ...job.metadata,
      annotations: { ...annotations, 'jobhook.dev/schema': '2', 'jobhook.dev/digest': JSON.stringify(digest), 'jobhook.dev/future': 'yes' },
    },
  }
}

const redelivery = {
  live: shellTask('live', 'exit 3', { execution_id: 'e-1', labels: { team: 'web' } }),
  owed: shellTask('owed', 'exit 4'),
}

test('a task that the older version accepted is run to its verdict', async () => {
  const { data } = await until('its verdict', () => receiver.verdicts('live')[0])
  assert.deepEqual([data.execution_id, data.failure_reason, data.exit_code], ['e-1', 'container_exit', 3])
})

test('a verdict that was written down and not acknowledged is sent as it stands', async () => {
  const { data } = await until('its verdict', () => receiver.verdicts('owed')[0])
  assert.deepEqual([data.failure_reason, data.exit_code], ['container_exit', 4])
})

for (const [taskId, message] of Object.entries(redelivery)) {
  test(`the same assignment again (${taskId}) finds the Job that is there`, async () => {
    const answer = await jobhook.webhook(message)
    assert.equal(answer.status, 202, JSON.stringify(answer.body))
    assert.equal(answer.headers['jobhook-duplicate'], 'true')
    assert.ok(recorded.some((job) => job.metadata.name === answer.body.data.id))
  })
}

test('the same task with other content is refused, whichever version wrote the Job', async () => {
  for (const changed of [shellTask('live', 'exit 9', { execution_id: 'e-1', labels: { team: 'web' } }), shellTask('owed', 'exit 9')])
    assert.equal((await jobhook.webhook(changed)).status, 409)
})
