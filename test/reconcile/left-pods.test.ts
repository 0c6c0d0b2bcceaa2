// A Job that has ended while its Pod runs on: which Pods are deleted, and what an API that refuses or does not answer leads to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../../src/lib/log.ts'
import type { PodView } from '../../src/model/kube.ts'
import type { KubeResult } from '../../src/model/kube-api.ts'
import { createEndLeftPods } from '../../src/reconcile/index.ts'
import { exited, type PodSketch, running as runs, taskOf, viewPod } from '../outcome/raw.ts'

const refusal = (status: number, retryable: boolean): { ok: false; error: never } => ({
  ok: false,
  error: { status, reason: 'x', message: 'x', retryAfterMs: null, retryable, outcomeUnknown: false } as never,
})
const there = (...sketches: PodSketch[]): KubeResult<PodView[]> => ({ ok: true, value: sketches.map(viewPod) })
const running = { task: runs() }

async function end(pods: KubeResult<PodView[]>, answer: KubeResult<null> = { ok: true, value: null }) {
  const deleted: string[] = []
  const endLeftPods = createEndLeftPods({
    listPods: async () => pods,
    deletePod: async (name, uid) => {
      deleted.push(`${name} ${uid}`)
      return answer
    },
    log: createLog({ level: 'silent', workerId: 'w1' }),
  })
  const { name, uid } = viewPod(running)
  return { result: await endLeftPods(taskOf({}), [{ name, uid }]), deleted, pod: `${name} ${uid}` }
}

test('a Pod that runs live too is deleted, by its uid', async () => {
  const { result, deleted, pod } = await end(there(running))
  assert.deepEqual({ result, deleted }, { result: 'done', deleted: [pod] })
})

const untouched: [title: string, pods: KubeResult<PodView[]>][] = [
  ['has ended meanwhile', there({ phase: 'Failed', task: exited(7) })],
  ['is gone', there()],
  ['is being deleted already', there({ ...running, deleted: '12:00:10' })],
  ['bears its name and is another', { ok: true, value: [{ ...viewPod(running), uid: 'another' }] }],
]
for (const [title, pods] of untouched) {
  test(`a Pod that ${title} is left alone: its last state comes by the watch`, async () => {
    const { result, deleted } = await end(pods)
    assert.deepEqual({ result, deleted }, { result: 'done', deleted: [] })
  })
}

test('an API that does not answer is asked again; one that refuses is not', async () => {
  assert.equal((await end(refusal(503, true))).result, 'again')
  assert.equal((await end(refusal(403, false))).result, 'done')
  assert.equal((await end(there(running), refusal(500, true))).result, 'again')
  assert.equal((await end(there(running), refusal(403, false))).result, 'done')
})
