// Draws the results as an SVG: for each goal, how far inside or outside it the figure lies. Written by hand: bars and text need no library. Pure.
import type { CaseResult, Figure } from '../model.ts'
import { goalText, judge, measure, times } from './judge.ts'

const ROW = 22
const LEFT = 470
const WIDTH = 420
const RIGHT = 300
const TOP = 70

/** A figure's distance from its goal as a factor: 1 is exactly the goal, 2 twice as good, 0.5 half as good. */
export function headroom(figure: Figure): number | null {
  const { compared } = judge(figure)
  const { goal } = figure
  if (goal === null || compared === null) return null
  // Differences may lie on either side of zero: their distance is measured on the figure itself.
  if (goal.of === 'difference') {
    const base = figure.reference?.spread.median ?? 0
    const allowed = base + goal.limit
    const reached = base + compared
    return goal.bound === 'at most' ? allowed / Math.max(reached, 1e-9) : reached / Math.max(allowed, 1e-9)
  }
  if (goal.limit === 0) return goal.bound === 'at most' ? (compared <= 0 ? 1 : 0.25) : compared >= 0 ? 1 : 0.25
  return goal.bound === 'at least' ? compared / goal.limit : goal.limit / Math.max(compared, 1e-9)
}

export function drawChart(results: readonly CaseResult[], caption: string): string {
  const rows = results.flatMap((result) =>
    result.figures.flatMap((figure) => {
      const room = headroom(figure)
      return room === null
        ? []
        : [{ label: `${result.case}: ${figure.name}`, room, met: judge(figure).met === true, text: describe(figure) }]
    }),
  )
  const height = TOP + rows.length * ROW + 30
  const width = LEFT + WIDTH + RIGHT
  const goalX = xOf(1)
  const marks = [0.25, 0.5, 1, 2, 4].map(
    (factor) =>
      `<line x1="${xOf(factor)}" y1="${TOP - 8}" x2="${xOf(factor)}" y2="${height - 24}" stroke="${factor === 1 ? '#333' : '#ddd'}"/>` +
      `<text x="${xOf(factor)}" y="${TOP - 14}" text-anchor="middle" fill="#555">${factor === 1 ? 'goal' : `${factor} ×`}</text>`,
  )
  const bars = rows.map(({ label, room, met, text }, index) => {
    const y = TOP + index * ROW
    const x = xOf(room)
    const [from, to] = x < goalX ? [x, goalX] : [goalX, x]
    return (
      `<text x="${LEFT - 10}" y="${y + 13}" text-anchor="end" fill="#222">${escapeXml(label)}</text>` +
      `<rect x="${from}" y="${y + 3}" width="${Math.max(2, round(to - from))}" height="13" fill="${met ? '#2b7a4b' : '#b3261e'}"/>` +
      `<text x="${LEFT + WIDTH + 10}" y="${y + 13}" fill="${met ? '#222' : '#b3261e'}">${escapeXml(text)}</text>`
    )
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">
<title>How far each figure lies inside its goal (to the right) or outside it (to the left)</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="10" y="20" font-size="15" fill="#222">Every goal: to the right of the line it is met, to the left it is missed</text>
<text x="10" y="38" fill="#555">${escapeXml(caption)}</text>
${marks.join('\n')}
${bars.join('\n')}
</svg>
`
}

/** Logarithmic, cut at an eighth and at eight times the goal. */
function xOf(factor: number): number {
  const bounded = Math.min(8, Math.max(1 / 8, factor))
  return round(LEFT + (WIDTH * (Math.log2(bounded) + 3)) / 6)
}

function describe(figure: Figure): string {
  const { compared } = judge(figure)
  const goal = goalText(figure.goal, figure.unit)
  if (compared === null) return goal
  const value = figure.goal?.of === 'ratio' ? times(compared) : measure(compared, figure.unit)
  return `${value} (goal ${goal})`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
