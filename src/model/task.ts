// A task as REST, the command line and the page show it.
import { type Static, Type } from '@sinclair/typebox'

const Nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer> | ReturnType<typeof Type.Boolean>>(
  schema: T,
) => Type.Union([schema, Type.Null()])
const time = (description: string) => Nullable(Type.String({ format: 'date-time', description }))

export const TASK_STATES = ['queued', 'pending', 'running', 'stopping', 'completed', 'failed', 'cancelled'] as const
export type TaskState = (typeof TASK_STATES)[number]

export const TaskRecord = Type.Object(
  {
    id: Type.String({ description: 'Name of the Job, and the id in URLs.' }),
    task_id: Type.String(),
    execution_id: Type.String(),
    worker_id: Type.String(),
    title: Nullable(Type.String()),
    labels: Type.Record(Type.String(), Type.String()),
    priority: Type.Integer(),
    state: Type.Union(TASK_STATES.map((state) => Type.Literal(state))),
    reason: Nullable(Type.String({ description: 'failure_reason, or what a stopping task is stopped for.' })),
    retryable: Nullable(Type.Boolean()),
    exit_code: Nullable(Type.Integer({ description: 'Normalised to 128+signal; null when not known.' })),
    message: Nullable(Type.String()),
    queue_position: Nullable(Type.Integer({ description: 'Its place in the queue, 1 is next; null when it does not wait there.' })),
    times: Type.Object({
      accepted: time('When the Job was created.'),
      created: time('The same, by the cluster’s clock.'),
      scheduled: time('A node was found.'),
      pulled: time('Its first image had arrived and its first container started.'),
      started: time('The task’s container started.'),
      finished: time('It ended.'),
      reported: time('The control plane acknowledged the verdict.'),
    }),
    job: Type.String(),
    pod: Nullable(Type.String()),
    node: Nullable(Type.String()),
    delivery: Type.Object({
      state: Type.Union([
        Type.Literal('none'),
        Type.Literal('owed'),
        Type.Literal('delivered'),
        Type.Literal('gone'),
        Type.Literal('dead'),
      ]),
      attempts: Type.Integer(),
      next_at: time('When the next attempt is due.'),
      last_error: Nullable(Type.String()),
    }),
  },
  { $id: 'Task', description: 'A task and what is known of it.' },
)
export type TaskRecord = Static<typeof TaskRecord>

/** A task whose Job is gone: what is left of it is that it finished, and how. */
export function finishedTask(
  name: string,
  identity: { taskId: string; executionId: string; workerId: string },
  finished: { kind: 'completed' | 'failed' | 'cancelled'; closedSeconds: number },
): TaskRecord {
  const unknown = { accepted: null, created: null, scheduled: null, pulled: null, started: null, finished: null }
  return {
    id: name,
    task_id: identity.taskId,
    execution_id: identity.executionId,
    worker_id: identity.workerId,
    title: null,
    labels: {},
    priority: 0,
    state: finished.kind,
    reason: null,
    retryable: null,
    exit_code: null,
    message: 'it has finished, and its Job was cleaned up since',
    queue_position: null,
    times: { ...unknown, reported: new Date(finished.closedSeconds * 1000).toISOString() },
    job: name,
    pod: null,
    node: null,
    delivery: { state: 'none', attempts: 0, next_at: null, last_error: null },
  }
}

export const TaskList = Type.Object({ items: Type.Array(TaskRecord), next_cursor: Nullable(Type.String()) })
export type TaskList = Static<typeof TaskList>

export const ProblemBody = Type.Object(
  {
    type: Type.String({ description: 'Where this kind of problem is explained.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; for programs.' }),
    detail: Type.String(),
    instance: Type.String({ description: 'The request’s id, as in the log.' }),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details.' },
)
export type ProblemBody = Static<typeof ProblemBody>
