// A caller of jobhook who knows nothing but its OpenAPI document. Compiled by TypeScript 5 against the types generated from it (client.npm.ts), then run
// against a live service: URL and token in the environment. Prints what it learned as JSON.
import createClient from 'openapi-fetch'
import type { components, paths } from './jobhook.d.ts'

type Task = components['schemas']['Task']
type Callback = components['schemas']['CompletedMessage'] | components['schemas']['FailedMessage']

const client = createClient<paths>({
  baseUrl: process.env.JOBHOOK_URL ?? '',
  headers: { authorization: `Bearer ${process.env.JOBHOOK_TOKEN}` },
})

const submitted = await client.POST('/v1/tasks', {
  body: { command: ['/bin/sh', '-c'], args: ['echo typed'], labels: { made: 'by-client' }, timeout_seconds: 60 },
})
if (submitted.error) throw new Error(`${submitted.error.code}: ${submitted.error.detail}`)
let task: Task = submitted.data

while (task.state !== 'completed' && task.state !== 'failed' && task.state !== 'cancelled') {
  const found = await client.GET('/v1/tasks/{id}', { params: { path: { id: task.task_id } } })
  if (found.error) throw new Error(found.error.detail)
  task = found.data
  await new Promise((resolve) => setTimeout(resolve, 50))
}

const listed = await client.GET('/v1/tasks', {
  params: { query: { state: ['completed', 'failed'], label: 'made in (by-client)', limit: 5 } },
})
const log = await client.GET('/v1/tasks/{id}/logs', {
  params: { path: { id: task.id }, query: { tail: 10, follow: false } },
  parseAs: 'text',
})
const missing = await client.GET('/v1/tasks/{id}', { params: { path: { id: 'no/such task' } } })

/** What a receiver written against the document would do. */
function exitCodeOf(callback: Callback): number | null {
  return callback.data.exit_code
}

console.log(
  JSON.stringify({
    exitCode: task.exit_code,
    listed: listed.data?.items.map(({ id }) => id === task.id),
    nextCursor: listed.data?.next_cursor,
    log: log.data,
    missing: missing.error?.code,
    fromCallback: exitCodeOf({
      type: 'task_completed',
      data: { task_id: 't', execution_id: 'e', worker_id: 'w', message: '', exit_code: 0, started_at: null, finished_at: null },
    }),
  }),
)
