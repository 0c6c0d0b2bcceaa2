// Keeps the overview true: painted anew by the service when something has happened, and now and then when nothing has.
import { gathered, listen, repaint } from './live.js'

const paint = gathered(() => (document.hidden ? Promise.resolve() : repaint(['overview'])), 2_000)
listen({ query: '', on: { task: paint, delivery: paint, removed: paint }, missed: paint })
setInterval(paint, 10_000)
document.addEventListener('visibilitychange', paint)
