// The example control plane's own HTTP server: its users hand in tasks, jobhook reports back, GET /state shows everything.
// It stands where your control plane is: keep what it does at /hooks/tasks and in push.ts, replace the rest. Its users' routes have no login: loopback only.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, createReceiver, isObject, type ReceivedCallback, type ReceiverAnswer, readBody } from '../../src/cli/receiver.ts'
import type { Verifier } from '../../src/lib/standard-webhooks.ts'
import type { AckResult, LeaseBoard } from './leases.ts'
import type { Ledger, TaskRecord } from './ledger.ts'
import type { PushAnswer } from './push.ts'

export interface ControlPlaneOptions {
  ledger: Ledger
  verifier: Verifier
  nowMs(): number
  /** Sends one message to jobhook; see push.ts. */
  send(message: unknown, webhookId: string, onAttempt: (sentMs: number) => void): Promise<PushAnswer>
  /** For a jobhook that fetches its messages: where they are put instead of being sent. */
  pull?: { board: LeaseBoard; workerId: string }
}

const BODY_LIMIT_BYTES = 512 * 1024

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function createControlPlane(options: ControlPlaneOptions): Handler {
  const { ledger } = options
  const assignments = new Map<string, Record<string, unknown>>()
  /** Tasks whose first verdict is answered 500 after it was stored, as if this process had crashed before its answer. */
  const losesFirstAnswer = new Set<string>()

  const hooks = createReceiver({
    verifier: options.verifier,
    nowMs: options.nowMs,
    onCallback: (callback) => receive(callback),
    onRefused: ({ status, detail }) => ledger.refuse({ at_ms: options.nowMs(), status, detail }),
  })

  function receive(callback: ReceivedCallback): ReceiverAnswer {
    const record = ledger.get(String(callback.data.task_id))
    if (!record) {
      ledger.refuse({
        at_ms: callback.receivedMs,
        status: 410,
        detail: `callback for an unknown task ${JSON.stringify(callback.data.task_id)}`,
      })
      return { status: 410 } // ends the deliveries of this task
    }
    const loses = callback.type !== 'task_started' && losesFirstAnswer.delete(record.task_id)
    const status = loses ? 500 : 200
    ledger.receive(record, { ...callback, status }) // stored before the answer: a 2xx makes jobhook forget the task
    return { status }
  }

  /** Pushes the assignment; every call is a new delivery of the same message, under the same webhook-id. */
  async function pushAssignment(record: TaskRecord, data: Record<string, unknown>): Promise<PushAnswer> {
    const result = await options.send({ type: 'task_assignment', data }, messageId('assign', record.task_id), (sentMs) => {
      record.sent_ms ??= sentMs
      record.attempts += 1
    })
    if (result.status !== 202) record.refused = { status: result.status, detail: result.detail }
    else if (record.accepted && result.duplicate) record.repeats_recognised += 1
    else {
      record.accepted ??= { sent_ms: result.sentMs, answered_ms: result.answeredMs, job: jobOf(result.body) }
      record.refused = null
    }
    return result
  }

  /** For the long poll. What became of it comes with the acknowledgement. */
  function offerAssignment(
    { board, workerId }: NonNullable<ControlPlaneOptions['pull']>,
    record: TaskRecord,
    data: Record<string, unknown>,
  ): void {
    record.sent_ms ??= options.nowMs()
    record.attempts += 1
    board.put(workerId, messageId('assign', record.task_id), { type: 'task_assignment', data })
  }

  /** POST /tasks: `{"assignment": {…}, "loses_first_answer"?: true}`: takes a task in and pushes it. */
  async function submit(body: Record<string, unknown>): Promise<ReceiverAnswer> {
    const { assignment } = body
    if (!isObject(assignment) || typeof assignment.task_id !== 'string') return { status: 422, detail: 'assignment.task_id is missing' }
    const title = isObject(assignment.task) && typeof assignment.task.title === 'string' ? assignment.task.title : null
    const record = ledger.add(assignment.task_id, typeof assignment.execution_id === 'string' ? assignment.execution_id : null, title)
    assignments.set(assignment.task_id, assignment)
    if (body.loses_first_answer === true) losesFirstAnswer.add(assignment.task_id)
    if (options.pull) offerAssignment(options.pull, record, assignment)
    else void pushAssignment(record, assignment)
    return { status: 202 }
  }

  /** POST /tasks/{id}/redeliver: the same message once more, as senders do when an answer was lost. */
  async function redeliver(record: TaskRecord): Promise<ReceiverAnswer> {
    const data = assignments.get(record.task_id)
    if (!data) return { status: 404 }
    const result = await pushAssignment(record, data)
    return {
      status: result.status === 202 ? 200 : 502,
      detail: `${result.status} ${result.duplicate ? 'recognised as a repeat' : result.detail}`,
    }
  }

  /** POST /tasks/{id}/cancel */
  async function cancel(record: TaskRecord): Promise<ReceiverAnswer> {
    record.cancelled_ms = options.nowMs()
    if (options.pull) {
      const { board, workerId } = options.pull
      board.put(workerId, messageId('cancel', record.task_id), { type: 'task_cancellation', data: { task_id: record.task_id } })
      return { status: 202 }
    }
    const result = await options.send(
      { type: 'task_cancellation', data: { task_id: record.task_id } },
      messageId('cancel', record.task_id),
      () => undefined,
    )
    return { status: result.status === 202 ? 200 : 502, detail: `${result.status} ${result.detail}` }
  }

  async function users(request: IncomingMessage, path: string): Promise<ReceiverAnswer> {
    const body = await readBody(request, BODY_LIMIT_BYTES)
    if (!body) return { status: 413 }
    if (path === '/tasks') {
      const parsed: unknown = JSON.parse(body.toString())
      return isObject(parsed) ? submit(parsed) : { status: 422, detail: 'a JSON object is needed' }
    }
    const [, id = '', action = ''] = /^\/tasks\/([^/]+)\/(redeliver|cancel)$/.exec(path) ?? []
    const record = ledger.get(decodeURIComponent(id))
    if (!record) return { status: 404 }
    return action === 'cancel' ? cancel(record) : redeliver(record)
  }

  return async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (path === '/hooks/tasks') return hooks(request, response)
    try {
      if (request.method === 'GET' && path === '/state') return sendState(response)
      if (request.method === 'POST' && /^\/tasks(\/|$)/.test(path)) return answer(response, await users(request, path))
      answer(response, {
        status: 404,
        detail: 'POST /tasks, POST /tasks/{id}/cancel, POST /tasks/{id}/redeliver, GET /state, POST /hooks/tasks',
      })
    } catch (error) {
      answer(response, { status: 400, detail: error instanceof Error ? error.message : 'bad request' })
    }
  }

  function sendState(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(ledger.state()))
  }
}

/** What a worker that fetches its messages said of one of them, on the task's record. */
export function noteResult(ledger: Ledger, nowMs: number, { id, result, reason }: AckResult): void {
  const taskId = id.startsWith('assign_') ? Buffer.from(id.slice('assign_'.length), 'base64url').toString() : null
  const record = taskId === null ? undefined : ledger.get(taskId)
  if (!record) return
  if (result === 'claimed') {
    record.accepted ??= { sent_ms: record.sent_ms ?? nowMs, answered_ms: nowMs, job: null }
    record.refused = null
  } else record.refused = { status: result === 'invalid' ? 422 : 429, detail: reason ?? result }
}

/** One id a message, however often it is delivered; task ids may have characters that a header may not. */
function messageId(kind: 'assign' | 'cancel', taskId: string): string {
  return kind === 'assign' ? `assign_${Buffer.from(taskId).toString('base64url').slice(0, 200)}` : `cancel_${randomUUID()}`
}

function jobOf(body: unknown): string | null {
  return isObject(body) && isObject(body.data) && typeof body.data.id === 'string' ? body.data.id : null
}
