// POST /v1/webhook: the control plane's entrance. Its own JSON parser keeps the raw bytes, because the signature is over them.
import { Type } from '@sinclair/typebox'
import { type Actor, actorOf } from '../src/lib/audit.ts'
import { type App, problems, sendProblem } from '../src/lib/http.ts'
import type { Assignment, Cancellation, InboundMessage, TaskIdentity } from '../src/model/assignment.ts'
import { type Refusal, refusal } from '../src/model/problem.ts'

export interface WebhookDeps {
  /** null: no secret is configured. */
  read:
    | ((
        headers: { id: string | string[] | undefined; timestamp: string | string[] | undefined; signature: string | string[] | undefined },
        raw: Uint8Array,
        traceparent: string | null,
      ) => { ok: true; value: InboundMessage } | { ok: false; refusal: Refusal })
    | null
  submit: (
    assignment: Assignment,
    context: { via: 'webhook'; traceparent: string | null; by: Actor },
  ) => Promise<{ ok: true; job: { name: string }; duplicate: boolean; identity: TaskIdentity } | { ok: false; refusal: Refusal }>
  cancel: (
    cancellation: Cancellation,
    context: { via: 'webhook'; by: Actor },
  ) => Promise<{ ok: true; cancelled: string[] } | { ok: false; refusal: Refusal }>
}

const Claimed = Type.Object({
  type: Type.Literal('task_claimed'),
  data: Type.Object({ task_id: Type.String(), execution_id: Type.String(), worker_id: Type.String(), id: Type.String() }),
})
const CancelledBody = Type.Object({ task_id: Type.String(), cancelled: Type.Array(Type.String()) })

export function webhookRoutes(deps: WebhookDeps) {
  return async (app: App): Promise<void> => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, raw, done) => done(null, raw))
    app.post(
      '/v1/webhook',
      {
        config: { rate: 'webhook' },
        schema: {
          operationId: 'receiveWebhook',
          tags: ['webhook'],
          summary: 'A signed message from the control plane: task_assignment, task_cancellation or heartbeat',
          response: {
            202: Type.Union([Claimed, CancelledBody], {
              description: 'Durable now, or it already was. A cancellation lists the executions it stopped.',
            }),
            204: Type.Null({ description: 'A heartbeat.' }),
            ...problems(400, 401, 404, 409, 413, 415, 422, 429, 503),
          },
        },
      },
      async (request, reply) => {
        if (!deps.read)
          return sendProblem(reply, refusal('not_configured', 'the webhook has no secret: set webhook.secrets in the configuration'))
        const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
        const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        const message = deps.read({ id, timestamp, signature }, raw, request.traceparent)
        if (!message.ok) return sendProblem(reply, message.refusal)
        switch (message.value.type) {
          case 'heartbeat':
            return reply.code(204).send(null)
          case 'task_cancellation': {
            const result = await deps.cancel(message.value.data, { via: 'webhook', by: actorOf(request) })
            if (!result.ok) return sendProblem(reply, result.refusal)
            return reply.code(202).send({ task_id: message.value.data.task_id, cancelled: result.cancelled })
          }
          case 'task_assignment': {
            const result = await deps.submit(message.value.data, {
              via: 'webhook',
              traceparent: request.traceparent,
              by: actorOf(request),
            })
            if (!result.ok) return sendProblem(reply, result.refusal)
            const { taskId, executionId, workerId } = result.identity
            if (result.duplicate) reply.header('jobhook-duplicate', 'true')
            return reply
              .code(202)
              .header('location', `/v1/tasks/${result.job.name}`)
              .send({
                type: 'task_claimed',
                data: { task_id: taskId, execution_id: executionId, worker_id: workerId, id: result.job.name },
              })
          }
        }
      },
    )
  }
}
