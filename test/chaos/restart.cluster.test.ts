// A restart with many tasks running, on kwok Pods: what ended meanwhile is reported, and nothing else. It prints how long that took after the Lease was
// held; docs/chaos.md has the figure for 2,000 (JOBHOOK_RESTART_TASKS=2000), which is too long for every run of the suite.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kwokPlacement } from '../cluster/harness/kwok/start.ts'
import { CALLBACK_SECRET, freshWorkerId, shellTask, startJobhook } from '../support/jobhook.ts'
import { ownNamespace } from '../support/real.ts'
import { startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import { readAccess, startRecorder } from './api.ts'

const skip = process.env.JOBHOOK_TEST_KWOK === '1' ? false : 'needs a real API server with kwok nodes: npm run test:cluster'
const TASKS = Number(process.env.JOBHOOK_RESTART_TASKS ?? 200)
/** One in so many ends while nobody watches. */
const ENDING = 10
const patient = { timeoutMs: 600_000, everyMs: 200 }

test(`kill -9 with ${TASKS} tasks running: after the restart those that ended meanwhile are reported, and only those`, {
  skip,
}, async (t) => {
  const own = await ownNamespace('restart')
  const receiver = await startReceiver(CALLBACK_SECRET)
  const workerId = freshWorkerId('restart')
  const adminKubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? ''
  const recorder = await startRecorder(readAccess(adminKubeconfig), { namespace: own.namespace, workerId })
  t.after(async () => {
    // kubectl takes them off five a second.
    const { held } = await recorder.leftovers()
    const takeOff = async (): Promise<void> => {
      for (let name = held.pop(); name !== undefined; name = held.pop())
        await recorder.patch('jobs', name, { metadata: { finalizers: null } })
    }
    await Promise.all(Array.from({ length: 16 }, takeOff))
    await recorder.stop()
    await receiver.close()
    own.remove()
  })
  const start = () =>
    startJobhook({
      worker_id: workerId,
      backend: {
        kubernetes: { kubeconfig: own.kubeconfig, default_image: 'x', pod_template: { ...kwokPlacement, containers: [{ name: 'task' }] } },
      },
      callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
    })

  const first = await start()
  const ids = Array.from({ length: TASKS }, (_, index) => `restart-${index}`)
  const waiting = [...ids]
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const message = shellTask(id, 'sleep 600')
        await until('accepted', async () => (await first.webhook(message)).status === 202, patient)
      }
    }),
  )
  const started = new Set<string>()
  await until(
    'all run and are told',
    () => {
      for (const { type, data } of receiver.received) if (type === 'task_started') started.add(data.task_id)
      return started.size === TASKS
    },
    patient,
  )
  await first.kill()
  const before = receiver.received.length

  const taskOfJob = new Map(recorder.events.filter(({ resource }) => resource === 'jobs').map(({ uid, taskId }) => [uid, taskId]))
  const podOf = new Map(
    recorder.events.filter(({ resource }) => resource === 'pods').map(({ jobUid, name }) => [taskOfJob.get(jobUid) ?? '', name]),
  )
  const ended = ids.filter((_, index) => index % ENDING === 0)
  for (const id of ended)
    await recorder.patch('pods', podOf.get(id) ?? '', { metadata: { annotations: { 'kwok.jobhook.dev/complete-after': '1ms' } } })
  const over = new Set(ended.map((id) => podOf.get(id)))
  await until(
    'they have ended while nobody watches',
    () =>
      new Set(recorder.events.filter(({ name, state }) => over.has(name) && state.startsWith('Succeeded')).map(({ name }) => name)).size ===
      ended.length,
    patient,
  )
  assert.equal(receiver.received.length, before)

  const startedMs = Date.now()
  const second = await start()
  const verdicts = () => receiver.received.slice(before).filter(({ type }) => type !== 'task_started')
  await until('each is reported', () => new Set(verdicts().map(({ data }) => data.task_id)).size === ended.length, {
    ...patient,
    everyMs: 20,
  })
  const leadingAtMs = Date.parse(/"time":"([^"]+)"[^\n]*"msg":"leading: /.exec(second.log())?.[1] ?? '')
  const lastMs = Math.max(...verdicts().map(({ atMs }) => atMs))
  t.diagnostic(
    `${TASKS} running, ${ended.length} ended meanwhile: the last of them was reported ${lastMs - leadingAtMs} ms after the Lease was held`,
  )
  t.diagnostic(`(it held the Lease ${leadingAtMs - startedMs} ms after the start of its process)`)
  assert.deepEqual(
    verdicts()
      .map(({ data, type }) => `${type} ${data.task_id}`)
      .sort(),
    ended.map((id) => `task_completed ${id}`).sort(),
  )
  assert.equal((await recorder.leftovers()).held.length >= TASKS - ended.length, true, 'a task that runs was closed')
  await second.stop()
})
