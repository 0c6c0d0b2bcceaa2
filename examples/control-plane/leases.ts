// Messages for workers that fetch them (long poll): handed out under a lease, done once acknowledged, handed out again when the lease runs out
// first. Not for: HTTP (poll.ts), or what a message means. In memory; a real control plane has this in its database.
import { randomUUID } from 'node:crypto'

export type AckWord = 'claimed' | 'rejected' | 'invalid' | 'cancelled'

export interface AckResult {
  id: string
  result: AckWord
  reason?: string
}

export interface Lease {
  lease: string
  /** Seconds; what is not acknowledged by then is handed out again. */
  expires_in: number
  messages: ({ id: string } & Record<string, unknown>)[]
}

export interface LeaseBoard {
  /** A message for a worker, under an id of its own. Putting the same id twice changes nothing. */
  put(workerId: string, id: string, message: Record<string, unknown>): void
  /** Up to `max` messages; waits up to `waitMs` for the first. Null: nothing came, or the caller hung up. */
  take(workerId: string, query: { max: number; waitMs: number; signal: AbortSignal }): Promise<Lease | null>
  /** Late acknowledgements count as well: what a worker says of a message is true whatever became of the lease. */
  acknowledge(results: AckResult[]): void
  /** How often each message was handed out, and what became of it. */
  entries(): { id: string; handedOut: number; result: AckWord | null; reason: string | null }[]
}

interface Entry {
  workerId: string
  id: string
  message: Record<string, unknown>
  /** Not handed out before then: it is leased, or was rejected a moment ago. */
  notBeforeMs: number
  handedOut: number
  result: AckWord | null
  reason: string | null
}

export function createLeaseBoard(
  deps: { nowMs(): number; onResult?(id: string, result: AckResult): void },
  options: { leaseMs: number; afterRejectionMs: number },
): LeaseBoard {
  const entries = new Map<string, Entry>()
  /** Calls that wait for a message. */
  const waiters = new Set<() => void>()

  function due(workerId: string, max: number): Entry[] {
    const found: Entry[] = []
    for (const entry of entries.values()) {
      if (found.length === max) break
      if (entry.workerId === workerId && !isDone(entry) && entry.notBeforeMs <= deps.nowMs()) found.push(entry)
    }
    return found
  }

  function handOut(found: Entry[]): Lease {
    for (const entry of found) {
      entry.notBeforeMs = deps.nowMs() + options.leaseMs
      entry.handedOut++
    }
    const messages = found.map(({ id, message }) => ({ ...message, id }))
    return { lease: randomUUID(), expires_in: Math.ceil(options.leaseMs / 1000), messages }
  }

  return {
    put(workerId, id, message) {
      if (entries.has(id)) return
      entries.set(id, { workerId, id, message, notBeforeMs: 0, handedOut: 0, result: null, reason: null })
      for (const wake of waiters) wake()
    },

    take: (workerId, { max, waitMs, signal }) =>
      new Promise((resolve) => {
        const endMs = deps.nowMs() + waitMs
        let timer: NodeJS.Timeout | undefined
        const finish = (lease: Lease | null): void => {
          clearTimeout(timer)
          waiters.delete(look)
          signal.removeEventListener('abort', hangUp)
          resolve(lease)
        }
        const hangUp = (): void => finish(null) // nothing is handed to somebody who has gone
        const look = (): void => {
          const found = due(workerId, max)
          const nowMs = deps.nowMs()
          if (found.length > 0 || nowMs >= endMs) {
            finish(found.length > 0 ? handOut(found) : null)
            return
          }
          const nextMs = Math.min(endMs, ...[...entries.values()].filter((entry) => !isDone(entry)).map(({ notBeforeMs }) => notBeforeMs))
          clearTimeout(timer)
          timer = setTimeout(look, Math.max(10, nextMs - nowMs))
        }
        waiters.add(look)
        signal.addEventListener('abort', hangUp, { once: true })
        if (signal.aborted) hangUp()
        else look()
      }),

    acknowledge(results) {
      for (const result of results) {
        const entry = entries.get(result.id)
        if (!entry || isDone(entry)) continue
        entry.result = result.result
        entry.reason = result.reason ?? null
        // Not taken, for a reason that passes (at capacity, shutting down): again, or to another worker, a little later.
        if (result.result === 'rejected') entry.notBeforeMs = deps.nowMs() + options.afterRejectionMs
        deps.onResult?.(entry.id, result)
      }
      for (const wake of waiters) wake()
    },

    entries: () => [...entries.values()].map(({ id, handedOut, result, reason }) => ({ id, handedOut, result, reason })),
  }
}

function isDone({ result }: Entry): boolean {
  return result !== null && result !== 'rejected'
}
