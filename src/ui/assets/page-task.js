// One task, live: its parts as it goes along, a timeline that grows, its log, cancelling.
import { isEnded } from './format.js'
import { announce, find, gathered, listen, repaint, replayButtons, send } from './live.js'
import { followLog } from './log.js'
import { timeline } from './timeline.js'

/** @typedef {import('../../model/task.ts').TaskRecord} TaskRecord */

const root = /** @type {HTMLElement} */ (find('[data-task]'))
const id = root.dataset.task ?? ''
const path = `/v1/tasks/${encodeURIComponent(id)}`
/** @type {TaskRecord} */
let task = JSON.parse(root.dataset.taskJson ?? '{}')

const paint = gathered(() => repaint(['summary', 'timeline', 'details', 'delivery', 'pod']), 300)

listen({
  query: '',
  on: {
    task(data) {
      if (data.id !== id) return
      if (isEnded(data.state) && !isEnded(task.state)) announce(`The task has ${data.state}${data.reason ? `: ${data.reason}` : ''}.`)
      task = data
      paint()
    },
    delivery: (data) => data.id === id && paint(),
    removed: (data) => data.id === id && announce('Its Job was cleaned up.'),
  },
  missed: paint,
})
// What passed between the painting of the page and the stream's beginning.
paint()
replayButtons(paint)

setInterval(() => {
  const part = find('[data-part="timeline"]')
  const grows = !isEnded(task.state) || task.delivery.state === 'owed'
  if (part && grows && !document.hidden) part.innerHTML = timeline(task, Date.now()).toString()
}, 1_000)

const dialog = /** @type {HTMLDialogElement | null} */ (find('[data-cancel-dialog]'))
root.addEventListener('click', (event) => {
  if (/** @type {Element} */ (event.target).closest('[data-cancel]')) {
    if (dialog) dialog.returnValue = ''
    dialog?.showModal()
  }
})
dialog?.addEventListener('close', async () => {
  // The button may have been painted anew meanwhile: the browser would not find back to it.
  if (dialog.returnValue !== 'cancel') return /** @type {HTMLElement | null} */ (find('[data-cancel]'))?.focus()
  const { ok, body } = await send('DELETE', path)
  announce(ok ? (body.state === 'stopping' ? 'The task is being stopped.' : `The task: ${body.state}.`) : `Not cancelled: ${body.detail}`)
  paint()
  /** @type {HTMLElement | null} */
  const main = find('#main')
  main?.focus()
})

const manifest = /** @type {HTMLDetailsElement | null} */ (find('[data-manifest]'))
manifest?.addEventListener('toggle', async () => {
  const body = find('[data-manifest-body]')
  if (!manifest.open || !body) return
  const answer = await fetch(`/ui/tasks/${encodeURIComponent(id)}/manifest`, { headers: { accept: 'text/html' } }).catch(() => null)
  const page = answer && new DOMParser().parseFromString(await answer.text(), 'text/html')
  const content = page && (find('[data-part="manifest"]', page) ?? find('main p', page))
  if (content) body.replaceChildren(content)
})

followLog(path, () => isEnded(task.state))
