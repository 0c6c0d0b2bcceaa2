// Memory of the start given back: what parsing, compiling and checking a few hundred modules left behind, and the pages V8 grew for it.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { type: 'major'; flavor: 'last-resort' }) => void

/** One whole collection, some 40 ms with nothing but the code in the heap: before anything is served. By itself V8 does it a minute later, or not at all. */
export function giveBackMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  // Only this flavour gives pages back; the usual one keeps them for what comes next.
  collect({ type: 'major', flavor: 'last-resort' })
}
