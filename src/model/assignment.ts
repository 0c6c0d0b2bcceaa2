// What a control plane may ask for: the schemas of the inbound messages. No I/O, no decisions.
// Unknown fields are allowed everywhere and kept out of decisions; null has been dropped before these schemas see the value (drop-nulls.ts).
import { type Static, Type } from '@sinclair/typebox'

/** No C0, DEL or C1 control characters: ids end up in logs, annotations and headers. */
const NO_CONTROL = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$'

export const TaskId = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: NO_CONTROL,
  description: 'The control plane’s id of the task: 1 to 256 characters, no control characters.',
})

export const ExecutionId = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: NO_CONTROL,
  description: 'One run of the task: follow-ups reuse task_id with another execution_id. Without it the task_id stands.',
})

const ImageReference = Type.String({
  minLength: 1,
  maxLength: 1024,
  pattern: '^\\S+$',
  description: 'A container image reference, without white space.',
})

export const AdditionalSidecar = Type.Object(
  {
    image: ImageReference,
    mount_path: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'Absolute path in the task’s container where the image’s files appear.',
    }),
    read_write: Type.Optional(Type.Boolean({ description: 'Whether the task may write there. Default false.' })),
  },
  { description: 'An image whose root file system is made available to the task at mount_path.' },
)
export type AdditionalSidecar = Static<typeof AdditionalSidecar>

const text = (description: string) => Type.String({ maxLength: 65536, description })
const flag = (description: string) => Type.Boolean({ description })

/** The agent’s settings; only the profile `oz` reads them, into command-line arguments. */
export const AgentConfigSnapshot = Type.Object({
  model_id: Type.Optional(text('Model, passed on when the harness is none or oz.')),
  profile_id: Type.Optional(text('Agent profile.')),
  skill_spec: Type.Optional(text('Skill.')),
  mcp_servers: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'MCP servers, passed on as JSON.' })),
  computer_use_enabled: Type.Optional(flag('Explicit choice of computer use; absent: on for oz, off for other harnesses.')),
  inference_providers: Type.Optional(
    Type.Object({
      aws: Type.Optional(
        Type.Object({
          disabled: Type.Optional(flag('Leave the Bedrock arguments out.')),
          role_arn: Type.Optional(text('Role for Bedrock inference.')),
          region: Type.Optional(text('Region of that role.')),
        }),
      ),
    }),
  ),
  harness: Type.Optional(Type.Object({ type: Type.Optional(text('oz, claude, codex, …')) })),
  session_sharing: Type.Optional(Type.Object({ public_access: Type.Optional(text('VIEWER or EDITOR; others are left out.')) })),
  no_snapshot: Type.Optional(flag('Take no snapshot at the end.')),
  snapshot_upload_timeout_secs: Type.Optional(Type.Integer({ minimum: 0, description: 'Seconds.' })),
  snapshot_script_timeout_secs: Type.Optional(Type.Integer({ minimum: 0, description: 'Seconds.' })),
  environment_id: Type.Optional(text('Environment.')),
  idle_timeout_minutes: Type.Optional(Type.Integer({ minimum: 0, description: 'Minutes the agent stays when done.' })),
})
export type AgentConfigSnapshot = Static<typeof AgentConfigSnapshot>

export const TaskDetails = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 256, description: 'The control plane’s own id of the task (task_id decides).' })),
    title: Type.Optional(Type.String({ maxLength: 4096, description: 'For people: shown in lists and on the page.' })),
    task_definition: Type.Optional(Type.Object({ prompt: Type.Optional(Type.String({ description: 'What the agent is asked.' })) })),
    owner: Type.Optional(
      Type.Object({
        Type: Type.Optional(Type.String({ maxLength: 64, description: 'TEAM or USER.' })),
        Id: Type.Optional(Type.Union([Type.Number(), Type.String({ maxLength: 256 })])),
      }),
    ),
    agent_config_snapshot: Type.Optional(AgentConfigSnapshot),
  },
  { description: 'The control plane’s record of the task; may be absent.' },
)
export type TaskDetails = Static<typeof TaskDetails>

const assignmentFields = {
  execution_id: Type.Optional(ExecutionId),
  task: Type.Optional(TaskDetails),
  docker_image: Type.Optional(ImageReference),
  sidecar_image: Type.Optional(ImageReference),
  additional_sidecars: Type.Optional(Type.Array(AdditionalSidecar, { maxItems: 32 })),
  env_vars: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description:
        'Environment of the task. Every value is treated as a secret: it goes into a Secret, never into the Job, a log or a page.',
    }),
  ),
  additional_oz_args: Type.Optional(
    Type.Array(Type.String(), { maxItems: 256, description: 'Profile oz: further arguments for the agent.' }),
  ),
  instance_shape: Type.Optional(
    Type.Object({
      vcpus: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 4096, description: 'CPU request and limit, in cores.' })),
      memory_gb: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 65536, description: 'Memory request and limit, in GiB.' })),
    }),
  ),
  command: Type.Optional(
    Type.Array(Type.String(), { minItems: 1, maxItems: 1024, description: 'Profile generic: the container’s entry point.' }),
  ),
  args: Type.Optional(Type.Array(Type.String(), { maxItems: 1024, description: 'Profile generic: the container’s arguments.' })),
  timeout_seconds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 31_536_000, description: 'Seconds from the start of the task’s container until it is stopped.' }),
  ),
  priority: Type.Optional(Type.Integer({ minimum: -1_000_000, maximum: 1_000_000, description: 'Order in the queue: higher goes first.' })),
  labels: Type.Optional(
    Type.Record(Type.String(), Type.String(), { description: 'For filters: a name and a value as Kubernetes allows them, at most 32.' }),
  ),
  callback_url: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2048, description: 'Where this task’s callbacks go, if its origin is on the allow list.' }),
  ),
}

/** `data` of a task_assignment. Only task_id is required; an image must come from it or from the configuration. */
export const Assignment = Type.Object({ task_id: TaskId, ...assignmentFields }, { description: 'A task to run.' })
export type Assignment = Static<typeof Assignment>

/** The same by REST, where task_id may be left to jobhook. */
export const RestAssignment = Type.Object({ task_id: Type.Optional(TaskId), ...assignmentFields }, { description: 'A task to run.' })
export type RestAssignment = Static<typeof RestAssignment>

/** `data` of a task_cancellation. Without execution_id every live execution of the task is meant. */
export const Cancellation = Type.Object({ task_id: TaskId, execution_id: Type.Optional(ExecutionId) })
export type Cancellation = Static<typeof Cancellation>

export const AssignmentMessage = Type.Object({ type: Type.Literal('task_assignment'), data: Assignment })
export const CancellationMessage = Type.Object({ type: Type.Literal('task_cancellation'), data: Cancellation })
export const HeartbeatMessage = Type.Object({ type: Type.Literal('heartbeat') })

export const INBOUND_TYPES = ['task_assignment', 'task_cancellation', 'heartbeat'] as const
export type InboundMessage =
  | { type: 'task_assignment'; data: Assignment }
  | { type: 'task_cancellation'; data: Cancellation }
  | { type: 'heartbeat' }

/** The identity of one run: what names the Job and dedupes deliveries. */
export interface TaskIdentity {
  workerId: string
  taskId: string
  executionId: string
}
