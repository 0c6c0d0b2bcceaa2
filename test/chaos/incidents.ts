// When replicas die, are restarted, or hear nothing: a function of the seed. Kills at random instants, and kills placed right before or after a write.
import { between, randomFor, weighted } from './random.ts'

export type Incident =
  | { kind: 'kill' | 'restart'; atMs: number; replica: number; downMs: number }
  /** The replica that sends the n-th request of this kind (or a later one) dies before it is forwarded, or before it hears the answer. */
  | { kind: 'placed-kill'; requestKind: string; nth: number; when: 'before' | 'after'; downMs: number }
  /** Nothing passes between all replicas, or one, and the API for a while. */
  | { kind: 'freeze'; atMs: number; replica: number | null; ms: number }
  /** The API forgets its history: every watch is 410. Where it can be made to. */
  | { kind: 'compact'; atMs: number }

const PLACES = ['create secrets', 'create jobs', 'patch jobs', 'delete secrets', 'callback'] as const

export function planIncidents(seed: number, options: { spreadMs: number; replicas: number; tasks: number }): Incident[] {
  const random = randomFor(seed, 'incidents')
  const { spreadMs, replicas, tasks } = options
  const at = (): number => between(random, 1_000, Math.max(1_000, spreadMs))
  const downMs = (): number => between(random, 0, 1_500)
  // A start costs a second of CPU: so many that each replica works between two of them.
  const deaths = Math.max(4, Math.round(spreadMs / 5_000))
  const dying = Array.from({ length: deaths }, (): Incident => {
    const requestKind = weighted(
      random,
      PLACES.map((place) => [1, place] as const),
    )
    const placed: Incident = {
      kind: 'placed-kill',
      requestKind,
      nth: between(random, 1, Math.max(1, Math.floor(tasks * 0.6))),
      when: random() < 0.5 ? 'before' : 'after',
      downMs: downMs(),
    }
    const timed: Incident = {
      kind: random() < 0.75 ? 'kill' : 'restart',
      atMs: at(),
      replica: between(random, 0, replicas - 1),
      downMs: downMs(),
    }
    return random() < 0.6 ? placed : timed
  })
  const freezes = Array.from({ length: Math.max(1, Math.round(spreadMs / 20_000)) }, (): Incident => {
    return {
      kind: 'freeze',
      atMs: at(),
      replica: random() < 0.5 ? null : between(random, 0, replicas - 1),
      ms: between(random, 1_000, 5_000),
    }
  })
  return [...dying, ...freezes, { kind: 'compact', atMs: at() }, { kind: 'compact', atMs: at() }]
}
