// A task's log as it is written. Bounded: the newest lines are kept, and the page is touched once a frame however fast they come.
import { find, whileInSight } from './live.js'

const LINES_KEPT = 2_000
const TAIL = 1_000

/**
 * @param {string} path of the task in REST
 * @param {() => boolean} hasEnded
 */
export function followLog(path, hasEnded) {
  const log = /** @type {HTMLElement | null} */ (find('[data-log]'))
  const state = find('[data-log-state]')
  const tools = find('[data-log-tools]')
  const container = /** @type {HTMLSelectElement | null} */ (find('[data-log-container]'))
  const follow = /** @type {HTMLInputElement | null} */ (find('[data-log-follow]'))
  const wrap = /** @type {HTMLInputElement | null} */ (find('[data-log-wrap]'))
  if (!log || !state || !container || !follow || !wrap) return
  tools?.removeAttribute('hidden')

  /** @type {{ text: string, note: boolean }[]} */
  let waiting = []
  let frame = 0
  /** @type {EventSource | null} */
  let source = null

  function flush() {
    frame = 0
    if (!log || waiting.length === 0) return
    const lines = waiting.slice(-LINES_KEPT).map(({ text, note }) => {
      const line = document.createElement('div')
      if (note) line.className = 'note'
      // An empty line has its height all the same.
      line.textContent = text === '' ? ' ' : text
      return line
    })
    waiting = []
    log.append(...lines)
    while (log.childElementCount > LINES_KEPT) log.firstElementChild?.remove()
    if (follow?.checked) log.scrollTop = log.scrollHeight
  }

  /** @param {string} text @param {boolean} note */
  function add(text, note) {
    waiting.push({ text, note })
    if (waiting.length > LINES_KEPT * 2) waiting = waiting.slice(-LINES_KEPT)
    if (frame === 0) frame = requestAnimationFrame(flush)
  }

  /** @param {string} text */
  function say(text) {
    if (state) state.textContent = text
  }

  function open() {
    source?.close()
    const query = `follow=true&tail=${TAIL}&container=${encodeURIComponent(container?.value ?? 'task')}`
    const stream = new EventSource(`${path}/logs?${query}`)
    source = stream
    // Each connection begins with the tail: what was there before would be there twice.
    stream.onopen = () => {
      waiting = []
      log?.replaceChildren()
      say('live')
    }
    stream.onmessage = (event) => add(event.data, false)
    stream.addEventListener('note', (event) => add(/** @type {MessageEvent} */ (event).data, true))
    stream.addEventListener('end', () => {
      stream.close()
      say('complete')
    })
    stream.onerror = async () => {
      if (stream.readyState !== EventSource.CLOSED || source !== stream) return say('reconnecting')
      const answer = await fetch(`${path}/logs?tail=0&container=${encodeURIComponent(container?.value ?? 'task')}`).catch(() => null)
      const problem = answer && !answer.ok ? await answer.json().catch(() => null) : null
      say('')
      log?.replaceChildren()
      add(problem?.detail ?? 'The log cannot be read now.', true)
      if (!hasEnded()) setTimeout(() => source === stream && open(), 5_000)
    }
  }

  container.addEventListener('change', open)
  wrap.addEventListener('change', () => log.classList.toggle('wrap', wrap.checked))
  follow.addEventListener('change', () => {
    if (follow.checked) log.scrollTop = log.scrollHeight
  })
  // Who scrolls up wants to read; who comes back to the end wants to follow.
  log.addEventListener('scroll', () => {
    follow.checked = log.scrollHeight - log.scrollTop - log.clientHeight < 24
  })
  addEventListener('pagehide', () => source?.close())
  whileInSight(() => source?.close(), open)
  open()
}
