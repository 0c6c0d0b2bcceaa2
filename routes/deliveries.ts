// /v1/deliveries: reports that are owed or could not be delivered, and sending them again.
import { Type } from '@sinclair/typebox'
import { type Audit, actorOf } from '../src/lib/audit.ts'
import { type App, CURSOR, DEFAULT_LIMIT, LIMIT, problems, sendProblem } from '../src/lib/http.ts'
import { DELIVERY_STATES, DeliveryItem, DeliveryList, type DeliveryState, ReplayResult } from '../src/model/delivery.ts'
import { type Refusal, refusal } from '../src/model/problem.ts'

export interface DeliveriesDeps {
  list: (query: {
    states: DeliveryState[]
    limit: number
    cursor: string | null
  }) => { ok: true; page: DeliveryList } | { ok: false; refusal: Refusal }
  replay: (id: string) => Promise<{ ok: true; item: DeliveryItem } | { ok: false; refusal: Refusal }>
  replaySince: (sinceMs: number) => Promise<ReplayResult>
  audit: Audit
}

const Params = Type.Object({
  id: Type.String({ minLength: 1, description: 'The Job’s name, or a percent-encoded task_id (its newest execution).' }),
})
const ListQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Array(Type.Union(DELIVERY_STATES.map((state) => Type.Literal(state))), {
        minItems: 1,
        maxItems: 20,
        description: 'Only reports in one of these states, comma-separated. Default: owed and dead.',
      }),
    ),
    limit: Type.Optional(LIMIT),
    cursor: Type.Optional(CURSOR),
  },
  { additionalProperties: false },
)
const ReplayBody = Type.Object(
  {
    since: Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+-]\\d{2}:\\d{2})$',
      description: 'An RFC 3339 time: dead letters that became such then or later.',
    }),
  },
  { additionalProperties: false },
)

export function deliveriesRoutes(deps: DeliveriesDeps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/deliveries',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listDeliveries',
          tags: ['operation'],
          summary: 'Reports that are owed or dead, newest task first',
          security: [{ bearer: [] }],
          querystring: ListQuery,
          response: { 200: { ...DeliveryList, description: 'One page.' }, ...problems(401, 403, 404, 422, 503) },
        },
      },
      async (request, reply) => {
        const { state = [], limit = DEFAULT_LIMIT, cursor = null } = request.query
        const listed = deps.list({ states: state, limit, cursor })
        return listed.ok ? reply.send(listed.page) : sendProblem(reply, listed.refusal)
      },
    )

    app.post(
      '/v1/deliveries/:id/replay',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'replayDelivery',
          tags: ['operation'],
          summary: 'Send a dead report again, or try an owed one at once: same id, same bytes',
          security: [{ bearer: [] }],
          params: Params,
          response: { 202: { ...DeliveryItem, description: 'It is owed again.' }, ...problems(401, 403, 404, 409, 410, 503) },
        },
      },
      async (request, reply) => {
        const result = await deps.replay(request.params.id)
        if (!result.ok) return sendProblem(reply, result.refusal)
        deps.audit({ ...actorOf(request), action: 'replay', via: 'rest', task_id: result.item.task_id })
        return reply.code(202).send(result.item)
      },
    )

    app.post(
      '/v1/deliveries/replay',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'replayDeliveries',
          tags: ['operation'],
          summary: 'Send every report again that became a dead letter since then',
          security: [{ bearer: [] }],
          body: ReplayBody,
          response: {
            202: { ...ReplayResult, description: 'They are owed again.' },
            ...problems(400, 401, 403, 404, 413, 415, 422),
          },
        },
      },
      async (request, reply) => {
        const { since } = request.body
        const sinceMs = Date.parse(since)
        if (Number.isNaN(sinceMs)) {
          const errors = [{ pointer: '/since', detail: 'must be an RFC 3339 time such as 2026-01-31T12:00:00Z' }]
          return sendProblem(reply, refusal('invalid_request', '/since must be an RFC 3339 time such as 2026-01-31T12:00:00Z', { errors }))
        }
        const result = await deps.replaySince(sinceMs)
        deps.audit({ ...actorOf(request), action: 'replay', via: 'rest', since, replayed: result.replayed.length })
        return reply.code(202).send(result)
      },
    )
  }
}
