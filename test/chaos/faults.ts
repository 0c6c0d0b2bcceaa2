// Which fault a request meets: a function of the seed, the kind of request and how many of that kind came before. Pure; the proxy carries them out.
import { between, type Random, randomFor, weighted } from './random.ts'

export type Fault =
  | { kind: 'none' }
  | { kind: 'delay'; ms: number }
  /** The connection is reset and nothing was forwarded. */
  | { kind: 'reset-before' }
  /** Forwarded and answered, but the answer is lost. */
  | { kind: 'reset-after' }
  /** Answered by the proxy itself; nothing was forwarded. */
  | { kind: 'answer'; status: number; retryAfterSeconds: number | null }
  /** Accepted and never answered; reset after this long, so that a run ends. Nothing was forwarded. */
  | { kind: 'freeze'; ms: number }
  /** The body of the answer comes in pieces over this time. */
  | { kind: 'slow-body'; ms: number }
  /** Forwarded twice, one after the other; the second answer counts. */
  | { kind: 'duplicate' }
  /** A watch that is answered and closed before its first event. */
  | { kind: 'close-watch' }
  /** A watch that ends in the middle of the line after so many. */
  | { kind: 'cut-watch'; afterLines: number }
  /** A watch that says nothing any more after so many lines, though it is open; reset after this long. */
  | { kind: 'stall-watch'; afterLines: number; ms: number }

type Draw = (random: Random) => Fault
type Weights = readonly (readonly [weight: number, draw: Draw])[]

const none: Draw = () => ({ kind: 'none' })
const delay: Draw = (random) => ({ kind: 'delay', ms: between(random, 20, 1_500) })
const resetBefore: Draw = () => ({ kind: 'reset-before' })
const resetAfter: Draw = () => ({ kind: 'reset-after' })
const freeze: Draw = (random) => ({ kind: 'freeze', ms: between(random, 500, 4_000) })
const tooMany: Draw = () => ({ kind: 'answer', status: 429, retryAfterSeconds: 1 })
const broken: Draw = (random) => ({ kind: 'answer', status: random() < 0.5 ? 500 : 503, retryAfterSeconds: null })
const expired: Draw = () => ({ kind: 'answer', status: 410, retryAfterSeconds: null })
const slowBody: Draw = (random) => ({ kind: 'slow-body', ms: between(random, 200, 2_000) })

const WEIGHTS: Record<'write' | 'lease' | 'read' | 'list' | 'watch' | 'callback', Weights> = {
  write: [
    [68, none],
    [9, delay],
    [6, resetBefore],
    [8, resetAfter],
    [4, broken],
    [3, tooMany],
    [2, freeze],
  ],
  lease: [
    [84, none],
    [5, delay],
    [3, resetBefore],
    [4, resetAfter],
    [2, broken],
    [2, freeze],
  ],
  read: [
    [76, none],
    [8, delay],
    [5, resetBefore],
    [3, resetAfter],
    [5, broken],
    [3, freeze],
  ],
  list: [
    [70, none],
    [12, slowBody],
    [6, delay],
    [4, resetBefore],
    [4, broken],
    [2, tooMany],
    [2, freeze],
  ],
  watch: [
    [46, none],
    [16, (random) => ({ kind: 'cut-watch', afterLines: between(random, 0, 12) })],
    [10, (random) => ({ kind: 'stall-watch', afterLines: between(random, 0, 12), ms: between(random, 500, 4_000) })],
    [8, () => ({ kind: 'close-watch' })],
    [6, expired],
    [5, broken],
    [5, delay],
    [4, resetBefore],
  ],
  callback: [
    [62, none],
    [10, delay],
    [6, resetBefore],
    [9, resetAfter],
    [5, broken],
    [2, tooMany],
    [4, () => ({ kind: 'duplicate' })],
    [2, freeze],
  ],
}

export interface FaultPlan {
  /** The fault of the next request of this kind ("create jobs", "watch pods", "callback"). */
  next(requestKind: string): Fault
  /** From now on nothing goes wrong: the run wants to see everything settle. */
  quiet(): void
  /** How many of which fault there were, by "request kind: fault". */
  counts(): Map<string, number>
}

export function createFaultPlan(seed: number): FaultPlan {
  const counters = new Map<string, number>()
  const counts = new Map<string, number>()
  let quiet = false
  return {
    next(requestKind) {
      const count = (counters.get(requestKind) ?? 0) + 1
      counters.set(requestKind, count)
      const random = randomFor(seed, `fault ${requestKind} ${count}`)
      const fault: Fault = quiet ? { kind: 'none' } : weighted(random, WEIGHTS[familyOf(requestKind)])(random)
      if (fault.kind !== 'none') {
        const name = `${requestKind}: ${fault.kind}${fault.kind === 'answer' ? ` ${fault.status}` : ''}`
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
      return fault
    },
    quiet() {
      quiet = true
    },
    counts: () => counts,
  }
}

export function isWrite(requestKind: string): boolean {
  return familyOf(requestKind) === 'write'
}

function familyOf(requestKind: string): keyof typeof WEIGHTS {
  const [verb, resource] = requestKind.split(' ')
  if (verb === 'callback') return 'callback'
  if (resource === 'leases') return 'lease'
  if (verb === 'watch' || verb === 'list') return verb
  return verb === 'get' ? 'read' : 'write'
}
