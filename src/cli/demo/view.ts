// What the demo shows, as text: the table, one line a change, the summary. Pure: rows and a width in, lines out. Not for: writing to the terminal.
import type { Paint, Style } from '../colour.ts'
import { fit, printable } from '../text.ts'
import type { Percentiles, Row, Summary } from './judge.ts'

const HEADER = ['task', 'what it does', '→Job', 'ran', '→callback', 'state, then verdict'] as const
/** Columns of fixed width; what is left goes to "what it does" and to the last column. */
const WIDTH = { id: 4, accept: 7, ran: 6, report: 9 } as const
const SEPARATOR = '  '
const LONGEST_WHAT = 23
const LONGEST_USUAL_VERDICT = 28
const LONGEST_VERDICT = 60

/** Narrower than this the table says too little: print lines instead. */
export const NARROWEST_COLUMNS = 72

/** The table as lines no wider than `columns` (at least NARROWEST_COLUMNS). Colours are put on after cutting, since they have no width. */
export function tableLines(rows: readonly Row[], columns: number, paint: Paint): string[] {
  const fixed = Object.values(WIDTH).reduce((sum, width) => sum + width, 0) + (HEADER.length - 1) * SEPARATOR.length
  const free = Math.max(columns - fixed, 0)
  const whatWidth = Math.min(LONGEST_WHAT, Math.max(free - LONGEST_USUAL_VERDICT, Math.floor(free / 2)))
  const lastWidth = Math.min(free - whatWidth, LONGEST_VERDICT)
  const line = ([id = '', what = '', accept = '', ran = '', report = '', last = '']: readonly string[]): string[] => [
    fit(id, WIDTH.id, true),
    fit(what, whatWidth, true),
    fit(accept.padStart(WIDTH.accept), WIDTH.accept),
    fit(ran.padStart(WIDTH.ran), WIDTH.ran),
    fit(report.padStart(WIDTH.report), WIDTH.report),
    fit(last, lastWidth),
  ]
  return [
    paint('bold', line(HEADER).join(SEPARATOR)),
    ...rows.map((row) => {
      const last = row.verdict === '' ? row.state : printable(row.verdict)
      const cells = line([row.id, row.what, millis(row.acceptMs), seconds(row.ranMs), millis(row.reportMs), last])
      return cells.map((cell, index) => paint(cellStyle(row, index === cells.length - 1), cell)).join(SEPARATOR)
    }),
  ]
}

function cellStyle(row: Row, last: boolean): Style {
  if (!last) return 'plain'
  if (row.good !== null) return row.good ? 'green' : 'red'
  return row.state === 'running' ? 'yellow' : 'dim'
}

/** One line for a row that changed its state, for output that is not a terminal. */
export function progressLine(row: Row, elapsedMs: number): string {
  const what = `${seconds(elapsedMs).padStart(7)}  ${row.id}  ${row.state.padEnd(8)}  ${row.what.padEnd(LONGEST_WHAT)}`
  return `${what} ${progressDetail(row)}`.trimEnd()
}

function progressDetail(row: Row): string {
  switch (row.state) {
    case 'accepted':
      return `a Job, ${millis(row.acceptMs)} after its webhook was sent`
    case 'reported':
      return `${printable(row.verdict)}${row.good ? ', as expected' : ' (NOT as expected)'}${row.reportMs === null ? '' : `; callback ${millis(row.reportMs)} after its end`}`
    case 'refused':
      return printable(row.verdict)
    default:
      return ''
  }
}

export function summaryLines(summary: Summary, taskCount: number, elapsedMs: number, paint: Paint): string[] {
  const { counts, faults } = summary
  const reported = counts.completed + counts.failed + counts.cancelled
  const repeats =
    summary.repeats === 0 ? 'none repeated' : `${summary.repeats} repeated under the same id after a lost answer, counted once`
  return [
    '',
    `${reported} of ${taskCount} tasks reported in ${seconds(elapsedMs)}: ${counts.completed} completed, ${counts.failed} failed${faults.length === 0 ? ' (on purpose)' : ''}, ${counts.cancelled} cancelled.`,
    `${summary.verdictIds} verdict ids in ${summary.deliveries} verified deliveries (${repeats}).`,
    `webhook → Job   ${percentileText(summary.acceptMs)}   assignment sent until its 202: the Job is stored`,
    `end → callback  ${percentileText(summary.reportMs)}   end of the command seen on the cluster until the verified verdict`,
    '',
    ...(faults.length === 0
      ? [paint('green', `Every task got its expected verdict, exactly once, under one id.`)]
      : [
          paint('red', `${faults.length} of ${taskCount} tasks did not end as promised:`),
          ...faults.map(({ id, what, fault }) => `  ${id} (${what}) ${printable(fault)}`),
        ]),
  ]
}

function percentileText(found: Percentiles | null): string {
  return found ? `p50 ${millis(found.p50).padStart(7)}, p99 ${millis(found.p99).padStart(7)} (n=${found.count})` : 'not measured'
}

function millis(value: number | null): string {
  return value === null ? '' : `${Math.round(value)} ms`
}

function seconds(valueMs: number | null): string {
  return valueMs === null ? '' : `${(valueMs / 1000).toFixed(1)} s`
}
