// A Job that ended while the watch of Pods was broken: one live list of its Pods settles it, or says when to try again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import type { PodView } from '../../src/model/kube.ts'
import type { KubeResult } from '../../src/model/kube-api.ts'
import { classify } from '../../src/outcome/index.ts'
import { createSecondLook } from '../../src/reconcile/index.ts'
import { deadlines, exited, FAILED, line, ms, PAST_DEADLINE, type PodSketch, taskOf, viewPod } from '../outcome/raw.ts'

const NOW = '12:00:49'
const cancelled = taskOf({ stop: ['task_cancelled', '12:00:30'], says: [PAST_DEADLINE], failed: 1 })
const failed = taskOf({ says: [FAILED], failed: 1 })
const unavailable: KubeResult<PodView[]> = {
  ok: false,
  error: { status: 0, reason: 'Unreachable', message: 'x', retryAfterMs: null, retryable: true, outcomeUnknown: true },
}
const found = (...sketches: PodSketch[]): KubeResult<PodView[]> => ({ ok: true, value: sketches.map(viewPod) })

async function look(task: typeof failed, pods: KubeResult<PodView[]>, times = 1): Promise<string[]> {
  const secondLook = createSecondLook({
    getJob: async () => unavailable as never,
    listPods: async () => pods,
    listEvents: async () => unavailable as never,
    projectJob: () => task.job,
    overlay: (job) => job,
    classify: (each, nowMs, hint) => classify(each, { deadlines, ...(hint ? { hint } : {}) }, nowMs),
    clock: { ...systemClock, now: () => ms(NOW) },
    log: createLog({ level: 'silent', workerId: 'w1' }),
  })
  const first = classify(task, { deadlines }, ms(NOW))
  assert.ok(first.kind === 'live' && first.lookAtMs === ms('12:00:48'), JSON.stringify(first))
  const looks = Array.from({ length: times }, () => secondLook.findPods(task, first))
  return (await Promise.all(looks)).map(({ outcome }) => line(outcome))
}

const rows: [title: string, task: typeof failed, pods: KubeResult<PodView[]>, expected: string][] = [
  ['cancelled, and its Pod is gone', cancelled, found(), 'cancelled - stored'],
  ['failed, and its Pod is gone', failed, found(), 'failed job_failed - retryable stored'],
  [
    'failed, and its Pod is there after all, with its exit code',
    failed,
    found({ phase: 'Failed', task: exited(7) }),
    'failed container_exit 7',
  ],
  ['the list fails: again in a second', failed, unavailable, 'pending until 12:00:50'],
]
for (const [title, task, pods, expected] of rows) {
  test(`its Pod was never seen: ${title}`, async () => {
    assert.deepEqual(await look(task, pods), [expected])
  })
}

test('a Pod of another Job under its label is not taken for its own', async () => {
  const other = viewPod({ phase: 'Failed', task: exited(7) })
  assert.deepEqual(await look(failed, { ok: true, value: [{ ...other, jobUid: 'another' }] }), ['failed job_failed - retryable stored'])
})

test('after a long outage only a few lists run at once; the others look again', async () => {
  const seen = await look(failed, found(), 20)
  assert.deepEqual(
    [seen.filter((each) => each.startsWith('failed')).length, seen.filter((each) => each.startsWith('pending')).length],
    [8, 12],
  )
})
