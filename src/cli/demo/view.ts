// What the demo shows, as text: the table, one line a change, the summary. Pure: rows and a width in, lines out. Not for: writing to the terminal.
import { fit, printable } from '../text.ts'
import type { Percentiles, Row, Summary } from './judge.ts'

export type Style = 'plain' | 'dim' | 'bold' | 'green' | 'red' | 'yellow'
export type Paint = (style: Style, text: string) => string

const CODES: Record<Style, number> = { plain: 0, bold: 1, dim: 2, red: 31, green: 32, yellow: 33 }

export function painter(colours: boolean): Paint {
  return (style, text) => (colours && style !== 'plain' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text)
}

const HEADER = ['task', 'what it does', 'state', 'webhook→Job', 'ran', 'end→callback', 'verdict'] as const
/** Columns of fixed width; what is left goes to "what it does" (up to 28) and to the verdict. */
const WIDTH = { id: 4, state: 8, accept: 11, ran: 6, report: 12 } as const
const SEPARATORS = 12
const LONGEST_WHAT = 30

/** Narrower than this the table says too little: print lines instead. */
export const NARROWEST_COLUMNS = 76

/** The table as lines no wider than `columns` (at least NARROWEST_COLUMNS). Colours are put on after cutting, since they have no width. */
export function tableLines(rows: readonly Row[], columns: number, paint: Paint): string[] {
  const free = Math.max(columns - SEPARATORS - Object.values(WIDTH).reduce((sum, width) => sum + width, 0), 0)
  const whatWidth = Math.min(LONGEST_WHAT, Math.floor(free / 2))
  const verdictWidth = Math.min(free - whatWidth, 60)
  const line = (cells: readonly string[]): string[] => [
    fit(cells[0] ?? '', WIDTH.id, true),
    fit(cells[1] ?? '', whatWidth, true),
    fit(cells[2] ?? '', WIDTH.state, true),
    fit((cells[3] ?? '').padStart(WIDTH.accept), WIDTH.accept),
    fit((cells[4] ?? '').padStart(WIDTH.ran), WIDTH.ran),
    fit((cells[5] ?? '').padStart(WIDTH.report), WIDTH.report),
    fit(cells[6] ?? '', verdictWidth),
  ]
  const join = (cells: readonly string[]): string => cells.join('  ')
  return [
    paint('bold', fit(join(line(HEADER)), columns)),
    ...rows.map((row) => {
      const cells = line([
        row.id,
        row.what,
        row.state,
        millis(row.acceptMs),
        seconds(row.ranMs),
        millis(row.reportMs),
        printable(row.verdict),
      ])
      return cells.map((cell, index) => paint(cellStyle(row, index), cell)).join('  ')
    }),
  ]
}

function cellStyle(row: Row, index: number): Style {
  if (index === 6) return row.good === false ? 'red' : 'green'
  if (index === 2) return row.state === 'running' ? 'yellow' : row.state === 'refused' ? 'red' : row.state === 'waiting' ? 'dim' : 'plain'
  return index === 0 ? 'bold' : 'plain'
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
    `${reported} of ${taskCount} tasks reported in ${seconds(elapsedMs)}: ${counts.completed} completed, ${counts.failed} failed (on purpose), ${counts.cancelled} cancelled.`,
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
