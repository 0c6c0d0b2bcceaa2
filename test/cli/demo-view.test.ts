// The demo's judgement and its text, on plain data: what counts as a fault, the sums, and lines that fit the terminal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { Delivery, TaskRecord } from '../../examples/control-plane/ledger.ts'
import { painter } from '../../src/cli/colour.ts'
import { fault, type Known, percentiles, rowOf, settled, summarise } from '../../src/cli/demo/judge.ts'
import type { Observed } from '../../src/cli/demo/observe.ts'
import { type DemoTask, SCENARIO } from '../../src/cli/demo/scenario.ts'
import { progressLine, summaryLines, tableLines } from '../../src/cli/demo/view.ts'
import { fit, printable } from '../../src/cli/text.ts'

const task: DemoTask = {
  id: 't-1',
  what: 'exits with code 3',
  expected: { kind: 'failed', reason: 'container_exit', exitCode: 3 },
  assignment: {},
}
const delivery = (webhook_id: string, more: Partial<Delivery> = {}): Delivery => ({
  webhook_id,
  type: 'task_failed',
  received_ms: 2000,
  repeat: false,
  status: 200,
  ...more,
})

function example(record: Partial<TaskRecord> = {}, observed: Partial<Observed> = {}, more: Partial<DemoTask> = {}): Known {
  return {
    task: { ...task, ...more },
    record: {
      task_id: 't-1',
      execution_id: null,
      title: null,
      sent_ms: 1000,
      attempts: 1,
      accepted: { sent_ms: 1000, answered_ms: 1012, job: 'job-1' },
      repeats_recognised: 0,
      refused: null,
      cancelled_ms: null,
      started: { webhook_id: 's', received_ms: 1500, started_at: null },
      verdict: {
        webhook_id: 'v',
        received_ms: 2000,
        kind: 'failed',
        failure_reason: 'container_exit',
        exit_code: 3,
        message: 'exit 3',
        finished_at: null,
      },
      deliveries: [delivery('s', { type: 'task_started', received_ms: 1500 }), delivery('v')],
      ...record,
    },
    observed: { jobs: new Set(['job-1']), runningMs: 1100, endedMs: 1990, closed: true, ...observed },
  }
}

const verdict = example().record?.verdict ?? null
const rows: [name: string, known: Known, expected: RegExp | null][] = [
  ['exactly what was promised', example(), null],
  ['a repeat under the same id', example({ deliveries: [delivery('v'), delivery('v', { repeat: true })] }), null],
  ['no verdict', example({ verdict: null }), /got no verdict \(expected failed container_exit \(3\)\)/],
  [
    'a refused assignment',
    example({ accepted: null, verdict: null, refused: { status: 422, detail: 'no image' } }),
    /was refused: 422 no image/,
  ],
  ['an assignment that never got an answer', example({ accepted: null, verdict: null }), /was never accepted/],
  ['another kind of verdict', example({ verdict: verdict && { ...verdict, kind: 'completed' } }), /got completed container_exit/],
  [
    'another reason',
    example({ verdict: verdict && { ...verdict, failure_reason: 'unknown' } }),
    /got failed unknown \(3\) \(expected failed container_exit \(3\)\)/,
  ],
  ['another exit code', example({ verdict: verdict && { ...verdict, exit_code: 4 } }), /container_exit \(4\)/],
  ['verdicts under two ids', example({ deliveries: [delivery('v'), delivery('w')] }), /under 2 ids: v, w/],
  ['two Jobs', example({}, { jobs: new Set(['a', 'b']) }), /has 2 Jobs/],
  [
    'task_started after the verdict',
    example({ started: { webhook_id: 's', received_ms: 2001, started_at: null } }),
    /started after its verdict/,
  ],
  ['a lost answer without a second report', example({}, {}, { twist: 'loses_first_answer' }), /reported only once/],
  ['a repeat that was not recognised', example({}, {}, { twist: 'redeliver' }), /repeat was not recognised/],
]
for (const [name, known, expected] of rows) {
  test(`${name} ${expected ? 'is a fault' : 'is no fault'}`, () => {
    const found = fault(known)
    if (expected) assert.match(found ?? 'no fault', expected)
    else assert.equal(found, null)
  })
}

test('a task is settled once jobhook let go of its Job, or when it was refused', () => {
  assert.equal(settled([example()]), true)
  assert.equal(settled([example(), example({}, { closed: false })]), false)
  assert.equal(settled([example({ verdict: null })]), false)
  assert.equal(settled([example({ accepted: null, verdict: null, refused: { status: 422, detail: '' } })]), true)
})

test('a row shows the times between the moments', () => {
  const row = rowOf(example(), 9000)
  assert.deepEqual(
    [row.state, row.acceptMs, row.ranMs, row.reportMs, row.verdict, row.good],
    ['reported', 12, 890, 10, 'failed container_exit (3)', true],
  )
  assert.equal(rowOf(example({ verdict: null }, { endedMs: null }), 3100).ranMs, 2000)
})

test('percentiles are measured values, by nearest rank', () => {
  assert.equal(percentiles([]), null)
  assert.deepEqual(percentiles([5]), { count: 1, p50: 5, p99: 5 })
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.deepEqual(percentiles(hundred), { count: 100, p50: 50, p99: 99 })
})

test('the summary names each task that did not end as promised', () => {
  const good = summaryLines(summarise([example()]), 1, 2000, painter(false)).join('\n')
  assert.match(good, /Every task got its expected verdict, exactly once, under one id\./)
  const bad = summaryLines(summarise([example({ verdict: null })]), 1, 2000, painter(false)).join('\n')
  assert.match(bad, /1 of 1 tasks did not end as promised:\n {2}t-1 \(exits with code 3\) got no verdict/)
})

test('table lines never exceed the terminal, with long verdicts and with colours', () => {
  const long = rowOf(example({ accepted: null, verdict: null, refused: { status: 500, detail: 'x'.repeat(300) } }), 9_999_999)
  for (const columns of [72, 80, 100, 200]) {
    for (const colours of [false, true]) {
      for (const line of tableLines([rowOf(example(), 9000), long], columns, painter(colours))) {
        const visible = stripVTControlCharacters(line)
        assert.ok([...visible].length <= columns, `${[...visible].length} > ${columns}: ${visible}`)
        assert.equal(line === visible, !colours)
      }
    }
  }
})

test('a change is told in one line, without trailing spaces', () => {
  assert.match(
    progressLine(rowOf(example(), 9000), 2100),
    /^ {2}2\.1 s {2}t-1 {2}reported .*failed container_exit \(3\), as expected; callback 10 ms after its end$/,
  )
  assert.match(progressLine(rowOf(example({ verdict: null }), 9000), 100), /ended {5}exits with code 3$/)
})

test('the scenario has 20 tasks with ids of their own, all outcomes, and words that fit the table', () => {
  assert.equal(SCENARIO.length, 20)
  assert.equal(new Set(SCENARIO.map(({ id }) => id)).size, 20)
  assert.deepEqual([...new Set(SCENARIO.map(({ expected }) => expected.kind))].sort(), ['cancelled', 'completed', 'failed'])
  for (const { what } of SCENARIO) assert.ok(what.length <= 23, what)
})

test('text from outside cannot move the cursor or turn the line', () => {
  assert.equal(printable('a\u001b[2J\n\u009b\u202e é 🙂'), 'a\\u001b[2J\\u000a\\u009b\\u202e é 🙂')
  assert.equal(fit('🙂🙂🙂', 2), '🙂…')
  assert.equal(fit('ab', 4, true), 'ab  ')
})
