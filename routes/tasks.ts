// /v1/tasks: the REST face for people and scripts. A route validates, calls one function, maps the result.
import { Type } from '@sinclair/typebox'
import { type Actor, actorOf } from '../src/lib/audit.ts'
import { type App, CURSOR, DEFAULT_LIMIT, LIMIT, nullIsAbsent, problems, sendProblem, withoutData } from '../src/lib/http.ts'
import { type Assignment, RestAssignment, type TaskIdentity } from '../src/model/assignment.ts'
import { type Refusal, refusal } from '../src/model/problem.ts'
import { finishedTask, TASK_STATES, TaskList, TaskRecord } from '../src/model/task.ts'

export interface TasksDeps {
  submit: (
    assignment: Assignment,
    context: { via: 'rest'; traceparent: string | null; by: Actor },
  ) => Promise<
    | { ok: true; job: { name: string }; duplicate: boolean; identity: TaskIdentity; finished?: Parameters<typeof finishedTask>[2] }
    | { ok: false; refusal: Refusal }
  >
  /** A task_id for a submission without one: the same for the same caller and key. */
  mintTaskId: (caller: string | null, idempotencyKey: string | null) => string
  /** By Job name or task_id (its newest execution); null when there is none. */
  find: (id: string) => Promise<{ ok: true; task: TaskRecord | null } | { ok: false; refusal: Refusal }>
  list: (query: {
    states: string[]
    label: string | null
    limit: number
    cursor: string | null
  }) => { ok: true; page: TaskList } | { ok: false; refusal: Refusal }
  /** `stopped` false: it had ended. */
  cancel: (task: TaskRecord, by: Actor) => Promise<{ ok: true; stopped: boolean } | { ok: false; refusal: Refusal }>
}

const Params = Type.Object({
  id: Type.String({ minLength: 1, description: 'The Job’s name, or a percent-encoded task_id (its newest execution).' }),
})
const ListQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Array(Type.Union(TASK_STATES.map((state) => Type.Literal(state))), {
        minItems: 1,
        maxItems: 20,
        description: 'Only tasks in one of these states, comma-separated.',
      }),
    ),
    label: Type.Optional(
      Type.String({
        maxLength: 1024,
        description:
          'Only tasks whose labels match: a selector as kubectl takes it, `team=web`, `team!=web`, `team in (web,db)`, `team notin (web)`, `team`, `!team`, several with commas.',
      }),
    ),
    limit: Type.Optional(LIMIT),
    cursor: Type.Optional(CURSOR),
  },
  { additionalProperties: false },
)

export function tasksRoutes(deps: TasksDeps) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/tasks',
      {
        config: { scope: 'submit' },
        preValidation: nullIsAbsent,
        schema: {
          operationId: 'submitTask',
          tags: ['tasks'],
          summary: 'Submit a task: the data of an assignment, task_id optional',
          security: [{ bearer: [] }],
          headers: Type.Object({
            'idempotency-key': Type.Optional(
              Type.String({ minLength: 1, maxLength: 255, description: 'The same key gives the same task_id.' }),
            ),
          }),
          body: RestAssignment,
          response: {
            202: { ...TaskRecord, description: 'Accepted, or it already was.' },
            ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const idempotencyKey = request.headers['idempotency-key'] ?? null
        const taskId =
          request.body.task_id ?? deps.mintTaskId(request.callerName, typeof idempotencyKey === 'string' ? idempotencyKey : null)
        const result = await deps.submit(
          { ...request.body, task_id: taskId },
          { via: 'rest', traceparent: request.traceparent, by: actorOf(request) },
        )
        if (!result.ok) return sendProblem(reply, withoutData(result.refusal))
        const found = await deps.find(result.job.name)
        if (!found.ok) return sendProblem(reply, found.refusal)
        const { finished } = result
        if (!found.task && finished) {
          return reply
            .code(202)
            .header('jobhook-duplicate', 'true')
            .send(finishedTask(result.job.name, result.identity, finished))
        }
        if (!found.task) return sendProblem(reply, refusal('outcome_unknown', 'the task was accepted and has vanished since'))
        if (result.duplicate) reply.header('jobhook-duplicate', 'true')
        return reply.code(202).header('location', `/v1/tasks/${result.job.name}`).send(found.task)
      },
    )

    app.get(
      '/v1/tasks',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listTasks',
          tags: ['tasks'],
          summary: 'Tasks, newest first',
          security: [{ bearer: [] }],
          querystring: ListQuery,
          response: { 200: { ...TaskList, description: 'One page.' }, ...problems(401, 403, 404, 422, 503) },
        },
      },
      async (request, reply) => {
        const { state = [], label = null, limit = DEFAULT_LIMIT, cursor = null } = request.query
        const listed = deps.list({ states: state, label, limit, cursor })
        return listed.ok ? reply.send(listed.page) : sendProblem(reply, listed.refusal)
      },
    )

    app.get(
      '/v1/tasks/:id',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getTask',
          tags: ['tasks'],
          summary: 'One task',
          security: [{ bearer: [] }],
          params: Params,
          response: { 200: { ...TaskRecord, description: 'The task.' }, ...problems(401, 403, 404, 503) },
        },
      },
      async (request, reply) => {
        const found = await deps.find(request.params.id)
        if (!found.ok) return sendProblem(reply, found.refusal)
        return found.task ? reply.send(found.task) : sendProblem(reply, notFound())
      },
    )

    app.delete(
      '/v1/tasks/:id',
      {
        config: { scope: 'cancel' },
        schema: {
          operationId: 'cancelTask',
          tags: ['tasks'],
          summary: 'Cancel a task: its workload is stopped, then its verdict is reported',
          security: [{ bearer: [] }],
          params: Params,
          response: {
            200: { ...TaskRecord, description: 'It had ended.' },
            202: { ...TaskRecord, description: 'It is being stopped.' },
            ...problems(401, 403, 404, 503),
          },
        },
      },
      async (request, reply) => {
        const found = await deps.find(request.params.id)
        if (!found.ok) return sendProblem(reply, found.refusal)
        if (!found.task) return sendProblem(reply, notFound())
        const result = await deps.cancel(found.task, actorOf(request))
        if (!result.ok) return sendProblem(reply, result.refusal)
        const after = await deps.find(found.task.id)
        return reply.code(result.stopped ? 202 : 200).send(after.ok && after.task ? after.task : found.task)
      },
    )
  }
}

function notFound(): Refusal {
  return refusal('not_found', 'no task has this id: finished tasks are kept until their retention ends')
}
