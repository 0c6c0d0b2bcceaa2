// The callbacks' bodies as schemas: for the OpenAPI document and for receivers that want to check them.
import { Type } from '@sinclair/typebox'

const identity = {
  task_id: Type.String(),
  execution_id: Type.String(),
  worker_id: Type.String(),
}
const nullableTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])
const exitCode = Type.Union([Type.Integer(), Type.Null()], { description: 'Normalised to 128+signal; null when it could not be known.' })
const detail = Type.Optional(
  Type.Record(Type.String(), Type.Unknown(), { description: 'container, pod, node, cause, signal, log_tail, …' }),
)
const output = Type.Optional(
  Type.Record(Type.String(), Type.Unknown(), {
    description:
      'The container’s termination message when it is a JSON object of at most 4 KiB; values of the task’s Secret are taken out.',
  }),
)

export const StartedMessage = Type.Object({
  type: Type.Literal('task_started'),
  data: Type.Object({
    ...identity,
    started_at: nullableTime,
    node: Type.Union([Type.String(), Type.Null()]),
    pod: Type.Union([Type.String(), Type.Null()]),
  }),
})

export const CompletedMessage = Type.Object(
  {
    type: Type.Literal('task_completed'),
    data: Type.Object({
      ...identity,
      message: Type.String(),
      task_state: Type.Optional(Type.Literal('CANCELLED', { description: 'Present when the task was cancelled.' })),
      exit_code: exitCode,
      started_at: nullableTime,
      finished_at: nullableTime,
      output,
      detail,
    }),
  },
  { description: 'A task that ended well, or was cancelled.' },
)

export const FailedMessage = Type.Object({
  type: Type.Literal('task_failed'),
  data: Type.Object({
    ...identity,
    message: Type.String(),
    failure_reason: Type.Union([Type.String(), Type.Null()]),
    exit_code: exitCode,
    retryable: Type.Union([Type.Boolean(), Type.Null()]),
    phase: Type.Union([Type.String(), Type.Null()]),
    started_at: nullableTime,
    finished_at: nullableTime,
    output,
    detail,
  }),
})
