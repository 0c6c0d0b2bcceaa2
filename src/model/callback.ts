// What goes back to the control plane and what came of it: the types that reconcile and callback share.
import type { Verdict } from './verdict.ts'

export const CALLBACK_TYPES = ['task_started', 'task_completed', 'task_failed'] as const
export type CallbackType = (typeof CALLBACK_TYPES)[number]

/** A task has at most two messages; the slot, not the type, makes the message id. */
export type Slot = 'started' | 'verdict'

/** A message that is owed, ready to be sent as it is: the same bytes at each attempt. */
export interface OwedMessage {
  slot: Slot
  /** webhook-id: the same for every retry, replica and restart. */
  id: string
  type: CallbackType
  url: string
  body: string
  taskId: string
  traceparent: string | null
  /** A URL from the task itself goes through the egress guard; the configured one is trusted. */
  perTask: boolean
}

/** What the receiver made of one attempt. */
export type DeliveryResult =
  | { kind: 'acknowledged'; status: number }
  /** 410: this URL wants nothing more for this task. */
  | { kind: 'gone' }
  | { kind: 'retry'; status: number | null; afterMs: number | null; cause: string }
  /** No attempt was made, or ours was broken off by ourselves: nothing to record. The task is woken when it may try. */
  | { kind: 'later'; cause: string }

/** Annotation jobhook.dev/delivery: where the verdict's delivery stands. */
export interface DeliveryRecord {
  state: 'owed' | 'delivered' | 'gone' | 'dead' | 'none'
  attempts: number
  /** RFC 3339; when the next attempt is due (owed), or when it was closed (reported_at). */
  next_at?: string
  reported_at?: string
  last_error?: string
  /** How often the delivery was opened again by hand (replay); absent: never. A higher one overrules what any replica remembers. */
  round?: number
}

/** What messages say of the task itself, besides the verdict. */
export interface TaskFacts {
  jobUid: string
  taskId: string
  executionId: string
  workerId: string
  pod: string | null
  node: string | null
  startedMs: number | null
  traceparent: string | null
}

export type MessageBuilder = {
  started(facts: TaskFacts, target: { url: string; perTask: boolean }): OwedMessage
  verdict(facts: TaskFacts, verdict: Verdict, target: { url: string; perTask: boolean }): OwedMessage
}
