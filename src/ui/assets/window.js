// Rows of a long list, only those in sight: two empty rows stand for what is above and below. A row that has the focus stays in the page, and rows
// are changed in place, so that neither a reader nor a screen reader loses its place.

/** @typedef {import('../../model/task.ts').TaskRecord} TaskRecord */

/** Rows beyond the edges, so that scrolling does not show gaps. */
const BEYOND = 12
const PAGE_ROWS = 10

/**
 * @param {HTMLTableElement} table
 * @param {(task: TaskRecord) => string} cells
 */
export function createWindow(table, cells) {
  const body = table.tBodies[0] ?? table.createTBody()
  const [above, below] = [spacer(), spacer()]
  body.replaceChildren(above, below)
  /** @type {readonly TaskRecord[]} */
  let tasks = []
  /** @type {Map<string, { row: HTMLTableRowElement, task: TaskRecord }>} */
  const shown = new Map()
  let rowHeight = 48
  let frame = 0

  function paint() {
    frame = 0
    const top = body.getBoundingClientRect().top
    const first = Math.max(0, Math.floor(-top / rowHeight) - BEYOND)
    const count = Math.ceil(innerHeight / rowHeight) + 2 * BEYOND
    const from = Math.min(first, Math.max(0, tasks.length - count))
    const wanted = tasks.slice(from, from + count)
    const ids = new Set(wanted.map(({ id }) => id))
    for (const [id, { row }] of shown) {
      if (ids.has(id)) continue
      row.remove()
      shown.delete(id)
    }
    /** @type {Element} */
    let after = above
    wanted.forEach((task, index) => {
      const known = shown.get(task.id)
      const row = known?.row ?? document.createElement('tr')
      if (known?.task !== task) {
        const hadFocus = row.contains(document.activeElement)
        row.setAttribute('role', 'row')
        row.innerHTML = cells(task)
        row.dataset.id = task.id
        if (hadFocus) row.querySelector('a')?.focus({ preventScroll: true })
        shown.set(task.id, { row, task })
      }
      row.setAttribute('aria-rowindex', String(from + index + 2))
      if (after.nextElementSibling !== row) after.after(row)
      after = row
    })
    const height = shown.get(wanted[0]?.id ?? '')?.row.getBoundingClientRect().height ?? 0
    if (height > 0 && Math.abs(height - rowHeight) > 0.5) {
      rowHeight = height
      paintSoon()
    }
    setHeight(above, from * rowHeight)
    setHeight(below, Math.max(0, tasks.length - from - wanted.length) * rowHeight)
    table.setAttribute('aria-rowcount', String(tasks.length + 1))
  }

  function paintSoon() {
    if (frame === 0) frame = requestAnimationFrame(paint)
  }

  function current() {
    const id = /** @type {HTMLElement | null} */ (document.activeElement?.closest('tr[data-id]'))?.dataset.id
    return id === undefined ? -1 : tasks.findIndex((task) => task.id === id)
  }

  /** @param {number} index */
  function focus(index) {
    const task = tasks[index]
    if (!task) return false
    const top = body.getBoundingClientRect().top + scrollY + index * rowHeight
    const header = 3.5 * 16 + 40
    if (top < scrollY + header) scrollTo(0, top - header)
    else if (top + rowHeight > scrollY + innerHeight - 16) scrollTo(0, top + rowHeight - innerHeight + 16)
    paint()
    shown.get(task.id)?.row.querySelector('a')?.focus({ preventScroll: true })
    return true
  }

  addEventListener('scroll', paintSoon, { passive: true })
  addEventListener('resize', paintSoon)

  return {
    /** @param {readonly TaskRecord[]} newTasks */
    show(newTasks) {
      tasks = newTasks
      paint()
    },
    toTop() {
      if (body.getBoundingClientRect().top < 0) scrollTo(0, 0)
    },
    focusFirst: () => focus(0),
    /** @param {number | 'page-down' | 'page-up' | 'first' | 'last'} by */
    move(by) {
      const at = current()
      if (by === 'first') return focus(0)
      if (by === 'last') return focus(tasks.length - 1)
      if (at < 0) return focus(0)
      const step = by === 'page-down' ? PAGE_ROWS : by === 'page-up' ? -PAGE_ROWS : by
      return focus(Math.min(tasks.length - 1, Math.max(0, at + step)))
    },
  }
}

function spacer() {
  const row = document.createElement('tr')
  row.className = 'spacer'
  row.setAttribute('aria-hidden', 'true')
  const cell = document.createElement('td')
  cell.colSpan = 6
  row.append(cell)
  return row
}

/** @param {HTMLTableRowElement} row @param {number} px */
function setHeight(row, px) {
  const [cell] = row.cells
  row.hidden = px === 0
  if (cell) cell.style.height = `${px}px`
}
