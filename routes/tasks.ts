// /v1/tasks: the REST face for people and scripts. A route validates, calls one function, maps the result.
import { Type } from '@sinclair/typebox'
import { type App, problems, sendProblem } from '../src/lib/http.ts'
import { type Assignment, RestAssignment, type TaskIdentity } from '../src/model/assignment.ts'
import { type Refusal, refusal } from '../src/model/problem.ts'
import { finishedTask, TASK_STATES, TaskList, TaskRecord } from '../src/model/task.ts'
import { traceparentOf } from './webhook.ts'

export interface TasksDeps {
  submit: (
    assignment: Assignment,
    context: { via: 'rest'; traceparent: string | null },
  ) => Promise<
    | { ok: true; job: { name: string }; duplicate: boolean; identity: TaskIdentity; finished?: Parameters<typeof finishedTask>[2] }
    | { ok: false; refusal: Refusal }
  >
  /** A task_id for a submission without one: the same for the same caller and key. */
  mintTaskId: (caller: string | null, idempotencyKey: string | null) => string
  /** By Job name or task_id (its newest execution); null when there is none. */
  find: (id: string) => Promise<{ ok: true; task: TaskRecord | null } | { ok: false; refusal: Refusal }>
  list: (query: { states: string[]; label: string | null; limit: number; cursor: string | null }) => TaskList | null
  /** `stopped` false: it had ended. */
  cancel: (task: TaskRecord, via: string) => Promise<{ ok: true; stopped: boolean } | { ok: false; refusal: Refusal }>
  audit: (entry: { who: string | null; action: string; task_id: string; from: string }) => void
}

const Params = Type.Object({
  id: Type.String({ minLength: 1, description: 'The Job’s name, or a percent-encoded task_id (its newest execution).' }),
})
const ListQuery = Type.Object(
  {
    state: Type.Optional(
      Type.String({
        pattern: `^(${TASK_STATES.join('|')})(,(${TASK_STATES.join('|')}))*$`,
        description: `Comma-separated: ${TASK_STATES.join(', ')}.`,
      }),
    ),
    label: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]+=[A-Za-z0-9._-]*$', description: 'name=value.' })),
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$', description: '1 to 1000; default 100.' })),
    cursor: Type.Optional(Type.String({ maxLength: 512, description: 'next_cursor of the page before.' })),
  },
  { additionalProperties: false },
)

export function tasksRoutes(deps: TasksDeps) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/tasks',
      {
        config: { scope: 'submit' },
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
        const result = await deps.submit({ ...request.body, task_id: taskId }, { via: 'rest', traceparent: traceparentOf(request) })
        if (!result.ok) return sendProblem(reply, result.refusal)
        deps.audit({ who: request.callerName, action: 'submit', task_id: taskId, from: request.ip })
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
        const { state, label = null, limit = '100', cursor = null } = request.query
        const page = deps.list({ states: state ? state.split(',') : [], label, limit: Number(limit), cursor })
        if (!page)
          return sendProblem(
            reply,
            refusal('invalid_request', 'the cursor is not one of ours: use next_cursor as it came', {
              errors: [{ pointer: '/cursor', detail: 'is unreadable' }],
            }),
          )
        return reply.send(page)
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
        const result = await deps.cancel(found.task, 'rest')
        if (!result.ok) return sendProblem(reply, result.refusal)
        deps.audit({ who: request.callerName, action: 'cancel', task_id: found.task.task_id, from: request.ip })
        const after = await deps.find(found.task.id)
        return reply.code(result.stopped ? 202 : 200).send(after.ok && after.task ? after.task : found.task)
      },
    )
  }
}

function notFound(): Refusal {
  return refusal('not_found', 'no task has this id: finished tasks are kept until their retention ends')
}
