// Keeps the list of deliveries true, and sends reports again.
import { gathered, listen, repaint, replayButtons } from './live.js'

const paint = gathered(() => repaint(['deliveries']), 1_000)
listen({ query: '', on: { delivery: paint, removed: paint }, missed: paint })
replayButtons(paint)
setInterval(paint, 10_000)
