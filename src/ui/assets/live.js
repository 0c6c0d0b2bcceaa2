// What every live page shares: the event stream with its light in the header, requests that change something, announcements, ages that stay true.
import { age, soFar } from './format.js'

document.documentElement.dataset.js = ''

/**
 * @template {Element} T
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {T | null}
 */
export function find(selector, within = document) {
  return /** @type {T | null} */ (within.querySelector(selector))
}

const light = find('[data-live]')
const lightText = find('[data-live-text]')

/** @param {boolean} live */
function shine(live) {
  if (!light || !lightText) return
  light.removeAttribute('hidden')
  light.classList.toggle('waits', !live)
  lightText.textContent = live ? 'live' : 'reconnecting'
}

/** After this long out of sight a page lets its streams go: browsers allow six connections to one service, for all their tabs together. */
const HIDDEN_MS = 20_000

/**
 * Calls one when the page has been out of sight for a while, the other when it is back.
 * @param {() => void} rest
 * @param {() => void} resume
 */
export function whileInSight(rest, resume) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let resting = false
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer)
    if (document.hidden) {
      timer = setTimeout(() => {
        resting = true
        rest()
      }, HIDDEN_MS)
    } else if (resting) {
      resting = false
      resume()
    }
  })
}

/**
 * Events of GET /v1/events. The browser connects again by itself and says where it was; where the answer is not an event stream (the login has run
 * out, a replica refuses) it gives up, so this tries again, from the start. `missed` is called when something may have passed unheard.
 * @param {{ query: string, on: Record<string, (data: any) => void>, missed?: () => void }} options
 */
export function listen({ query, on, missed }) {
  let pauseMs = 1_000
  let first = true
  /** @type {EventSource | null} */
  let source = null
  function open() {
    const stream = new EventSource(`/v1/events${query}`)
    source = stream
    stream.onopen = () => {
      pauseMs = 1_000
      shine(true)
      if (!first) missed?.()
      first = false
    }
    stream.onerror = () => {
      shine(false)
      if (stream.readyState !== EventSource.CLOSED) return
      void checkLogin()
      setTimeout(() => source === stream && open(), pauseMs)
      pauseMs = Math.min(30_000, pauseMs * 2)
    }
    for (const [type, handle] of Object.entries(on)) {
      stream.addEventListener(type, (event) => handle(JSON.parse(/** @type {MessageEvent} */ (event).data)))
    }
  }
  function close() {
    source?.close()
    source = null
  }
  whileInSight(close, open)
  addEventListener('pagehide', close)
  // Back from the browser's memory: what passed meanwhile is not here.
  addEventListener('pageshow', (event) => event.persisted && location.reload())
  open()
}

async function checkLogin() {
  const answer = await fetch('/v1/tasks?limit=1').catch(() => null)
  if (answer?.status === 401) location.assign(`/ui/login?next=${encodeURIComponent(location.pathname + location.search)}`)
}

/**
 * A request of REST that changes something.
 * @param {string} method
 * @param {string} path
 * @returns {Promise<{ ok: boolean, body: any }>}
 */
export async function send(method, path) {
  try {
    const answer = await fetch(path, { method, headers: { 'x-jobhook-page': '1' } })
    return { ok: answer.ok, body: await answer.json() }
  } catch {
    return { ok: false, body: { detail: 'the service does not answer' } }
  }
}

const toast = find('[data-toast]')
/** @type {ReturnType<typeof setTimeout> | undefined} */
let toastTimer

/** Shown for a while, and read out. @param {string} text */
export function announce(text) {
  if (!toast) return
  toast.textContent = text
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => {
    toast.textContent = ''
  }, 6_000)
}

/**
 * Parts of this page as the service paints them now.
 * @param {readonly string[]} names
 */
export async function repaint(names) {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
  if (!answer?.ok || answer.redirected) return
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const name of names) swap(find(`[data-part="${name}"]`), find(`[data-part="${name}"]`, fresh))
}

/**
 * The new content, unless it is the same; a link or button that has the focus keeps it.
 * @param {Element | null} old
 * @param {Element | null} fresh
 */
function swap(old, fresh) {
  if (!old || !fresh || old.innerHTML === fresh.innerHTML) return
  const focused = old.contains(document.activeElement) ? document.activeElement : null
  const index = focused ? [...old.querySelectorAll('a, button')].indexOf(focused) : -1
  old.replaceChildren(...fresh.childNodes)
  if (index >= 0) /** @type {HTMLElement | undefined} */ ([...old.querySelectorAll('a, button')][index])?.focus()
}

/**
 * Not more often than that, and never while the last one runs.
 * @param {() => Promise<void>} work
 * @param {number} everyMs
 */
export function gathered(work, everyMs) {
  let waiting = false
  let running = false
  async function run() {
    waiting = false
    running = true
    await work()
    running = false
    if (waiting) setTimeout(run, everyMs)
  }
  return () => {
    if (waiting) return
    waiting = true
    if (!running) setTimeout(run, everyMs)
  }
}

/** A button that sends a report again. @param {() => void} then */
export function replayButtons(then) {
  document.addEventListener('click', async (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest('[data-replay]')
    if (!(button instanceof HTMLButtonElement)) return
    button.disabled = true
    const { ok, body } = await send('POST', `/v1/deliveries/${encodeURIComponent(button.dataset.replay ?? '')}/replay`)
    announce(ok ? `The report of ${body.task_id} is sent again.` : `Not sent again: ${body.detail}`)
    button.disabled = false
    then()
  })
}

setInterval(() => {
  const nowMs = Date.now()
  for (const time of document.querySelectorAll('time[data-age], time[data-since]')) {
    const passedMs = nowMs - Date.parse(time.getAttribute('datetime') ?? '')
    const text = time.hasAttribute('data-age') ? age(passedMs) : soFar(passedMs)
    if (time.textContent !== text) time.textContent = text
  }
}, 1_000)
