// The WebSocket intake: the seed worker's own wire. Assignments and cancellations come in over it by the same submit as a webhook's; verdicts go
// out over it behind the same delivery as callbacks. The wire has no acknowledgement: a verdict counts as delivered once a later pong on the same
// connection has come, so it may arrive twice and, rarely, be lost by the receiver.
import { backoffMs } from '../lib/backoff.ts'
import { type Clock, sleep } from '../lib/clock.ts'
import { describeError, type Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { DeliveryResult, OwedMessage } from '../model/callback.ts'
import type { ReadToken } from './bearer.ts'
import type { SocketConnection, SocketEvents } from './socket-connection.ts'
import { type Take, type Taken, taskIdOf } from './take.ts'

export interface SocketIntake {
  /** From now on this replica is connected. */
  lead(): void
  /** Finishes what it holds and closes. */
  yieldLead(): Promise<void>
  /** Never throws. `key` is woken when a message that could not be sent may try again. */
  deliver(message: OwedMessage, key: string): Promise<DeliveryResult>
  /** Whether `deliver` would send now; when not, `key` is woken once it would. */
  hasRoom(key: string): boolean
  status(): { ok: boolean; detail: string }
}

const BACKOFF = { baseMs: 1_000, capMs: 60_000 }
/** Messages of the control plane worked on at once; beyond it an assignment is rejected. */
const IN_HAND = 256
/** Verdicts that wait for their pong at once. */
const UNCONFIRMED = 64
/** A message whose outcome is not known is carried out again, this often. */
const TRIES = 8
const RETRY = { baseMs: 500, capMs: 10_000 }
/** Messages that keep coming do not keep this replica from stopping. */
const FINISH_MS = 10_000

/** The wire's own words for it. */
const AT_CAPACITY = 'worker at maximum concurrency'

export function createSocketIntake(
  deps: {
    open: (token: string, events: SocketEvents) => SocketConnection
    token: ReadToken
    take: Take
    wake: (key: string) => void
    clock: Clock
    log: Logger
    metrics: Metrics
    random?: () => number
  },
  options: { workerId: string },
): SocketIntake {
  const { clock, log, metrics } = deps
  const backoff = { ...BACKOFF, ...(deps.random ? { random: deps.random } : {}) }
  const waitingKeys = new Set<string>()
  const inHand = new Set<Promise<void>>()
  /** By task: a cancellation must not look for a Job that is only being made. */
  const underWay = new Map<string, Promise<void>>()
  let leading: AbortController | null = null
  let connection: SocketConnection | null = null
  let unconfirmed = 0
  let failures = 0
  let state = idle()

  async function connect(signal: AbortSignal): Promise<void> {
    const token = await deps.token()
    if (signal.aborted) return
    if (!token.ok) return reconnectLater(token.detail, signal)
    const current = deps.open(token.token, {
      onOpen() {
        // A connection that ends at once must not reset the backoff: only what has proved to work does.
        void current.confirmed().then((works) => {
          if (works) failures = 0
        })
        state = { ok: true, detail: 'connected' }
        metrics.socketConnected.set(1)
        metrics.socketConnects.inc({ result: 'open' })
        log.info('socket: connected')
        wakeWaiting()
      },
      onText: (text) => receive(current, text),
      onEnd(cause) {
        if (connection === current) connection = null
        if (state.detail !== 'connected') metrics.socketConnects.inc({ result: 'failed' })
        metrics.socketConnected.set(0)
        if (!signal.aborted) reconnectLater(cause, signal)
      },
    })
    connection = current
  }

  function reconnectLater(cause: string, signal: AbortSignal): void {
    failures++
    state = { ok: false, detail: cause }
    const delayMs = backoffMs(failures, backoff)
    log.warn({ failures, cause, retry_ms: delayMs }, 'socket: not connected; trying again')
    void sleep(clock, delayMs, signal)
      .then(() => connect(signal))
      .catch((error: unknown) => {
        if (!signal.aborted) reconnectLater(describeError(error), signal)
      })
  }

  function wakeWaiting(): void {
    // No more than fit: all of them for every free place would be quadratic. A key that has no use for its place any more is made up for by the resync.
    let free = UNCONFIRMED - unconfirmed
    for (const key of waitingKeys) {
      if (free-- <= 0) return
      waitingKeys.delete(key)
      deps.wake(key)
    }
  }

  function receive(from: SocketConnection, text: string): void {
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch {
      log.warn({ bytes: text.length }, 'socket: a message that is not JSON was left out')
      return
    }
    // A cancellation is never too much: nobody would send it again.
    if (inHand.size >= IN_HAND && isAssignment(message)) {
      reject(from, message, AT_CAPACITY)
      return
    }
    const taskId = taskIdOf(message)
    const before = taskId === null ? undefined : underWay.get(taskId)
    const work = (before ? before.then(() => carryOut(message)) : carryOut(message))
      .then((taken) => answer(from, message, taken))
      .catch((error: unknown) => log.error({ err: error }, 'socket: unexpected error'))
      .finally(() => {
        inHand.delete(work)
        if (taskId !== null && underWay.get(taskId) === work) underWay.delete(taskId)
      })
    inHand.add(work)
    if (taskId !== null) underWay.set(taskId, work)
  }

  /** There is nobody to ask for the message again, so what the cluster did not answer is tried here for a while. */
  async function carryOut(message: unknown): Promise<Taken> {
    for (let tries = 1; ; tries++) {
      const taken = await deps.take(message, null)
      const again = taken.kind === 'unknown' || (taken.kind === 'rejected' && taken.refusal.code === 'cluster_unavailable')
      if (!again || tries === TRIES || leading === null) return taken
      await sleep(clock, backoffMs(tries, RETRY))
    }
  }

  function answer(to: SocketConnection, message: unknown, taken: Taken): void {
    if (taken.kind === 'claimed') {
      const { taskId, executionId, workerId } = taken.identity
      say(to, 'task_claimed', { task_id: taskId, execution_id: executionId, worker_id: workerId })
    } else if (taken.kind === 'rejected') {
      reject(to, message, taken.refusal.code === 'at_capacity' ? AT_CAPACITY : taken.refusal.detail)
    } else if (taken.kind === 'invalid') reject(to, message, taken.refusal.detail)
    else if (taken.kind === 'unknown')
      log.warn({ cause: taken.refusal.detail }, 'socket: the outcome of a message is not known; nothing was said of it')
  }

  /** Only an assignment has an answer on this wire. */
  function reject(to: SocketConnection, message: unknown, reason: string): void {
    const { type, data } = (typeof message === 'object' && message !== null ? message : {}) as { type?: unknown; data?: unknown }
    const { task_id: taskId, execution_id: executionId } = (typeof data === 'object' && data !== null ? data : {}) as Record<
      string,
      unknown
    >
    if (type !== 'task_assignment' || typeof taskId !== 'string') {
      log.warn({ reason }, 'socket: a message could not be carried out')
      return
    }
    say(to, 'task_rejected', {
      task_id: taskId,
      ...(typeof executionId === 'string' ? { execution_id: executionId } : {}),
      worker_id: options.workerId,
      reason,
    })
  }

  function say(to: SocketConnection, type: string, data: object): void {
    const text = JSON.stringify({ type, data })
    // By a newer connection where the one that asked is gone: the claim is about the task, not about the connection.
    if (!to.send(text)) connection?.send(text)
  }

  const canSend = (): boolean => connection?.isOpen() === true && unconfirmed < UNCONFIRMED

  return {
    lead() {
      if (leading) return
      leading = new AbortController()
      failures = 0
      state = { ok: false, detail: 'connecting' }
      const { signal } = leading
      connect(signal).catch((error: unknown) => {
        if (!signal.aborted) reconnectLater(describeError(error), signal)
      })
    },
    async yieldLead() {
      leading?.abort(new Error('not connected any more'))
      leading = null
      // What comes until the connection is closed is carried out too: nobody would send it again.
      for (const endMs = clock.now() + FINISH_MS; inHand.size > 0 && clock.now() < endMs; ) await Promise.allSettled([...inHand])
      await connection?.close()
      connection = null
      waitingKeys.clear()
      state = idle()
    },
    hasRoom(key) {
      if (canSend()) return true
      waitingKeys.add(key)
      return false
    },
    async deliver(message, key) {
      // The wire has no word for it.
      if (message.type === 'task_started') return { kind: 'gone' }
      const current = connection
      if (!canSend() || !current?.send(message.body)) {
        waitingKeys.add(key)
        return { kind: 'later', cause: 'the socket is not open' }
      }
      unconfirmed++
      const arrived = await current.confirmed()
      unconfirmed--
      wakeWaiting()
      const fields = { task_id: message.taskId, webhook_id: message.id, type: message.type }
      if (arrived) {
        log.info({ ...fields, result: 'acknowledged' }, 'verdict sent over the socket, and a later pong came')
        return { kind: 'acknowledged', status: 200 }
      }
      log.warn(fields, 'verdict sent over the socket, but no later pong came; it will be sent again')
      // Closed by ourselves: whoever leads next sends it, and nothing is recorded from here.
      if (leading === null) return { kind: 'later', cause: 'this replica does not lead any more' }
      return { kind: 'retry', status: null, afterMs: null, cause: 'the socket closed before a later pong' }
    },
    status: () => state,
  }
}

function idle(): { ok: boolean; detail: string } {
  return { ok: true, detail: 'not connected: another replica leads' }
}

function isAssignment(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'task_assignment'
}
