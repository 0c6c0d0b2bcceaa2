// Loaded into a replica before anything else (node --import): a system clock that somebody sets while the process runs. By how many milliseconds it
// is wrong stands in the file that CHAOS_CLOCK_FILE names, read at the start and at SIGUSR2. Monotonic time and timers go on, as on a real machine.
import { readFileSync } from 'node:fs'

const RealDate = Date
const wrongBy = (): number => Number(readFileSync(process.env.CHAOS_CLOCK_FILE ?? '', 'utf8'))
let wrongByMs = wrongBy()
const now = (): number => RealDate.now() + wrongByMs

globalThis.Date = new Proxy(RealDate, {
  construct: (target, values, self) => Reflect.construct(target, values.length === 0 ? [now()] : values, self),
  apply: () => new Date().toString(),
  get: (target, name, self) => (name === 'now' ? now : Reflect.get(target, name, self)),
})

process.on('SIGUSR2', () => {
  wrongByMs = wrongBy()
})
