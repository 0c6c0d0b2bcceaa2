// What the join of Jobs and Pods knows of a Job by its uid.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTaskCache } from '../../src/informer/tasks.ts'
import { jobView } from '../support/job-view.ts'

test('a uid is known while its Job is there, and not when another Job bears its name', () => {
  const cache = createTaskCache()
  const first = jobView({ name: 'task-1', uid: 'first' })
  const second = jobView({ name: 'task-1', uid: 'second' })
  const known = () => [cache.uids.has('first'), cache.uids.has('second')]
  cache.applyJob({ type: 'added', object: first, previous: null })
  assert.deepEqual(known(), [true, false])
  cache.applyJob({ type: 'updated', object: second, previous: first })
  assert.deepEqual(known(), [false, true])
  cache.applyJob({ type: 'deleted', object: second, previous: second })
  assert.deepEqual(known(), [false, false])
})
