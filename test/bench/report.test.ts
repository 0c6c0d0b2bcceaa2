// The benchmark's pure parts: what a median is, when a goal is missed, and that nothing missed is left unsaid.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawChart, headroom } from '../../bench/lib/chart.ts'
import { goalText, judge, missedGoals, number } from '../../bench/lib/judge.ts'
import { resultsPage } from '../../bench/lib/page.ts'
import { inTurns, percentile, quoted, spread } from '../../bench/lib/statistics.ts'
import { markdownTable, terminalTable } from '../../bench/lib/table.ts'
import type { CaseResult, Figure, Goal } from '../../bench/model.ts'

const figure = (jobhook: number, reference: number | null, goal: Goal | null, unit = 'per s'): Figure => ({
  name: 'throughput',
  unit,
  jobhook: quoted(jobhook),
  reference: reference === null ? null : { name: 'the relay', spread: quoted(reference) },
  goal,
})

const result = (figures: Figure[]): CaseResult => ({
  case: 'webhook',
  title: 'a title',
  comparedWith: 'the relay',
  figures,
  measuredAt: '2026-11-26T00:00:00.000Z',
  seconds: 1,
  loadBefore: 0,
  quick: false,
})

test('a figure is the median of its runs, with the least and the most', () => {
  assert.deepEqual(spread([5, 1, 9, 2, 3]), { median: 3, min: 1, max: 9, runs: 5 })
  assert.deepEqual(spread([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4, runs: 4 })
  assert.throws(() => spread([]), /at least one/)
})

test('a percentile is one of the measured values, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  const rows: [number, number][] = [
    [50, 50],
    [99, 99],
    [100, 100],
    [0, 1],
  ]
  for (const [percent, value] of rows) assert.equal(percentile(hundred, percent), value)
  assert.equal(percentile([7], 99), 7)
})

test('a goal is met exactly at its bound, and missed beyond it', () => {
  const rows: [jobhook: number, reference: number | null, goal: Goal, met: boolean][] = [
    [90, 100, { of: 'ratio', bound: 'at least', limit: 0.9 }, true],
    [89, 100, { of: 'ratio', bound: 'at least', limit: 0.9 }, false],
    [120, 100, { of: 'ratio', bound: 'at most', limit: 1.2 }, true],
    [121, 100, { of: 'ratio', bound: 'at most', limit: 1.2 }, false],
    [4, 2, { of: 'difference', bound: 'at most', limit: 2 }, true],
    [4.1, 2, { of: 'difference', bound: 'at most', limit: 2 }, false],
    [1, null, { of: 'value', bound: 'at most', limit: 1 }, true],
    [1.01, null, { of: 'value', bound: 'at most', limit: 1 }, false],
    [Number.NaN, null, { of: 'value', bound: 'at most', limit: 1 }, false],
  ]
  for (const [jobhook, reference, goal, met] of rows) {
    assert.equal(judge(figure(jobhook, reference, goal)).met, met, `${jobhook} against ${reference}, ${goalText(goal, '')}`)
  }
})

test('what the same run says of the cause follows the sentence of a missed goal, and of no other', () => {
  const goal: Goal = { of: 'ratio', bound: 'at least', limit: 0.9 }
  const results = [result([80, 95].map((each) => ({ ...figure(each, 100, goal), ifMissed: `It is ${each} because of this.` })))]
  const missed = missedGoals(results)
  assert.equal(missed.length, 1)
  assert.match(missed[0] ?? '', /the goal is at least 0\.90 ×\. It is 80 because of this\.$/)
})

test('each side of a comparison goes first as often as last', () => {
  assert.deepEqual(
    [0, 1, 2].map((run) => inTurns(['a', 'b', 'c'], run).join('')),
    ['abc', 'cba', 'abc'],
  )
})

test('a goal that compares with nothing is a mistake in the case, not a goal met', () => {
  assert.throws(() => judge(figure(1, null, { of: 'ratio', bound: 'at least', limit: 1 })), /compare/)
})

test('each missed goal is one plain sentence with both figures and the goal; what is met says nothing', () => {
  const results = [
    result([
      figure(80, 100, { of: 'ratio', bound: 'at least', limit: 0.9 }),
      figure(95, 100, { of: 'ratio', bound: 'at least', limit: 0.9 }),
      figure(14, 2, { of: 'difference', bound: 'at most', limit: 10 }, 'ms'),
      figure(300, null, { of: 'value', bound: 'at most', limit: 250 }, 'MB'),
      figure(1, null, null),
    ]),
  ]
  assert.deepEqual(missedGoals(results), [
    'webhook: throughput is 80 per s, against 100 per s of the relay: 0.80 ×; the goal is at least 0.90 ×.',
    'webhook: throughput is 14 ms, against 2 ms of the relay: 12 ms more; the goal is at most 10 ms more.',
    'webhook: throughput is 300 MB; the goal is at most 250 MB.',
  ])
})

test('numbers show three digits that count', () => {
  const rows: [number, string][] = [
    [1234567, '1,234,567'],
    [123.4, '123'],
    [12.34, '12.3'],
    [1.234, '1.23'],
    [0.01234, '0.0123'],
    [3, '3'],
  ]
  for (const [value, text] of rows) assert.equal(number(value), text)
})

test('the tables name the case once, and every figure with its ratio, goal and outcome', () => {
  const results = [
    result([
      figure(80, 100, { of: 'ratio', bound: 'at least', limit: 0.9 }),
      figure(95, 100, { of: 'ratio', bound: 'at least', limit: 0.9 }),
    ]),
  ]
  const text = terminalTable(results)
  assert.equal(text.match(/webhook/g)?.length, 1)
  assert.match(text, /80 per s\s+the relay\s+100 per s\s+0\.80 ×\s+≥ 0\.90 ×\s+MISSED/)
  assert.match(text, /95 per s.*met/)
  assert.match(
    markdownTable(results),
    /\| webhook \| throughput \| 80 per s \| the relay \| 100 per s \| 0\.80 × \| ≥ 0\.90 × \| MISSED \|/,
  )
})

test('the page says how many goals are met, and names each that is not', () => {
  const goal: Goal = { of: 'ratio', bound: 'at least', limit: 0.9 }
  const page = resultsPage([result([figure(80, 100, goal), figure(95, 100, goal), figure(1, null, null)])], 'A machine')
  assert.match(page, /A machine\./)
  assert.match(page, /1 of 2 goals are met/)
  assert.match(page, /- webhook: throughput is 80 per s, against 100 per s of the relay/)
  assert.match(resultsPage([result([figure(95, 100, goal)])], ''), /Goals missed\n\nNone\./)
})

test('the chart puts a missed goal left of the line, a met one right of it, and escapes what it is given', () => {
  const missed = figure(45, 100, { of: 'ratio', bound: 'at least', limit: 0.9 })
  const met = figure(50, 100, { of: 'ratio', bound: 'at most', limit: 1 })
  assert.equal(headroom(missed), 0.5)
  assert.equal(headroom(met), 2)
  assert.equal(headroom(figure(1, 100, null)), null)
  const svg = drawChart([result([missed, { ...met, name: 'a < b & c' }])], 'a caption')
  assert.match(svg, /^<svg /)
  assert.match(svg, /a &lt; b &amp; c/)
  assert.equal(svg.match(/#b3261e"\/>/g)?.length, 1)
  assert.equal(svg.match(/#2b7a4b"\/>/g)?.length, 1)
})
