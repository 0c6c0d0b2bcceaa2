// What an API server says, bent: lines cut anywhere, fields of any type. Reading goes on, what can be read is kept, and every state has an answer.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readLines } from '../../../src/informer/lines.ts'
import type { JobView, PodView } from '../../../src/model/kube.ts'
import { projectEvent, projectJob, projectPod } from '../../../src/model/project.ts'
import { classify, isClosed, readStopMark, taskState } from '../../../src/outcome/index.ts'
import { readVerdict } from '../../../src/reconcile/index.ts'
import { at, condition, deadlines, exited, running, waiting } from '../../outcome/raw.ts'
import { type Bytes, bytesOf, latin1, mutated } from '../mutate.ts'
import { assertUnpolluted, type Target } from '../target.ts'

interface Input {
  lines: Bytes
  /** Where the stream is cut into chunks. */
  cuts: number[]
}

const metadata = {
  name: 'task-t-abc',
  uid: 'u-1',
  resourceVersion: '5',
  creationTimestamp: at('12:00:00'),
  labels: { 'jobhook.dev/worker': 'w' },
  annotations: {
    'jobhook.dev/task-id': 't',
    'jobhook.dev/stop': '{"reason":"task_cancelled","at":"2026-11-24T12:00:03Z"}',
    'jobhook.dev/verdict': '{"type":"task_failed"}',
  },
  finalizers: ['jobhook.dev/report'],
}
const job = {
  kind: 'Job',
  apiVersion: 'batch/v1',
  metadata,
  spec: { suspend: false, parallelism: 1, activeDeadlineSeconds: 60 },
  status: { startTime: at('12:00:01'), failed: 1, conditions: [condition('Failed', 'True', '12:00:09', 'BackoffLimitExceeded')] },
}
const pod = (state: object): object => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    ...metadata,
    name: 'task-t-abc-x',
    uid: 'p-1',
    ownerReferences: [{ kind: 'Job', name: 'task-t-abc', uid: 'u-1', controller: true }],
  },
  spec: { nodeName: 'n', containers: [{ name: 'task' }], initContainers: [{ name: 'setup', restartPolicy: 'Always' }] },
  status: {
    phase: 'Running',
    conditions: [condition('PodScheduled', 'True', '12:00:02')],
    initContainerStatuses: [{ name: 'setup', state: exited(0) }],
    containerStatuses: [{ name: 'task', state, lastState: exited(1), restartCount: 1 }],
  },
})
const event = {
  kind: 'Event',
  metadata: { name: 'e', uid: 'e-1' },
  reason: 'FailedMount',
  message: 'no',
  type: 'Warning',
  involvedObject: { name: 'task-t-abc-x' },
  lastTimestamp: at('12:00:05'),
}
const LINES: readonly Bytes[] = [
  [job, pod(running())],
  [job, pod(exited(137, 'OOMKilled'))],
  [pod(waiting('ErrImagePull', 'x')), event],
  [{ kind: 'Bookmark', metadata: { resourceVersion: '9' } }, job],
].map((objects) => objects.map((object) => `${latin1(JSON.stringify({ type: 'MODIFIED', object }))}\n`).join(''))

export const watch: Target<Input> = {
  name: 'watch',
  inputs: fc.record({ lines: mutated(LINES), cuts: fc.array(fc.nat({ max: 4_000 }), { maxLength: 4 }) }),
  runs: 6_000,
  async check({ lines, cuts }) {
    const bytes = bytesOf(lines)
    const jobs: JobView[] = []
    const pods: PodView[] = []
    let whole = ''
    const read: string[] = []
    for await (const part of readLines(chunks(bytes, cuts))) {
      whole += part.lines.map((line) => (part.complete ? `${line}\n` : line)).join('')
      read.push(...part.lines)
    }
    for (const text of read) {
      const object = objectOf(text)
      for (const [project, kept] of [
        [projectJob, jobs],
        [projectPod, pods],
      ] as const) {
        try {
          kept.push(project(object) as JobView & PodView)
        } catch (error) {
          const { name, uid } = ((object as { metadata?: unknown } | null)?.metadata ?? {}) as { name?: unknown; uid?: unknown }
          if (typeof name === 'string' && name !== '' && typeof uid === 'string' && uid !== '') throw error
        }
      }
      projectEvent(object)
    }
    assert.equal(whole, bytes.toString('utf8'), 'no byte is lost between chunks')
    assertUnpolluted()
    for (const each of jobs) {
      for (const seen of [[], pods.slice(0, 1), pods]) {
        const outcome = classify({ job: each, pods: seen }, { deadlines }, Date.parse(at('12:30:00')))
        assert.ok(['live', 'ended', 'stop'].includes(outcome.kind) || typeof outcome.kind === 'string')
        taskState({ job: each, pods: seen }, outcome)
      }
      readStopMark(each)
      readVerdict(each)
      isClosed(each)
    }
  },
}

function objectOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { object?: unknown } | null)?.object
  } catch {
    return undefined
  }
}

async function* chunks(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    if (cut <= from || cut >= bytes.length) continue
    yield bytes.subarray(from, cut)
    from = cut
  }
  yield bytes.subarray(from)
}
