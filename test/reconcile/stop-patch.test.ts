// What is written on a Job to stop it, by what the Job controller has done with it so far.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobView } from '../../src/model/kube.ts'
import { stopPatch } from '../../src/reconcile/record.ts'

const KUEUE = { 'kueue.x-k8s.io/queue-name': 'q' }
const rows: [what: string, job: Partial<JobView>, spec: object][] = [
  ['begun: its Pod is ended by the deadline', { startMs: 1 }, { activeDeadlineSeconds: 1 }],
  ['not begun: the controller, whenever it comes, makes no Pod', { startMs: null }, { activeDeadlineSeconds: 1, parallelism: 0 }],
  ['in our queue: resumed without room for a Pod', { suspended: true }, { activeDeadlineSeconds: 1, parallelism: 0, suspend: false }],
  ['held back by Kueue', { suspended: true, labels: KUEUE }, { activeDeadlineSeconds: 1, parallelism: 0 }],
  ['let go by Kueue, not begun: its Pods are Kueue’s matter', { startMs: null, labels: KUEUE }, { activeDeadlineSeconds: 1 }],
]
for (const [what, job, spec] of rows) {
  test(what, () => {
    const view = { uid: 'u', resourceVersion: '7', labels: {}, suspended: false, startMs: null, ...job } as JobView
    assert.deepEqual(stopPatch(view, 'MARK'), {
      metadata: { uid: 'u', resourceVersion: '7', annotations: { 'jobhook.dev/stop': 'MARK' } },
      spec,
    })
  })
}
