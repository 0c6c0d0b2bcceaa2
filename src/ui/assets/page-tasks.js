// The whole list, live: every task in memory, but only the rows in sight in the page, so that ten thousand cost no more than fifty.
import { isEnded, STATES } from './format.js'
import { announce, find, listen } from './live.js'
import { isFound, taskCells, wordsOf } from './row.js'
import { createWindow } from './window.js'

/** @typedef {import('../../model/task.ts').TaskRecord} TaskRecord */

/** Newest first; beyond this the oldest are left out, and the page says so. */
const TASKS_KEPT = 50_000

const form = /** @type {HTMLFormElement} */ (find('[data-filters]'))
const table = /** @type {HTMLTableElement} */ (find('[data-tasks]'))
const search = /** @type {HTMLInputElement} */ (find('#search'))
const label = /** @type {HTMLInputElement} */ (find('#label'))

/** @type {Map<string, TaskRecord>} */
const tasks = new Map()
/** Filled while a snapshot comes, then taken over: until then the old rows stay. */
/** @type {Map<string, TaskRecord> | null} */
let arriving = null
/** @type {ReturnType<typeof createWindow> | null} */
let rows = null
let frame = 0
let hasSnapshot = false

function query() {
  return { words: wordsOf(search.value), states: new Set(new FormData(form).getAll('state').map(String)) }
}

/** @param {TaskRecord} a @param {TaskRecord} b */
function newestFirst(a, b) {
  const [aTime, bTime] = [a.times.created ?? '', b.times.created ?? '']
  return aTime < bTime ? 1 : aTime > bTime ? -1 : a.id < b.id ? -1 : 1
}

/** @type {TaskRecord[] | null} */
let sorted = null

function show() {
  frame = 0
  if (!hasSnapshot) return
  sorted ??= [...tasks.values()].sort(newestFirst)
  const { words, states } = query()
  /** @type {Map<string, number>} */
  const counts = new Map()
  const found = sorted.filter((task) => {
    if (!isFound(task, words)) return false
    counts.set(task.state, (counts.get(task.state) ?? 0) + 1)
    return states.size === 0 || states.has(task.state)
  })
  rows ??= createWindow(table, (task) => taskCells(task, Date.now()).toString())
  rows.show(found)
  for (const state of STATES) {
    const count = find(`[data-count-of="${state}"]`)
    if (count) count.textContent = counts.get(state) ? (counts.get(state) ?? 0).toLocaleString('en') : ''
  }
  const live = found.filter(({ state }) => !isEnded(state)).length
  const all = tasks.size >= TASKS_KEPT ? ` of the newest ${TASKS_KEPT.toLocaleString('en')}` : ''
  const count = find('[data-count]')
  if (count)
    count.textContent = `${found.length.toLocaleString('en')} task${found.length === 1 ? '' : 's'}${all}, ${live.toLocaleString('en')} under way`
  find('[data-empty]')?.toggleAttribute('hidden', found.length > 0)
}

function showSoon() {
  if (frame === 0) frame = requestAnimationFrame(show)
}

/** @param {TaskRecord} task */
function put(task) {
  const into = arriving ?? tasks
  if (into.size >= TASKS_KEPT && !into.has(task.id)) {
    if (arriving) return // a snapshot comes newest first
    const oldest = (sorted ?? [...tasks.values()].sort(newestFirst)).at(-1)
    if (oldest) tasks.delete(oldest.id)
  }
  into.set(task.id, task)
  if (arriving) return
  sorted = null
  showSoon()
}

/** The label selector is the service's to read: another one, another stream. */
function begin() {
  const selector = label.value.trim()
  listen({
    query: `?snapshot=true${selector === '' ? '' : `&label=${encodeURIComponent(selector)}`}`,
    on: {
      reset() {
        arriving = new Map()
      },
      task: put,
      removed({ id }) {
        arriving?.delete(id)
        if (tasks.delete(id)) sorted = null
        showSoon()
      },
      live() {
        if (!arriving) return
        tasks.clear()
        for (const [id, task] of arriving) tasks.set(id, task)
        arriving = null
        hasSnapshot = true
        sorted = null
        find('[data-pager]')?.setAttribute('hidden', '')
        find('[data-hint]')?.removeAttribute('hidden')
        showSoon()
      },
    },
  })
}

/** Filters stay in the address: it can be passed on, and comes back with the back button. */
function remember() {
  const parameters = new URLSearchParams()
  for (const [name, value] of new FormData(form)) if (value !== '') parameters.append(name, String(value))
  history.replaceState(null, '', `/ui/tasks${parameters.size > 0 ? `?${parameters}` : ''}`)
}

form.addEventListener('input', (event) => {
  if (event.target === label) return
  remember()
  rows?.toTop()
  showSoon()
})
label.addEventListener('change', () => {
  remember()
  location.reload()
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (document.activeElement === label) label.dispatchEvent(new Event('change'))
  else rows?.focusFirst()
})

document.addEventListener('keydown', (event) => {
  const target = /** @type {HTMLElement} */ (event.target)
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const writes = target instanceof HTMLInputElement && target.type !== 'checkbox'
  if (event.key === '/' && !writes) {
    event.preventDefault()
    search.focus()
    search.select()
  } else if (event.key === 'Escape' && target === search) {
    search.value = ''
    search.dispatchEvent(new Event('input', { bubbles: true }))
  } else if (writes ? event.key === 'ArrowDown' : rows) {
    /** @type {Record<string, () => boolean | undefined>} */
    const moves = {
      ArrowDown: () => rows?.move(1),
      ArrowUp: () => rows?.move(-1),
      j: () => rows?.move(1),
      k: () => rows?.move(-1),
      PageDown: () => rows?.move('page-down'),
      PageUp: () => rows?.move('page-up'),
      Home: () => rows?.move('first'),
      End: () => rows?.move('last'),
    }
    // Arrows in the list only once one is in it: elsewhere they scroll the page.
    const inList = table.contains(target)
    if (!inList && !['j', 'k'].includes(event.key) && !writes) return
    if (moves[event.key]?.()) event.preventDefault()
  }
})

if (find('.problem:not([data-problem])')) announce('The label selector cannot be read.')
else begin()
