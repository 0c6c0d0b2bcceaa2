// The results as one table, for a terminal and for Markdown. Pure.
import type { CaseResult, Figure } from '../model.ts'
import { goalText, judge, measure, number, times } from './judge.ts'
import type { Spread } from './statistics.ts'

const HEAD = ['case', 'figure', 'jobhook', 'compared with', '', 'ratio', 'goal', '']

export function terminalTable(results: readonly CaseResult[]): string {
  const rows = [HEAD, ...tableRows(results)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return `${[line(rows[0] ?? []), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n')}\n`
}

export function markdownTable(results: readonly CaseResult[]): string {
  const line = (row: string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return `${[line(HEAD), line(HEAD.map(() => '---')), ...tableRows(results).map(line)].join('\n')}\n`
}

function tableRows(results: readonly CaseResult[]): string[][] {
  return results.flatMap((result) => result.figures.map((figure, index) => rowOf(index === 0 ? result.case : '', figure)))
}

function rowOf(name: string, figure: Figure): string[] {
  const { reference, goal, unit } = figure
  const { compared, met } = judge(figure)
  const ratio = compared === null || goal?.of === 'value' ? '' : goal?.of === 'difference' ? signed(compared, unit) : times(compared)
  return [
    name,
    figure.name,
    spreadText(figure.jobhook, unit),
    reference?.name ?? '',
    reference === null ? '' : spreadText(reference.spread, unit),
    ratio,
    goalText(goal, unit),
    met === null ? '' : met ? 'met' : 'MISSED',
  ]
}

function signed(value: number, unit: string): string {
  return `${value >= 0 ? '+' : ''}${measure(value, unit)}`
}

/** Median, and in brackets least and most. */
function spreadText({ median, min, max, runs }: Spread, unit: string): string {
  return runs === 1 ? measure(median, unit) : `${measure(median, unit)} (${number(min)}–${number(max)})`
}
