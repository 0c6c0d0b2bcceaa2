// task_started: best effort. It is first sent before the verdict and never holds it up; a refusal drops it; nothing of it is recorded,
// so after a failover it may repeat under its own id.
import { type Clock, sleep } from '../lib/clock.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { CallbackType, DeliveryResult, MessageBuilder, OwedMessage, TaskFacts } from '../model/callback.ts'
import type { TaskMemory } from './memory.ts'

export interface StartedSender {
  /** Begins an attempt if one is due and none is under way; does not wait for it. */
  send(name: string, own: TaskMemory, facts: TaskFacts, target: { url: string; perTask: boolean }): void
  /**
   * The verdict is owed: one last try if it was never sent, a short wait for one under way, then it is given up. False when the try found no room:
   * then the verdict would find none either, and `name` is woken for both.
   */
  lastTry(name: string, own: TaskMemory, facts: TaskFacts, target: { url: string; perTask: boolean }): Promise<boolean>
}

/** How long a verdict lets a task_started under way go first: only its answer proves that it came first. On a busy machine a second was not enough. */
const HEAD_START_MS = 3_000

/** 4xx answers that mean "later" rather than "never". */
const LATER = new Set([408, 425, 429])

export function createStartedSender(
  deps: {
    messages: MessageBuilder
    /** `name` is woken when a message that had to wait may go. */
    deliver: (message: OwedMessage, name: string) => Promise<DeliveryResult>
    nextAttemptAtMs: (failures: number, messageId: string, nowMs: number, retryAfterMs: number | null) => number | null
    wake: (name: string, atMs: number) => void
    clock: Clock
    metrics: Metrics
  },
  options: { callbackTypes: readonly CallbackType[] },
): StartedSender {
  const { clock } = deps

  async function attempt(name: string, own: TaskMemory, message: OwedMessage): Promise<void> {
    const { started } = own
    const result = await deps.deliver(message, name)
    started.inFlight = null
    started.foundNoRoom = result.kind === 'later'
    if (result.kind === 'later') return
    started.attempts++
    if (result.kind !== 'retry') {
      started.done = true
      deps.metrics.deliveries.inc({ slot: 'started', result: result.kind === 'gone' ? 'gone' : 'delivered' })
      return
    }
    const dropped = result.status !== null && result.status >= 400 && result.status < 500 && !LATER.has(result.status)
    const nextAtMs = dropped ? null : deps.nextAttemptAtMs(started.attempts, message.id, clock.now(), result.afterMs)
    deps.metrics.deliveries.inc({ slot: 'started', result: nextAtMs === null ? 'dropped' : 'retry' })
    if (nextAtMs === null) started.done = true
    else {
      started.nextAtMs = nextAtMs
      deps.wake(name, nextAtMs)
    }
  }

  function send(name: string, own: TaskMemory, facts: TaskFacts, target: { url: string; perTask: boolean }): void {
    const { started } = own
    if (!options.callbackTypes.includes('task_started') || started.done || started.inFlight || clock.now() < started.nextAtMs) return
    started.foundNoRoom = false
    started.inFlight = attempt(name, own, deps.messages.started(facts, target))
  }

  return {
    send,
    async lastTry(name, own, facts, target) {
      const { started } = own
      if (started.attempts === 0) send(name, own, facts, target)
      if (started.inFlight) await Promise.race([started.inFlight, sleep(clock, HEAD_START_MS)])
      if (started.attempts === 0 && started.foundNoRoom) return false
      started.done = true
      return true
    },
  }
}
