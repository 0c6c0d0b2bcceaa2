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
  /** The process does not run for a while, longer than its lease mostly, and then goes on as if nothing had been. */
  | { kind: 'suspend'; atMs: number; replica: number; ms: number }
  /** The clock of a replica's machine is set, and set right again later. */
  | { kind: 'clock'; atMs: number; replica: number; wrongByMs: number; ms: number }
  /** The token that a replica uses is replaced; the old one is refused from the same moment on. */
  | { kind: 'token'; atMs: number; replica: number }
  /** Nobody answers at the control plane for a while. */
  | { kind: 'receiver-down'; atMs: number; ms: number }
  /** A component of the API is killed, or asked to end, and comes back. Where it can be. */
  | { kind: 'api-restart'; atMs: number; component: 'kube-apiserver' | 'etcd'; signal: 'SIGKILL' | 'SIGTERM'; downMs: number }

const PLACES = [
  'create secrets',
  'create jobs',
  'patch jobs',
  'delete secrets',
  'callback',
  'update leases',
  'create configmaps',
  'patch configmaps',
] as const
/** Requests that do not come once a task: of the n-th there may not be many. */
const SELDOM = { 'update leases': 40, 'create configmaps': 1, 'patch configmaps': 3 } as const

const HOUR_MS = 3_600_000

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
      nth: between(random, 1, requestKind in SELDOM ? SELDOM[requestKind as keyof typeof SELDOM] : Math.max(1, Math.floor(tasks * 0.6))),
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
  const anyReplica = (): number => between(random, 0, replicas - 1)
  // The more time, the more of everything; one of each at least.
  const often = <T>(everyMs: number, make: () => T): T[] => Array.from({ length: Math.max(1, Math.round(spreadMs / everyMs)) }, make)
  const wrongByMs = (): number =>
    weighted(
      random,
      [HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS, 7_000].map((ms) => [1, ms] as const),
    )
  return [
    ...dying,
    ...freezes,
    ...often(20_000, (): Incident => ({ kind: 'compact', atMs: at() })),
    ...often(20_000, (): Incident => ({ kind: 'suspend', atMs: at(), replica: anyReplica(), ms: between(random, 1_000, 8_000) })),
    ...often(
      15_000,
      (): Incident => ({ kind: 'clock', atMs: at(), replica: anyReplica(), wrongByMs: wrongByMs(), ms: between(random, 2_000, 15_000) }),
    ),
    ...often(15_000, (): Incident => ({ kind: 'token', atMs: at(), replica: anyReplica() })),
    ...often(30_000, (): Incident => ({ kind: 'receiver-down', atMs: at(), ms: between(random, 2_000, 12_000) })),
    ...often(
      30_000,
      (): Incident => ({
        kind: 'api-restart',
        atMs: at(),
        component: random() < 0.75 ? 'kube-apiserver' : 'etcd',
        signal: random() < 0.5 ? 'SIGKILL' : 'SIGTERM',
        downMs: between(random, 0, 3_000),
      }),
    ),
  ]
}
