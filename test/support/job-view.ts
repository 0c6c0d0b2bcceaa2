// A Job as the cache holds it: just created, nothing has happened to it yet.
import type { JobView } from '../../src/model/kube.ts'

export function jobView(more: Partial<JobView> = {}): JobView {
  return {
    name: 'task-t-1-abc',
    uid: 'uid-1',
    resourceVersion: '5',
    generation: 1,
    createdMs: 0,
    deletedMs: null,
    labels: {},
    annotations: {},
    held: true,
    suspended: false,
    parallelism: 1,
    activeDeadlineSeconds: null,
    ttlSecondsAfterFinished: null,
    managedByOther: false,
    startMs: null,
    completionMs: null,
    active: 0,
    succeeded: 0,
    failed: 0,
    conditions: [],
    ...more,
  }
}
