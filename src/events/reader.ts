// One listener: where it begins (resumed, a snapshot, or now), what it may be behind, its heartbeat and its end. The text is made as it is read.
import type { Clock } from '../lib/clock.ts'
import type { TaskView } from '../model/kube.ts'
import type { TaskRecord } from '../model/task.ts'
import type { Ring, TaskEvent } from './ring.ts'

export interface ReaderQuery {
  /** Empty: all. */
  states: readonly string[]
  labels: (labels: TaskRecord['labels']) => boolean
  lastEventId: string | null
  /** Begin with every task there is. */
  snapshot: boolean
}

export type EndReason = 'slow_consumer' | 'shutting_down'

export interface Reader {
  push(event: TaskEvent): void
  end(reason: EndReason): void
  parts(signal: AbortSignal): AsyncIterable<string>
}

const REASONS: Record<EndReason, string> = {
  slow_consumer: 'too far behind: events come faster than they are read; connect again',
  shutting_down: 'this replica is shutting down; connect again',
}

/** Events in one piece of text, so that the event loop and the socket have their turn. */
const AT_ONCE = 100

export function createReader(
  deps: {
    clock: Clock
    ring: Ring
    present: (task: TaskView) => TaskRecord
    get: (name: string) => TaskView | null
    newestFirst: () => string[]
    onEnd: (reason: EndReason) => void
  },
  query: ReaderQuery,
  limits: { pending: number; heartbeatMs: number },
): Reader {
  const resumed = query.lastEventId === null ? null : deps.ring.since(query.lastEventId)
  const lost = query.lastEventId !== null && resumed === null
  // By task: of several events that wait the newest says all.
  const pending = new Map<string, TaskEvent>()
  /** Changed while the snapshot is told; null otherwise. */
  let meanwhile: Map<string, TaskEvent['id']> | null = lost || (resumed === null && query.snapshot) ? new Map() : null
  const anchor = deps.ring.lastId()
  let ended: EndReason | null = null
  let notify = (): void => {}

  const isMeant = (state: string, labels: TaskRecord['labels']): boolean =>
    (query.states.length === 0 || query.states.includes(state)) && query.labels(labels)
  /** Also when it has just left the states asked for: who watches what runs wants to hear that it ended. */
  const concerns = ({ state, stateBefore, labels }: TaskEvent): boolean =>
    isMeant(state, labels) || isMeant(stateBefore ?? query.states[0] ?? state, labels)

  function end(reason: EndReason): void {
    if (ended) return
    ended = reason
    pending.clear()
    meanwhile = null
    notify()
    deps.onEnd(reason)
  }

  function push(event: TaskEvent): void {
    if (ended || !concerns(event)) return
    if (meanwhile) return void meanwhile.set(event.name, event.id)
    const key = `${event.type} ${event.name}`
    pending.delete(key)
    pending.set(key, event)
    if (pending.size > limits.pending) end('slow_consumer')
    else notify()
  }

  function* snapshot(): Generator<string> {
    // An empty id: who leaves in the middle of it must not resume behind what it has not got.
    yield `event: reset\nid:\ndata: ${JSON.stringify({ reason: lost ? 'unknown_id' : 'asked_for' })}\n\n`
    let piece = ''
    let count = 0
    for (const name of deps.newestFirst()) {
      const view = deps.get(name)
      const record = view && deps.present(view)
      if (!record || !isMeant(record.state, record.labels)) continue
      piece += `event: task\ndata: ${JSON.stringify(record)}\n\n`
      if (++count % AT_ONCE > 0) continue
      yield piece
      piece = ''
      if (ended) return
    }
    yield `${piece}event: live\n${anchor === null ? '' : `id: ${anchor}\n`}data: {}\n\n`
    // What comes from here on waits its turn like any event.
    const changed = meanwhile ?? []
    meanwhile = null
    for (const [name, id] of changed) {
      const view = deps.get(name)
      if (view) yield textOf('task', id, JSON.stringify(deps.present(view)))
      else yield textOf('removed', id, JSON.stringify({ id: name }))
    }
  }

  /** Resolves with the next event, or false when there was none for so long. */
  function somethingNew(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (result: boolean) => (): void => {
        notify = () => {}
        cancel()
        signal.removeEventListener('abort', onAbort)
        resolve(result)
      }
      const onAbort = done(true)
      notify = done(true)
      const cancel = deps.clock.after(limits.heartbeatMs, done(false))
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async function* parts(signal: AbortSignal): AsyncGenerator<string> {
    // Readers that a stopping replica sends away do not all come back in the same moment.
    yield `retry: ${1_000 + Math.floor(Math.random() * 2_000)}\n\n`
    if (meanwhile) yield* snapshot()
    for (const event of resumed ?? []) if (concerns(event)) yield textOf(event.type, event.id, event.data)
    while (!signal.aborted) {
      if (ended) return yield `event: end\ndata: ${JSON.stringify({ reason: ended, detail: REASONS[ended] })}\n\n`
      const texts: string[] = []
      for (const [key, event] of pending) {
        if (texts.length === AT_ONCE) break
        pending.delete(key)
        texts.push(textOf(event.type, event.id, event.data))
      }
      if (texts.length > 0) yield texts.join('')
      else if (!(await somethingNew(signal))) yield ': still here\n\n'
    }
  }

  return { push, end, parts }
}

function textOf(type: string, id: string, data: string): string {
  return `event: ${type}\nid: ${id}\ndata: ${data}\n\n`
}
