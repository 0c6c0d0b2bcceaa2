// What a replica takes up when it begins to lead, and in which order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TaskView } from '../../src/model/kube.ts'
import { createReconcileLoop } from '../../src/reconcile/index.ts'

function task(name: string, phase: string, conditions: string[] = [], gone = false): TaskView {
  return {
    job: { name, uid: `uid-${name}`, conditions, annotations: {} },
    pods: phase === '' ? [] : [{ phase, gone }],
  } as unknown as TaskView
}

test('a new leader takes up what has ended before what runs: reports do not wait behind thousands of starts that are told again', async () => {
  const added: string[] = []
  const tasks = [
    task('runs', 'Running'),
    task('succeeded', 'Succeeded'),
    task('queued', ''),
    task('failed', 'Failed'),
    task('over', '', ['Failed']),
    task('gone', 'Running', [], true),
  ]
  const loop = createReconcileLoop(
    {
      queue: { add: (name) => void added.push(name), idle: async () => {}, stop: async () => {} },
      tasks: { all: () => tasks, uids: new Set<string>(), onChange: () => () => {} },
      synced: () => true,
      remembering: [],
      clock: { now: () => 0, after: () => () => {} },
    },
    { resyncMs: 30_000 },
  )
  loop.lead()
  assert.deepEqual(added, ['succeeded', 'failed', 'over', 'gone', 'runs', 'queued'])
  await loop.stop()
})
