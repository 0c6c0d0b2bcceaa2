// A task's life drawn to scale: accepted, scheduled, pulled, started, finished, reported. Pure; the service draws it first, the browser while it grows.
import { clock, duration, isEnded } from './format.js'
import { html } from './html.js'

/** @typedef {import('../../model/task.ts').TaskRecord} TaskRecord */
/** @typedef {{ key: string, name: string, what: string, fromMs: number, toMs: number, open: boolean }} Segment */

/** What passes between one moment and the next. */
const STEPS = /** @type {const} */ ([
  ['scheduled', 'wait', 'waited for a node'],
  ['pulled', 'pull', 'fetched its image'],
  ['started', 'prepare', 'prepared'],
  ['finished', 'run', 'ran'],
  ['reported', 'report', 'reported'],
])

/**
 * The stretches that are known, one after the other; the last one is open while the task lives or its report is owed.
 * @param {TaskRecord} task
 * @param {number} nowMs
 * @returns {Segment[]}
 */
export function segmentsOf(task, nowMs) {
  const { times, delivery } = task
  if (times.accepted === null) return []
  /** @type {Segment[]} */
  const segments = []
  let fromMs = Date.parse(times.accepted)
  /** @type {{ key: string, what: string } | null} */
  let unknown = null
  for (const [moment, key, what] of STEPS) {
    const at = times[moment]
    if (at === null) {
      unknown ??= { key, what }
      // What never came (a task that failed before it started) is passed over once a later moment is known.
      continue
    }
    const toMs = Math.max(fromMs, Date.parse(at))
    const passed = key === 'report' ? null : unknown
    segments.push({ key: passed?.key ?? key, name: moment, what: passed?.what ?? what, fromMs, toMs, open: false })
    unknown = null
    fromMs = toMs
  }
  const grows = !isEnded(task.state) || delivery.state === 'owed'
  if (unknown && grows) {
    segments.push({
      ...unknown,
      key: isEnded(task.state) ? 'report' : unknown.key,
      name: 'now',
      what: isEnded(task.state) ? 'report owed' : unknown.what,
      fromMs,
      toMs: Math.max(fromMs, nowMs),
      open: true,
    })
  }
  return segments
}

/** Round distances for the marks of the axis, in seconds. */
const DISTANCES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400]

/** @param {number} part @param {number} whole */
const percent = (part, whole) => `${Number(((part / whole) * 100).toFixed(3))}%`

/**
 * @param {TaskRecord} task
 * @param {number} nowMs
 */
export function timeline(task, nowMs) {
  const segments = segmentsOf(task, nowMs)
  const [first] = segments
  const last = segments.at(-1)
  if (!first || !last) return html`<p class="faint">No times are known of it any more.</p>`
  // Kubernetes' times are whole seconds: a task of less is one second wide.
  const wholeMs = Math.max(1000, last.toMs - first.fromMs)
  const distance = (DISTANCES.find((seconds) => wholeMs / 1000 / seconds <= 6) ?? 86_400 * Math.ceil(wholeMs / 86_400_000 / 6)) * 1000
  const marks = Array.from({ length: Math.floor(wholeMs / distance) + 1 }, (_, index) => index * distance)
  return html`<svg class="timeline" height="76" role="img" aria-label="Timeline, ${duration(wholeMs)} in all: ${segments.map(({ what, fromMs, toMs }) => `${what} ${duration(toMs - fromMs)}`).join(', ')}">
<g class="axis">${marks.map((mark) => html`<line x1="${percent(mark, wholeMs)}" x2="${percent(mark, wholeMs)}" y1="0" y2="52"/><text x="${percent(mark, wholeMs)}" y="70" class="${mark === 0 ? 'at-start' : mark > wholeMs * 0.96 ? 'at-end' : ''}">${mark === 0 ? '0' : duration(mark).replace(/ 00 [sm]$/, '')}</text>`)}</g>
<g class="bars">${segments.map(({ key, what, fromMs, toMs, open }) => html`<rect class="bar bar-${key}${open ? ' open' : ''}" x="${percent(fromMs - first.fromMs, wholeMs)}" width="${percent(toMs - fromMs, wholeMs)}" y="14" height="26"><title>${what}: ${duration(toMs - fromMs)}</title></rect><line class="edge edge-${key}" x1="${percent(toMs - first.fromMs, wholeMs)}" x2="${percent(toMs - first.fromMs, wholeMs)}" y1="10" y2="44"/>`)}</g>
</svg>
<ol class="steps"><li><span class="step-name">accepted</span><span class="step-time">${clock(task.times.accepted ?? '')}</span></li>${segments.map(({ key, name, what, fromMs, toMs, open }) => html`<li class="step-${key}"><span class="step-name">${open ? what : name}</span><span class="step-time">${open ? 'so far' : clock(new Date(toMs).toISOString())}</span><span class="step-took number">${open ? '' : '+'}${duration(toMs - fromMs)}</span></li>`)}</ol>`
}
