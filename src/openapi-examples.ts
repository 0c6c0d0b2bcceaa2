// One example or more for every request and every good answer of the OpenAPI document, by operationId. A test holds each against its schema, and asks
// for one where there is none. Problems have theirs in the problems table.

type Examples = Record<string, { summary: string; value: unknown }>
interface OperationExamples {
  request?: Examples
  /** By status, then by content type where it is not JSON. */
  responses?: Record<string, Record<string, Examples>>
}

const JSON_TYPE = 'application/json'
const one = (summary: string, value: unknown): Examples => ({ example: { summary, value } })

const ID = 'task-t-42-kxq3mzv7w5n2ab4c'
const IDENTITY = { task_id: 't-42', execution_id: 'e-1', worker_id: 'w1' }
const TIMES = {
  accepted: '2026-11-26T09:00:00.000Z',
  created: '2026-11-26T09:00:00.000Z',
  scheduled: '2026-11-26T09:00:00.000Z',
  pulled: '2026-11-26T09:00:04.000Z',
  started: '2026-11-26T09:00:04.000Z',
  finished: null,
  reported: null,
}
const RUNNING = {
  id: ID,
  ...IDENTITY,
  title: 'Fix the build',
  labels: { team: 'web' },
  priority: 0,
  state: 'running',
  reason: null,
  retryable: null,
  exit_code: null,
  message: null,
  queue_position: null,
  times: TIMES,
  job: ID,
  pod: `${ID}-9x2kd`,
  node: 'node-3',
  delivery: { state: 'none', attempts: 0, next_at: null, last_error: null },
}
const ACCEPTED = {
  ...RUNNING,
  state: 'pending',
  message: 'waiting for a Pod',
  times: { ...TIMES, scheduled: null, pulled: null, started: null },
  pod: null,
  node: null,
}
const ENDED = {
  ...RUNNING,
  state: 'completed',
  exit_code: 0,
  message: 'the task completed',
  times: { ...TIMES, finished: '2026-11-26T09:03:10.000Z', reported: '2026-11-26T09:03:10.412Z' },
  delivery: { state: 'delivered', attempts: 1, next_at: null, last_error: null },
}
const GENERIC = {
  task_id: 't-42',
  execution_id: 'e-1',
  task: { title: 'Fix the build' },
  docker_image: 'registry.example/dev:1.4',
  command: ['/bin/sh', '-c'],
  args: ['make test'],
  env_vars: { CI: 'true' },
  instance_shape: { vcpus: 2, memory_gb: 4 },
  timeout_seconds: 3600,
  labels: { team: 'web' },
  callback_url: 'https://control.example/hooks/tasks',
}
const AGENT = {
  task_id: 't-43',
  task: {
    id: 't-43',
    title: 'Fix the build',
    task_definition: { prompt: 'The build is red. Find out why, and fix it.' },
    owner: { Type: 'TEAM', Id: 7 },
    agent_config_snapshot: { harness: { type: 'oz' } },
  },
  docker_image: 'registry.example/dev:1.4',
  sidecar_image: 'registry.example/agent:9',
  additional_sidecars: [{ image: 'registry.example/tools:2', mount_path: '/mnt/tools', read_write: false }],
}
const DELIVERY = {
  id: ID,
  task_id: 't-42',
  execution_id: 'e-1',
  webhook_id: 'jobhook_6b1c7f0e-3f0a-4d0c-9a53-0f2c5f3d9e11_verdict',
  task_state: 'failed',
  reason: 'container_exit',
  state: 'dead',
  attempts: 9,
  next_at: null,
  closed_at: '2026-11-27T12:35:00.000Z',
  last_error: 'the receiver answered 503',
}
const OWED = { ...DELIVERY, state: 'owed', attempts: 0, closed_at: null }
const ENDED_TIMES = { started_at: '2026-11-26T09:00:04.000Z', finished_at: '2026-11-26T09:03:10.000Z' }
const MANIFEST = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: ID, labels: { 'app.kubernetes.io/managed-by': 'jobhook' } },
}
const CALLBACKS: Examples = {
  started: {
    summary: 'The task’s container runs',
    value: {
      type: 'task_started',
      data: { ...IDENTITY, started_at: ENDED_TIMES.started_at, node: RUNNING.node, pod: RUNNING.pod },
    },
  },
  completed: {
    summary: 'It ended well, and left a JSON object as its termination message',
    value: {
      type: 'task_completed',
      data: { ...IDENTITY, message: 'the task completed', exit_code: 0, ...ENDED_TIMES, output: { commit: '3f2a91c' } },
    },
  },
  cancelled: {
    summary: 'It was cancelled',
    value: {
      type: 'task_completed',
      data: { ...IDENTITY, message: 'the task was cancelled', task_state: 'CANCELLED', exit_code: 143, ...ENDED_TIMES },
    },
  },
  failed: {
    summary: 'It failed',
    value: {
      type: 'task_failed',
      data: {
        ...IDENTITY,
        message: 'the container exited with code 2',
        failure_reason: 'container_exit',
        exit_code: 2,
        retryable: false,
        phase: 'run',
        ...ENDED_TIMES,
        detail: { container: 'task', pod: RUNNING.pod, log_tail: 'make: *** [test] Error 1\n' },
      },
    },
  },
}
const answer = (status: string, summary: string, value: unknown, contentType = JSON_TYPE) => ({
  [status]: { [contentType]: one(summary, value) },
})
const TEXT = 'text/plain'

export const EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  problems: { responses: answer('200', 'A page', '<!doctype html><html lang="en">…</html>', 'text/html') },
  receiveWebhook: {
    request: {
      assignment: { summary: 'A task to run', value: { type: 'task_assignment', data: GENERIC } },
      agent: { summary: 'A task for the profile oz', value: { type: 'task_assignment', data: AGENT } },
      cancellation: { summary: 'Stop every execution of a task', value: { type: 'task_cancellation', data: { task_id: 't-42' } } },
      heartbeat: { summary: 'Nothing but: are you there', value: { type: 'heartbeat' } },
    },
    responses: {
      '202': {
        [JSON_TYPE]: {
          claimed: { summary: 'Durable', value: { type: 'task_claimed', data: { ...IDENTITY, id: ID } } },
          cancelled: { summary: 'Stopped', value: { task_id: 't-42', cancelled: ['e-1'] } },
          unknown: { summary: 'There was nothing to stop', value: { task_id: 't-42', cancelled: [] } },
        },
      },
    },
  },
  taskCallback: { request: CALLBACKS },
  callback: { request: CALLBACKS },
  submitTask: {
    request: {
      full: { summary: 'As the webhook’s data', value: GENERIC },
      least: { summary: 'The least: task_id is made up', value: { command: ['/bin/sh', '-c'], args: ['echo hello'] } },
    },
    responses: answer('202', 'Accepted', ACCEPTED),
  },
  listTasks: {
    responses: answer('200', 'A page of one task, and there is more', {
      items: [RUNNING],
      next_cursor: 'WzE3NjQxNDc2MDAwMDAsInRhc2stdC00MiJd',
    }),
  },
  getTask: {
    responses: {
      '200': {
        [JSON_TYPE]: {
          running: { summary: 'It runs', value: RUNNING },
          ended: { summary: 'It has ended, and that was reported', value: ENDED },
        },
      },
    },
  },
  cancelTask: {
    responses: {
      ...answer('200', 'It had ended', ENDED),
      ...answer('202', 'It is being stopped', { ...RUNNING, state: 'stopping', reason: 'task_cancelled' }),
    },
  },
  listenToEvents: {
    responses: answer(
      '200',
      'A task begins to run',
      'event: task\nid: 48151\ndata: {"id":"task-t-42-…","state":"running",…}\n\n',
      'text/event-stream',
    ),
  },
  getTaskLogs: {
    responses: {
      '200': {
        [TEXT]: one('Two lines', 'make test\nall 42 tests passed\n'),
        'text/event-stream': one('The same, and the end', 'data: make test\n\ndata: all 42 tests passed\n\nevent: end\ndata: \n\n'),
      },
    },
  },
  renderTask: {
    request: one('A task without an id', { command: ['/bin/sh', '-c'], args: ['make test'], env_vars: { TOKEN: 'not shown' } }),
    responses: {
      '200': {
        'application/yaml': one('For kubectl apply (shortened)', `apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: ${ID}\n`),
        [JSON_TYPE]: one('As JSON (shortened)', { items: [MANIFEST], warnings: [] }),
      },
    },
  },
  listDeliveries: { responses: answer('200', 'One dead letter', { items: [DELIVERY], next_cursor: null }) },
  replayDelivery: { responses: answer('202', 'Owed again', OWED) },
  replayDeliveries: {
    request: one('Since the control plane was down', { since: '2026-11-26T08:00:00Z' }),
    responses: answer('202', 'One is sent again', { replayed: [ID], failed: [] }),
  },
  livez: { responses: { ...answer('200', 'Alive', 'ok\n', TEXT), ...answer('503', 'Never', 'not ok\n', TEXT) } },
  startupz: {
    responses: { ...answer('200', 'Read', 'ok\n', TEXT), ...answer('503', 'Not yet', 'not ok: informer-jobs: not listed yet\n', TEXT) },
  },
  readyz: {
    responses: {
      ...answer(
        '200',
        'With ?verbose',
        '[+] informer-jobs: in step\n[+] informer-pods: in step\n[+] leader: this replica reports\nok\n',
        TEXT,
      ),
      ...answer('503', 'Draining', 'not ok: draining: this replica is shutting down\n', TEXT),
    },
  },
  metrics: {
    responses: answer('200', 'Prometheus’ text format (one of many)', '# TYPE jobhook_leader gauge\njobhook_leader 1\n', TEXT),
  },
}
