// Builds the callback bodies from a task and its verdict. Pure: the same verdict gives the same bytes, whoever builds it.
import type { CallbackType, MessageBuilder, OwedMessage, Slot, TaskFacts } from '../model/callback.ts'
import type { Verdict } from '../model/verdict.ts'

/** webhook-id = f(Job uid, slot). It has no dot, because a dot separates the parts of what is signed. */
export function messageId(jobUid: string, slot: Slot): string {
  return `jobhook_${jobUid}_${slot}`
}

export function createMessageBuilder(): MessageBuilder {
  return {
    started: (facts, target) =>
      owed('started', 'task_started', facts, target, {
        ...identity(facts),
        started_at: facts.startedMs === null ? null : new Date(facts.startedMs).toISOString(),
        node: facts.node,
        pod: facts.pod,
      }),
    verdict: (facts, verdict, target) =>
      owed('verdict', verdictType(verdict), facts, target, { ...identity(facts), ...verdictFields(verdict) }),
  }
}

/** A cancelled task is a task_completed with task_state CANCELLED: the wire's own way to say it. */
export function verdictType(verdict: Verdict): 'task_completed' | 'task_failed' {
  return verdict.kind === 'failed' ? 'task_failed' : 'task_completed'
}

function identity(facts: TaskFacts): Record<string, unknown> {
  return { task_id: facts.taskId, execution_id: facts.executionId, worker_id: facts.workerId }
}

function verdictFields(verdict: Verdict): Record<string, unknown> {
  const times = { started_at: verdict.startedAt, finished_at: verdict.finishedAt }
  const detail = Object.keys(verdict.detail).length > 0 ? { detail: verdict.detail } : {}
  switch (verdict.kind) {
    case 'completed':
      return {
        message: verdict.message,
        exit_code: verdict.exitCode,
        ...times,
        ...(verdict.output ? { output: verdict.output } : {}),
        ...detail,
      }
    case 'cancelled':
      return { message: verdict.message, task_state: 'CANCELLED', exit_code: verdict.exitCode, ...times, ...detail }
    case 'failed':
      return {
        message: verdict.message,
        failure_reason: verdict.reason,
        exit_code: verdict.exitCode,
        retryable: verdict.retryable,
        phase: verdict.phase,
        ...times,
        ...(verdict.output ? { output: verdict.output } : {}),
        ...detail,
      }
  }
}

function owed(
  slot: Slot,
  type: CallbackType,
  facts: TaskFacts,
  target: { url: string; perTask: boolean },
  data: Record<string, unknown>,
): OwedMessage {
  return {
    slot,
    id: messageId(facts.jobUid, slot),
    type,
    url: target.url,
    perTask: target.perTask,
    body: JSON.stringify({ type, data }),
    taskId: facts.taskId,
    traceparent: facts.traceparent,
  }
}
