// As many requests at once as the API server grants. Its priority and fairness answers 429 to what is beyond, and whoever was refused waits a second
// for nothing while places fall free: so after refusals fewer go at once, and slowly more again. Not for: when to send a refused request again.

/** What came of a request. refused: 429. unknown: anything that says nothing about how many are granted. */
export type Came = 'served' | 'refused' | 'unknown'

export interface Concurrency {
  /** Resolves when the request may go, in the order of asking, with what must be called when it is over. Rejects with the signal's reason. */
  enter(signal?: AbortSignal): Promise<(came: Came) => void>
  /** A request that goes whatever the limit is (the Lease, a watch) was refused: the others make room for it. */
  refused(): void
  limit(): number
}

/** One refusal in a round takes a quarter of what was under way. */
const SHRINK = 0.75
/** Places more in each round, that is, when as many requests as there are places have been served. */
const GROWTH = { probing: 0.05, recovering: 1 }
/** Without a refusal for so long it was a passing trouble and not a share: back quickly. */
const RECOVERED_MS = 5_000

export function createConcurrency(
  deps: { elapsedMs: () => number; onLimit?: (limit: number) => void },
  options: { most: number },
): Concurrency {
  let limit = options.most
  let underWay = 0
  /** Raised by each shrinking: refusals of what went before say nothing new. */
  let round = 0
  let refusedAtMs = Number.NEGATIVE_INFINITY
  const waiting = new Set<() => void>()

  function change(to: number): void {
    const before = Math.floor(limit)
    limit = Math.min(options.most, Math.max(1, to))
    if (Math.floor(limit) !== before) deps.onLimit?.(Math.floor(limit))
  }

  function shrink(): void {
    refusedAtMs = deps.elapsedMs()
    round++
    change(Math.floor(Math.min(limit, underWay) * SHRINK))
  }

  function grow(): void {
    if (limit === options.most) return
    const growth = deps.elapsedMs() - refusedAtMs < RECOVERED_MS ? GROWTH.probing : GROWTH.recovering
    change(limit + growth / limit)
  }

  function letIn(): void {
    for (const go of waiting) {
      if (underWay >= Math.floor(limit)) return
      waiting.delete(go)
      underWay++
      go()
    }
  }

  function place(): (came: Came) => void {
    const since = round
    return (came) => {
      if (came === 'refused' && since === round) shrink()
      else if (came === 'served') grow()
      underWay--
      letIn()
    }
  }

  return {
    limit: () => Math.floor(limit),
    refused: shrink,
    async enter(signal) {
      if (underWay < Math.floor(limit)) {
        underWay++
        return place()
      }
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal?.removeEventListener('abort', giveUp)
          resolve()
        }
        const giveUp = (): void => {
          waiting.delete(go)
          reject(signal?.reason)
        }
        if (signal?.aborted) return reject(signal.reason)
        signal?.addEventListener('abort', giveUp)
        waiting.add(go)
      })
      return place()
    },
  }
}
