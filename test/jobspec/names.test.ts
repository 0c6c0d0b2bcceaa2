// Job names and label values: valid for any id, the same for the same run, different for different ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { taskNames, workerLabel } from '../../src/jobspec/index.ts'

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/

const rows: [taskId: string, jobNameStart: string][] = [
  ['t-42', 'task-t-42-'],
  ['T-42', 'task-t-42-'],
  ['Fix/the build!', 'task-fix-the-build-'],
  ['😀', 'task-'],
  ['---', 'task-'],
  ['a'.repeat(256), `task-${'a'.repeat(24)}-`],
  [`${'b'.repeat(23)}-c`, `task-${'b'.repeat(23)}-`],
  ['ünïcödé', 'task-n-c-d-'],
]
for (const [taskId, start] of rows) {
  test(`a task called ${taskId.slice(0, 30)} gets a readable, valid Job name`, () => {
    const { jobName, taskLabel } = taskNames({ workerId: 'w1', taskId, executionId: 'e-1' })
    assert.match(jobName, DNS_LABEL)
    assert.match(taskLabel, LABEL_VALUE)
    assert.equal(jobName.slice(0, start.length), start)
    assert.match(jobName, /-[a-z2-7]{16}$/)
  })
}

test('a Job’s name is the same in every release: a redelivery after an upgrade finds the first', () => {
  assert.deepEqual(taskNames({ workerId: 'w1', taskId: 't-42', executionId: 'e-1' }), {
    jobName: 'task-t-42-icri4x7bst3c7jna',
    workerLabel: 'w1-ttqnnmrr36',
    taskLabel: 't-42-jjv4vsmwfy',
  })
})

test('ids that only join to the same text get different Jobs', () => {
  const name = (workerId: string, taskId: string, executionId: string) => taskNames({ workerId, taskId, executionId }).jobName
  assert.notEqual(name('w', 'a', 'bc'), name('w', 'ab', 'c'))
  assert.notEqual(name('w', 'a","b', 'c'), name('w', 'a', 'b","c'))
  assert.notEqual(name('w', 't', 'e'), name('w', 'T', 'e'))
  assert.notEqual(name('w', '\ud800', 'e'), name('w', '\ud801', 'e'))
})

test('whatever the ids are, names and labels are valid', () => {
  const id = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 256 }), fc.string({ minLength: 1, maxLength: 256 }))
  fc.assert(
    fc.property(id, id, id, (workerId, taskId, executionId) => {
      const names = taskNames({ workerId, taskId, executionId })
      assert.match(names.jobName, DNS_LABEL)
      assert.match(names.workerLabel, LABEL_VALUE)
      assert.match(names.taskLabel, LABEL_VALUE)
      assert.equal(workerLabel(workerId), names.workerLabel)
    }),
    { numRuns: 300 },
  )
})

test('two workers whose ids look alike once sanitised have different labels', () => {
  assert.notEqual(workerLabel('team/a'), workerLabel('team-a'))
  assert.notEqual(workerLabel('x'.repeat(100)), workerLabel('x'.repeat(101)))
})
