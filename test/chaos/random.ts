// Seeded randomness for the chaos run: every draw is a function of the seed and a name, so that no draw depends on which other came before it.

/** 0 ≤ x < 1, one after the other. */
export type Random = () => number

/** A short, fast generator (mulberry32); its quality is far beyond what choosing faults needs. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A generator of its own for this name, whatever else is drawn from the seed. */
export function randomFor(seed: number, name: string): Random {
  let hash = 0x811c9dc5 ^ seed
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  const random = createRandom(hash)
  random()
  return random
}

/** A whole number from `from` to `to`, both included. */
export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}

/** One of the entries, by weight. */
export function weighted<T>(random: Random, entries: readonly (readonly [weight: number, value: T])[]): T {
  let left = random() * entries.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, value] of entries) {
    left -= weight
    if (left < 0) return value
  }
  const last = entries.at(-1)
  if (!last) throw new Error('nothing to choose from')
  return last[1]
}
