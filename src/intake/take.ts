// One message that did not come by a request of its own (long poll, socket): checked and carried out by the very same submit and cancel as the
// webhook's. Not for: how the sender hears of it.
import type { TaskIdentity } from '../model/assignment.ts'
import { PROBLEMS, type Refusal, refusal } from '../model/problem.ts'
import type { Cancel } from './cancel.ts'
import { nestingProblem, parseMessage } from './parse.ts'
import type { Submit } from './submit.ts'

export type Taken =
  | { kind: 'claimed'; identity: TaskIdentity; job: string; duplicate: boolean }
  | { kind: 'cancelled'; executions: string[] }
  | { kind: 'heartbeat' }
  /** It will be refused however often it is sent. */
  | { kind: 'invalid'; refusal: Refusal }
  /** Nothing runs because of it; it may be taken later, or by another worker. */
  | { kind: 'rejected'; refusal: Refusal }
  /** Whether it was carried out is not known; sending it again is safe. */
  | { kind: 'unknown'; refusal: Refusal }

export type Take = (message: unknown, messageId: string | null) => Promise<Taken>

/** As for a webhook's body. */
export const MESSAGE_LIMIT_BYTES = 256 * 1024

/** `from`: the control plane, for the audit log. */
export function createTake(deps: { submit: Submit; cancel: Cancel }, via: 'poll' | 'socket', from: string): Take {
  return async (message, messageId) => {
    const by = { who: null, from, request_id: null, message_id: messageId }
    const tooDeep = nestingProblem(message)
    if (tooDeep) return { kind: 'invalid', refusal: tooDeep }
    if (Buffer.byteLength(JSON.stringify(message) ?? '') > MESSAGE_LIMIT_BYTES) {
      return { kind: 'invalid', refusal: refusal('body_too_large', `a message may have at most ${MESSAGE_LIMIT_BYTES} bytes (256 KiB)`) }
    }
    const parsed = parseMessage(message)
    if (!parsed.ok) return { kind: 'invalid', refusal: parsed.refusal }
    switch (parsed.value.type) {
      case 'heartbeat':
        return { kind: 'heartbeat' }
      case 'task_cancellation': {
        const result = await deps.cancel(parsed.value.data, { via, by })
        return result.ok ? { kind: 'cancelled', executions: result.cancelled } : refused(result.refusal)
      }
      case 'task_assignment': {
        const result = await deps.submit(parsed.value.data, { via, traceparent: null, by })
        if (!result.ok) return refused(result.refusal)
        return { kind: 'claimed', identity: result.identity, job: result.job.name, duplicate: result.duplicate }
      }
    }
  }
}

function refused(refusal: Refusal): Taken {
  const { status } = PROBLEMS[refusal.code]
  if (refusal.code === 'outcome_unknown' || status === 500) return { kind: 'unknown', refusal }
  return { kind: status === 429 || status === 503 ? 'rejected' : 'invalid', refusal }
}

/** The task a message is about; null where it names none. What one source says of a task is carried out in the order in which it was said. */
export function taskIdOf(message: unknown): string | null {
  if (typeof message !== 'object' || message === null || !('data' in message)) return null
  const { data } = message
  if (typeof data !== 'object' || data === null || !('task_id' in data)) return null
  return typeof data.task_id === 'string' ? data.task_id : null
}
