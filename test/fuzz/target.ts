// What can be fuzzed: how inputs are made, and what must hold for each of them.
import type fc from 'fast-check'

export interface Target<Input = unknown> {
  name: string
  /** JSON can carry it, so that a failing input can be kept in seeds/. */
  inputs: fc.Arbitrary<Input>
  /** Throws when something does not hold that must. */
  check(input: Input): void | Promise<void>
  /** Tries in the ordinary run; a second or two each. */
  runs: number
  /** What the inputs are tried on; no fault of an input when it fails. */
  open?(): Promise<void>
  close?(): Promise<void>
}

/** Nothing that was sent may have changed what every object has. */
export function assertUnpolluted(): void {
  const own = Object.getOwnPropertyNames(Object.prototype)
  if (own.length !== KNOWN) throw new Error(`Object.prototype has been changed: ${own.join(', ')}`)
}
const KNOWN = Object.getOwnPropertyNames(Object.prototype).length
