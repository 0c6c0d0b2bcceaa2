// Whether a figure meets its goal, and the plain sentence when it does not. Pure.
import type { CaseResult, Figure, Goal } from '../model.ts'

export interface Judgement {
  /** The figure that the goal is about: a ratio, a difference or the value itself; null without a reference or a goal. */
  compared: number | null
  met: boolean | null
}

export function judge(figure: Figure): Judgement {
  const { goal, reference, jobhook } = figure
  const compared = comparison(figure, goal?.of ?? 'ratio')
  if (goal === null) return { compared: reference === null ? null : compared, met: null }
  if (compared === null) throw new Error(`${figure.name}: a goal of the kind ${goal.of} needs something to compare with`)
  const met = goal.bound === 'at least' ? compared >= goal.limit : compared <= goal.limit
  return { compared, met: Number.isFinite(jobhook.median) && met }
}

function comparison({ jobhook, reference }: Figure, of: Goal['of']): number | null {
  if (of === 'value') return jobhook.median
  if (reference === null) return null
  return of === 'ratio' ? jobhook.median / reference.spread.median : jobhook.median - reference.spread.median
}

/** For each goal that was missed one sentence, and behind it what the same run says of the cause. */
export function missedGoals(results: readonly CaseResult[]): string[] {
  return results.flatMap((result) =>
    result.figures.flatMap((figure) => {
      const { compared, met } = judge(figure)
      return figure.goal !== null && compared !== null && met === false
        ? [[sentence(result, figure, figure.goal, compared), figure.ifMissed].filter((part) => part !== undefined).join(' ')]
        : []
    }),
  )
}

function sentence(result: CaseResult, figure: Figure, goal: Goal, compared: number): string {
  const what = `${result.case}: ${figure.name} is ${measure(figure.jobhook.median, figure.unit)}`
  const than =
    figure.reference === null ? '' : `, against ${measure(figure.reference.spread.median, figure.unit)} of ${figure.reference.name}`
  if (goal.of === 'value') return `${what}; the goal is ${goal.bound} ${measure(goal.limit, figure.unit)}.`
  if (goal.of === 'difference') {
    return `${what}${than}: ${measure(compared, figure.unit)} more; the goal is ${goal.bound} ${measure(goal.limit, figure.unit)} more.`
  }
  return `${what}${than}: ${times(compared)}; the goal is ${goal.bound} ${times(goal.limit)}.`
}

export function goalText(goal: Goal | null, unit: string): string {
  if (goal === null) return ''
  const sign = goal.bound === 'at least' ? '≥' : '≤'
  if (goal.of === 'ratio') return `${sign} ${times(goal.limit)}`
  return `${sign} ${goal.of === 'difference' && goal.limit >= 0 ? '+' : ''}${measure(goal.limit, unit)}`
}

export function measure(value: number, unit: string): string {
  return unit === '' ? number(value) : `${number(value)} ${unit}`
}

export function times(ratio: number): string {
  return `${number(ratio)} ×`
}

/** Three digits that count. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4
  const [whole = '', part] = value.toFixed(digits).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return part === undefined ? grouped : `${grouped}.${part}`
}
