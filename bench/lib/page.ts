// The results as a page of the documentation: what was missed first, then every figure, then the conditions of each case. Pure.
import type { CaseResult } from '../model.ts'
import { missedGoals } from './judge.ts'
import { markdownTable } from './table.ts'

export function resultsPage(results: readonly CaseResult[], machine: string): string {
  const missed = missedGoals(results)
  const goals = results.flatMap((result) => result.figures).filter((figure) => figure.goal !== null).length
  return `# Results of the benchmark

Written by \`npm run bench\`; what is measured and how: docs/performance.md. ${machine}.

Each figure is the median, in brackets the least and the most. ${goals - missed.length} of ${goals} goals are met.

## Goals missed

${missed.length === 0 ? 'None.' : missed.map((sentence) => `- ${sentence}`).join('\n')}

![How far each figure lies inside or outside its goal](results.svg)

## Every figure

${markdownTable(results)}
## Conditions

${results.map(conditions).join('\n')}
`
}

function conditions({ case: name, title, comparedWith, figures, measuredAt, seconds, loadBefore, quick }: CaseResult): string {
  const runs = Math.max(...figures.map((figure) => figure.jobhook.runs))
  const notes = [...new Set(figures.flatMap((figure) => figure.note ?? []))].map((note) => ` ${note}.`).join('')
  const short = quick ? ', shorter than for the record' : ''
  return `- **${name}**: ${title}, compared with ${comparedWith}. ${runs} ${runs === 1 ? 'run' : 'runs'}${short}, ${seconds} s in all, at ${measuredAt}; load average before it ${loadBefore}.${notes}`
}
