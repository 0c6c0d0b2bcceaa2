// Looks on from outside, on one clock: receives the callbacks, and watches Jobs and Pods as a raw client would.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { watchRaw } from '../baselines/raw-watch.ts'
import { serveCalls } from '../lib/child.ts'
import { type Credentials, createRawClient, jobsPath, podsPath } from '../lib/kube.ts'

export interface Seen {
  /** By Job name, epoch milliseconds. */
  jobCreated: Record<string, number>
  jobComplete: Record<string, number>
  podEnded: Record<string, number>
  /** Verdicts by task id. */
  callback: Record<string, number>
  /** Verdicts that came more than once. */
  repeated: number
  started: number
  /** The Job's name of a task id. */
  jobOfTask: Record<string, string>
}

let seen = empty()
let stopWatching = (): void => {}

function empty(): Seen {
  return { jobCreated: {}, jobComplete: {}, podEnded: {}, callback: {}, repeated: 0, started: 0, jobOfTask: {} }
}

const now = (): number => performance.timeOrigin + performance.now()

const receiver = createServer((request, response) => {
  // The request is on the wire: what the body takes to be read is not the sender's time.
  const atMs = now()
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.writeHead(204).end()
    const { type, data } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { type: string; data: { task_id: string } }
    if (type === 'task_started') seen.started++
    else if (seen.callback[data.task_id] !== undefined) seen.repeated++
    else seen.callback[data.task_id] = atMs
  })
})

interface Meta {
  name: string
  resourceVersion?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}
interface JobObject {
  metadata: Meta
  status?: { conditions?: { type: string; status: string }[] }
}
interface PodObject {
  metadata: Meta
  status?: { phase?: string }
}

function sawJob(type: string, { metadata, status }: JobObject, atMs: number): void {
  const { name, annotations } = metadata
  if (type === 'DELETED') return
  seen.jobCreated[name] ??= atMs
  const taskId = annotations?.['jobhook.dev/task-id']
  if (taskId !== undefined) seen.jobOfTask[taskId] ??= name
  const finished = status?.conditions?.some((condition) => condition.status === 'True' && ['Complete', 'Failed'].includes(condition.type))
  if (finished) seen.jobComplete[name] ??= atMs
}

function sawPod(type: string, { metadata, status }: PodObject, atMs: number): void {
  const job = metadata.labels?.['batch.kubernetes.io/job-name']
  if (job === undefined || type === 'DELETED') return
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') seen.podEnded[job] ??= atMs
}

serveCalls({
  async listen() {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks/tasks`
  },
  async watch(credentials: Credentials) {
    const client = createRawClient(credentials, 4)
    const ending = new AbortController()
    stopWatching = () => ending.abort()
    const { namespace } = credentials
    await Promise.all([
      watchRaw<JobObject>(client, jobsPath(namespace), sawJob, ending.signal),
      watchRaw<PodObject>(client, podsPath(namespace), sawPod, ending.signal),
    ])
  },
  stopWatching: () => stopWatching(),
  reset() {
    seen = empty()
  },
  counts: () => ({
    jobs: Object.keys(seen.jobCreated).length,
    podsEnded: Object.keys(seen.podEnded).length,
    complete: Object.keys(seen.jobComplete).length,
    callbacks: Object.keys(seen.callback).length,
    started: seen.started,
    repeated: seen.repeated,
  }),
  seen: () => seen,
})
