// GET /v1/events: what changes about tasks and their reports, as server-sent events, from this replica's cache.
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import { type App, problems, sendProblem } from '../src/lib/http.ts'
import { parseLabelSelector, unreadableSelector } from '../src/lib/label-selector.ts'
import type { Refusal } from '../src/model/problem.ts'
import { TASK_STATES } from '../src/model/task.ts'

export interface EventsDeps {
  open: (
    query: {
      states: readonly string[]
      labels: (labels: Readonly<Record<string, string>>) => boolean
      lastEventId: string | null
      snapshot: boolean
    },
    signal: AbortSignal,
    drop: () => void,
  ) => { ok: true; parts: AsyncIterable<string> } | { ok: false; refusal: Refusal }
}

const Query = Type.Object(
  {
    state: Type.Optional(
      Type.Array(Type.Union(TASK_STATES.map((state) => Type.Literal(state))), {
        minItems: 1,
        maxItems: 20,
        description: 'Only tasks in one of these states, comma-separated. A task that leaves them is told once more.',
      }),
    ),
    label: Type.Optional(Type.String({ maxLength: 1024, description: 'Only tasks whose labels match: a selector as kubectl takes it.' })),
    snapshot: Type.Optional(Type.Boolean({ description: 'true: begin with every task there is, unless Last-Event-ID can be resumed.' })),
  },
  { additionalProperties: false },
)
const Headers = Type.Object({
  'last-event-id': Type.Optional(Type.String({ maxLength: 256, description: 'Go on after this id, on whichever replica.' })),
})

const EVENT_STREAM = 'text/event-stream'

export function eventsRoutes(deps: EventsDeps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/events',
      {
        config: { scope: 'read' },
        exposeHeadRoute: false,
        schema: {
          operationId: 'listenToEvents',
          tags: ['tasks'],
          summary: 'What changes about tasks and their reports, as server-sent events',
          security: [{ bearer: [] }],
          querystring: Query,
          headers: Headers,
          response: {
            200: {
              description:
                'Types: task (data: the task as GET /v1/tasks/{id} answers it), delivery (an item of GET /v1/deliveries), removed (its Job is gone), ' +
                'reset (forget what you have: every task follows), live (that was all of them), end (with the reason; connect again). The id is the ' +
                'Job’s resourceVersion, opaque: send it back as Last-Event-ID. An id that is not held any more is answered with reset. An event may come twice.',
              content: { [EVENT_STREAM]: { schema: Type.String() } },
            },
            ...problems(401, 403, 404, 422, 503),
          },
        },
      },
      async (request, reply) => {
        const { state = [], label = '', snapshot = false } = request.query
        const selector = parseLabelSelector(label)
        if (!selector.ok) return sendProblem(reply, unreadableSelector(selector.requirement))
        const left = new AbortController()
        reply.raw.once('close', () => left.abort(new Error('the caller has gone')))
        const opened = deps.open(
          {
            states: state,
            labels: selector.matches,
            lastEventId: request.headers['last-event-id'] || null,
            snapshot,
          },
          left.signal,
          () => reply.raw.destroy(),
        )
        if (!opened.ok) return sendProblem(reply, opened.refusal)
        reply
          .type(EVENT_STREAM)
          .header('cache-control', 'no-store')
          .header('x-content-type-options', 'nosniff')
          // Some proxies collect an answer before they pass it on.
          .header('x-accel-buffering', 'no')
          // A stopping replica must not wait for a connection that falls idle.
          .header('connection', 'close')
        void reply.send(Readable.from(opened.parts, { objectMode: false, highWaterMark: 16_384 }) as never)
        reply.raw.flushHeaders()
        return reply
      },
    )
  }
}
