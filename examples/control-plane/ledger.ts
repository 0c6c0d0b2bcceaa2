// What the control plane knows of its tasks, in memory: sent, accepted, started, the verdict, every delivery. Not for: HTTP.
// Deliveries may repeat (at least once), so each is remembered by its webhook-id and counts once.

/** Epoch milliseconds throughout. */
export interface TaskRecord {
  task_id: string
  execution_id: string | null
  title: string | null
  /** First attempt to push the assignment, and how many it took so far. */
  sent_ms: number | null
  attempts: number
  /** When the accepting attempt was sent and answered: the Job existed by then. */
  accepted: { sent_ms: number; answered_ms: number; job: string | null } | null
  /** How often jobhook answered that it had this assignment already. */
  repeats_recognised: number
  /** What the last push failed with, null once it is accepted. */
  refused: { status: number; detail: string } | null
  cancelled_ms: number | null
  started: { webhook_id: string; received_ms: number; started_at: string | null } | null
  verdict: Verdict | null
  deliveries: Delivery[]
}

export interface Verdict {
  webhook_id: string
  received_ms: number
  kind: 'completed' | 'failed' | 'cancelled'
  failure_reason: string | null
  exit_code: number | null
  message: string
  finished_at: string | null
}

export interface Delivery {
  webhook_id: string
  type: string
  received_ms: number
  /** This webhook-id had been received before: acknowledged, not counted again. */
  repeat: boolean
  /** What this control plane answered. */
  status: number
}

export interface State {
  tasks: TaskRecord[]
  /** Callbacks that were refused: bad signature, unknown task, not JSON. */
  refused_callbacks: { at_ms: number; status: number; detail: string }[]
}

/** Keeps the last refusals only: anybody can cause them. */
const REFUSALS_KEPT = 100

export type Ledger = ReturnType<typeof createLedger>

export function createLedger() {
  const tasks = new Map<string, TaskRecord>()
  const refusedCallbacks: State['refused_callbacks'] = []
  return {
    /** The record of a task, made when it is new. A real control plane has it in its database before it sends anything. */
    add(taskId: string, executionId: string | null, title: string | null): TaskRecord {
      const known = tasks.get(taskId)
      if (known) return known
      const record = newRecord(taskId, executionId, title)
      tasks.set(taskId, record)
      return record
    },
    get: (taskId: string): TaskRecord | undefined => tasks.get(taskId),
    /** Records a verified callback. False when its webhook-id had been seen: acknowledge it, but act only once. */
    receive(
      record: TaskRecord,
      callback: { id: string; type: string; data: Record<string, unknown>; receivedMs: number; status: number },
    ): boolean {
      const { id: webhook_id, type, data, receivedMs: received_ms, status } = callback
      const repeat = record.deliveries.some((delivery) => delivery.webhook_id === webhook_id)
      record.deliveries.push({ webhook_id, type, received_ms, repeat, status })
      if (repeat) return false
      if (type === 'task_started') record.started ??= { webhook_id, received_ms, started_at: text(data.started_at) }
      // A second verdict under another id would be jobhook's fault: it stays visible in deliveries, the first one stands.
      else record.verdict ??= readVerdict(webhook_id, received_ms, type, data)
      return true
    },
    refuse(refused: State['refused_callbacks'][number]): void {
      refusedCallbacks.push(refused)
      if (refusedCallbacks.length > REFUSALS_KEPT) refusedCallbacks.shift()
    },
    state: (): State => ({ tasks: [...tasks.values()], refused_callbacks: refusedCallbacks }),
  }
}

function newRecord(taskId: string, executionId: string | null, title: string | null): TaskRecord {
  return {
    task_id: taskId,
    execution_id: executionId,
    title,
    sent_ms: null,
    attempts: 0,
    accepted: null,
    repeats_recognised: 0,
    refused: null,
    cancelled_ms: null,
    started: null,
    verdict: null,
    deliveries: [],
  }
}

/** A cancelled task comes as task_completed with task_state CANCELLED. */
function readVerdict(webhook_id: string, received_ms: number, type: string, data: Record<string, unknown>): Verdict {
  return {
    webhook_id,
    received_ms,
    kind: type === 'task_failed' ? 'failed' : data.task_state === 'CANCELLED' ? 'cancelled' : 'completed',
    failure_reason: text(data.failure_reason),
    exit_code: typeof data.exit_code === 'number' ? data.exit_code : null,
    message: text(data.message) ?? '',
    finished_at: text(data.finished_at),
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
