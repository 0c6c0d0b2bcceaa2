// One task as a row of the list. Shared: the service paints the first rows, the browser all later ones.
import { ageOf, ranFor, stateBadge } from './format.js'
import { html } from './html.js'

/** @typedef {import('../../model/task.ts').TaskRecord} TaskRecord */

export const COLUMNS = ['State', 'Task', 'Reason', 'Ran', 'Age', 'Report']

/**
 * The cells; the row itself is its container's affair.
 * @param {TaskRecord} task
 * @param {number} nowMs
 */
export function taskCells(task, nowMs) {
  const { delivery } = task
  const told = delivery.state === 'none' ? '' : delivery.state
  return html`<td role="cell" class="cell-state">${stateBadge(task.state)}</td><td role="cell" class="cell-task"><div class="fit"><a href="/ui/tasks/${encodeURIComponent(task.id)}">${task.title ?? task.task_id}</a>${task.title ? html`<span class="sub">${task.task_id}</span>` : ''}${Object.entries(
    task.labels,
  )
    .slice(0, 3)
    .map(
      ([name, value]) => html`<span class="label">${name}=${value}</span>`,
    )}</td><td role="cell" class="cell-reason">${task.reason ? html`<code>${task.reason}</code>` : html`<span class="faint">${shortMessage(task)}</span>`}</td><td role="cell" class="cell-ran number">${ranFor(task, nowMs)}</td><td role="cell" class="cell-age number">${ageOf(task.times.accepted, nowMs)}</td><td role="cell" class="cell-report">${told ? html`<span class="report report-${told}">${told}</span>` : html`<span class="faint">–</span>`}</td>`
}

/** @param {TaskRecord} task */
function shortMessage(task) {
  if (task.state === 'completed') return ''
  return (task.message ?? '').slice(0, 120)
}

/**
 * Whether a search finds it: every word in its title, ids, reason, node or labels.
 * @param {TaskRecord} task
 * @param {readonly string[]} words lower case
 */
export function isFound(task, words) {
  if (words.length === 0) return true
  const labels = Object.entries(task.labels).map(([name, value]) => `${name}=${value}`)
  const text = [task.title, task.task_id, task.execution_id, task.id, task.reason, task.node, ...labels].join('\n').toLowerCase()
  return words.every((word) => text.includes(word))
}

/** @param {string} search */
export const wordsOf = (search) =>
  search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
