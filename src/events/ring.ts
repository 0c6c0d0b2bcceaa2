// The last events, so that a reader who comes back can go on where it was. Bounded in number and bytes. Ids are opaque: looked up, never compared.

export interface TaskEvent {
  type: 'task' | 'delivery' | 'removed'
  /** The Job's resourceVersion: the same on every replica. Several events may bear it, because a Pod's change leaves its Job as it is. */
  id: string
  /** The Job's name. */
  name: string
  /** JSON. */
  data: string
  state: string
  /** The state in the event before, null when this replica does not know it. */
  stateBefore: string | null
  labels: Readonly<Record<string, string>>
}

export interface Ring {
  push(event: TaskEvent, nowMs: number): void
  /** What came after the event with this id; null when it is not held (any more). May repeat an event, never leaves one out. */
  since(id: string): TaskEvent[] | null
  /** Of the newest event; null when there is none. */
  lastId(): string | null
  clear(): void
}

interface Entry {
  event: TaskEvent
  sequence: number
  atMs: number
  /** Not the first one with its id. */
  again: boolean
}

/**
 * Jobs come in the same order on every replica, Pods in between as each replica hears of them. What a Pod told shortly before the given id may
 * have come after it on the replica that the reader had before: it is told again.
 */
const PODS_MAY_DIFFER_MS = 10_000

export function createRing(limits: { events: number; bytes: number }): Ring {
  const entries: Entry[] = []
  const firstWith = new Map<string, number>()
  let sequence = 0
  let bytes = 0

  function dropOldest(): void {
    const oldest = entries.shift()
    if (!oldest) return
    bytes -= oldest.event.data.length
    if (firstWith.get(oldest.event.id) === oldest.sequence) firstWith.delete(oldest.event.id)
  }

  return {
    push(event, nowMs) {
      const again = firstWith.has(event.id)
      sequence++
      if (!again) firstWith.set(event.id, sequence)
      entries.push({ event, sequence, atMs: nowMs, again })
      bytes += event.data.length
      while (entries.length > limits.events || bytes > limits.bytes) dropOldest()
    },
    since(id) {
      const first = firstWith.get(id)
      const oldest = entries[0]
      if (first === undefined || !oldest) return null
      const index = first - oldest.sequence
      const fromMs = (entries[index]?.atMs ?? 0) - PODS_MAY_DIFFER_MS
      const doubtful = entries.slice(0, index).filter((entry) => entry.again && entry.atMs >= fromMs)
      return [...doubtful, ...entries.slice(index + 1)].map(({ event }) => event)
    },
    lastId: () => entries.at(-1)?.event.id ?? null,
    clear() {
      entries.length = 0
      firstWith.clear()
      bytes = 0
    },
  }
}
