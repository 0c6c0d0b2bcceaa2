// Reading and following a task's log for REST: which Pod and container, what is said when there is nothing to read, bounded readers. Raw: nothing is
// taken out. Works on every replica, from its own cache and a stream of its own.
import type { Readable } from 'node:stream'
import { type Clock, sleep } from '../lib/clock.ts'
import { describeError } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { TASK_CONTAINER } from '../model/keys.ts'
import type { ContainerView, PodView } from '../model/kube.ts'
import type { KubeError } from '../model/kube-api.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import { podThatCounts } from '../model/task-pod.ts'
import { lastBytes } from './ring.ts'
import { hasLog } from './source.ts'
import type { LogQuery, ReadLog } from './types.ts'

/** What a task is to this stage. */
export interface LogTask {
  /** The Job's name. */
  id: string
  state: string
  message: string | null
}

export interface LogRequest {
  follow: boolean
  /** Lines from the end; null: all that is held. */
  tailLines: number | null
  container: string | null
  /** Epoch ms. */
  sinceMs: number | null
}

/** `note`: jobhook's own words, not the task's. */
export type LogPart = { kind: 'bytes'; bytes: Buffer } | { kind: 'note'; text: string }

export type LogAnswer = { ok: true; parts: AsyncIterable<LogPart> } | { ok: false; refusal: Refusal }

export interface LogReader {
  /** `signal` ends it, and with it the stream from the cluster. */
  read(id: string, request: LogRequest, signal: AbortSignal): Promise<LogAnswer>
  /** Ends every follower: the service stops. */
  close(): void
}

export interface LogReaderDeps {
  find: (id: string) => Promise<{ ok: true; task: LogTask | null } | { ok: false; refusal: Refusal }>
  podsOf: (jobName: string) => readonly PodView[]
  onChange: (listener: (jobName: string) => void) => () => void
  readLog: ReadLog
  clock: Clock
  metrics: Metrics
}

export const READER_LIMITS = { maxFollowers: 128, maxReads: 16, readTimeoutMs: 30_000 }

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

type Found =
  | { kind: 'ready'; pod: PodView; container: ContainerView }
  | { kind: 'later'; why: string }
  | { kind: 'never'; refusal: Refusal }

export function createLogReader(deps: LogReaderDeps, options: typeof READER_LIMITS & { limitBytes: number }): LogReader {
  const closing = new AbortController()
  let followers = 0
  let reads = 0

  /** Where the log is to be read now. `later`: the container has not started and still may. */
  function look(task: LogTask, wanted: string | null): Found {
    const pods = deps.podsOf(task.id)
    const pod = podThatCounts(pods)
    const isEnded = ENDED.has(task.state)
    const name = wanted ?? TASK_CONTAINER
    if (!pod) return isEnded ? never(gone('the task has ended and its Pod is gone')) : later('it has no Pod yet', null)
    const container = pod.containers.find((each) => each.name === name)
    if (!container) {
      const names = pod.containers.map((each) => each.name).join(', ')
      return never(refusal('not_found', `the task has no container of this name; it has ${names}`))
    }
    if (pod.gone) return never(gone(`the Pod ${pod.name} is gone`))
    if (hasLog(container)) return { kind: 'ready', pod, container }
    const others = pod.containers.filter(hasLog).map((each) => each.name)
    if (isEnded || pod.phase === 'Failed' || pod.phase === 'Succeeded' || container.state?.kind === 'terminated') {
      const why = `the container ${name} never ran${task.message ? `: ${task.message}` : ''}`
      return never(refusal('not_found', others.length > 0 ? `${why} (a log is there of: ${others.join(', ')}; see ?container=)` : why))
    }
    const { state } = container
    return later(state?.kind === 'waiting' && state.reason !== '' ? `${name}: ${state.reason}` : `${name} waits`, others)
  }

  async function* followParts(task: LogTask, request: LogRequest, first: Found, signal: AbortSignal): AsyncGenerator<LogPart> {
    let found = first
    if (found.kind === 'later') {
      yield { kind: 'note', text: `waiting for the container to start (${found.why})` }
      found = await untilStarted(task.id, request.container, signal)
    }
    if (found.kind !== 'ready') return yield { kind: 'note', text: found.kind === 'never' ? found.refusal.detail : found.why }
    const { pod, container } = found
    const opened = await deps.readLog(pod.name, { ...queryOf(container.name, request), follow: true }, signal)
    if (!opened.ok) return yield { kind: 'note', text: refusalOf(opened.error, pod.name).detail }
    yield* bytesOf(opened.value)
    // The stream also ends when the connection to the node does: then the container runs on.
    const now = deps.podsOf(task.id).find((each) => each.uid === pod.uid)
    const state = now?.containers.find((each) => each.name === container.name)?.state
    if (now && !now.gone && now.phase === 'Running' && state?.kind === 'running') {
      await Promise.race([sleep(deps.clock, SETTLE_MS, signal), changeOf(task.id, signal)])
      const later = deps.podsOf(task.id).find((each) => each.uid === pod.uid)
      if (later?.containers.find((each) => each.name === container.name)?.state?.kind === 'running' && !later.gone)
        yield { kind: 'note', text: 'the stream has ended, but the container seems to run on: follow again, with since= or tail=' }
    }
  }

  /** Resolves at the next change of this task in the cache, or after a while: the cache may have missed what a live read knows. */
  function changeOf(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        off()
        cancel()
        signal.removeEventListener('abort', onAbort)
        settle()
      }
      const onAbort = (): void => done(() => reject(signal.reason))
      const off = deps.onChange((name) => name === id && done(resolve))
      const cancel = deps.clock.after(RECHECK_MS, () => done(resolve))
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async function untilStarted(id: string, container: string | null, signal: AbortSignal): Promise<Found> {
    for (;;) {
      await changeOf(id, signal)
      const again = await deps.find(id)
      if (!again.ok) continue
      if (!again.task) return never(gone('the task’s Job is gone'))
      const found = look(again.task, container)
      if (found.kind !== 'later') return found
    }
  }

  /** The whole of what is held, bounded: its last bytes. */
  async function readAll(pod: PodView, container: ContainerView, request: LogRequest, signal: AbortSignal): Promise<LogAnswer> {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(options.readTimeoutMs)])
    try {
      const opened = await deps.readLog(pod.name, queryOf(container.name, request), ended)
      if (!opened.ok) return { ok: false, refusal: refusalOf(opened.error, pod.name) }
      const { bytes, droppedBytes } = await lastBytes(opened.value, options.limitBytes)
      const note = `the first ${droppedBytes} bytes are left out: the last ${bytes.length} follow (log_limit_bytes; ask for less with tail= or since=)`
      return { ok: true, parts: listed([...(droppedBytes > 0 ? [{ kind: 'note', text: note } as const] : []), { kind: 'bytes', bytes }]) }
    } catch (error) {
      return { ok: false, refusal: refusal('cluster_unavailable', `the log could not be read: ${describeError(error)}`, { cause: error }) }
    }
  }

  function count(follow: boolean, by: 1 | -1): void {
    if (follow) followers += by
    else reads += by
    deps.metrics.logStreams.set({ for: 'rest' }, followers + reads)
  }

  /** Counted from its first part on: a caller who has left before that never begins it, and then nothing would end it. */
  async function* counted(parts: AsyncGenerator<LogPart>, signal: AbortSignal): AsyncGenerator<LogPart> {
    count(true, 1)
    try {
      yield* parts
    } catch (error) {
      if (closing.signal.aborted) yield { kind: 'note', text: 'this replica is shutting down: follow again' }
      else if (!signal.aborted) yield { kind: 'note', text: `the stream broke off: ${describeError(error)}` }
    } finally {
      count(true, -1)
    }
  }

  return {
    async read(id, request, callerSignal) {
      const answer = await deps.find(id)
      if (!answer.ok) return answer
      const { task } = answer
      if (!task) return refuse(refusal('not_found', 'no task has this id: finished tasks are kept until their retention ends'))
      const found = look(task, request.container)
      if (found.kind === 'never') return refuse(found.refusal)
      if (found.kind === 'later' && !request.follow)
        return refuse(refusal('not_started', `the container has not started (${found.why}): try again, or wait for it with follow=true`))
      if (request.follow ? followers >= options.maxFollowers : reads >= options.maxReads)
        return refuse(refusal('overloaded', 'too many logs are being read on this replica', { retryAfterSeconds: 2 }))
      const signal = AbortSignal.any([callerSignal, closing.signal])
      if (request.follow) return { ok: true, parts: counted(followParts(task, request, found, signal), signal) }
      if (found.kind !== 'ready') return refuse(refusal('not_started', found.why))
      count(false, 1)
      return readAll(found.pod, found.container, request, signal).finally(() => count(false, -1))
    },
    close: () => closing.abort(new Error('stopping')),
  }
}

/** How long the cache may lag behind the end of a stream. */
const SETTLE_MS = 2_000
const RECHECK_MS = 5_000

function later(why: string, others: readonly string[] | null): Found {
  return { kind: 'later', why: others && others.length > 0 ? `${why}; a log is there of: ${others.join(', ')}` : why }
}

function never(refused: Refusal): Found {
  return { kind: 'never', refusal: refused }
}

function refuse(refused: Refusal): LogAnswer {
  return { ok: false, refusal: refused }
}

function gone(what: string): Refusal {
  return refusal('gone', `${what}, and its log with it; the end of a failed task’s log is in its report (detail.log_tail)`)
}

function refusalOf(error: KubeError, pod: string): Refusal {
  if (error.status === 404) return gone(`the Pod ${pod} is gone`)
  // The kubelet's words: container "task" in pod "…" is waiting to start: ContainerCreating.
  if (error.status === 400) return refusal('not_started', error.message)
  return refusal('cluster_unavailable', `the log could not be read: ${error.message}`, {
    ...(error.retryAfterMs === null ? {} : { retryAfterSeconds: Math.ceil(error.retryAfterMs / 1000) }),
    cause: error.cause,
  })
}

function queryOf(container: string, { tailLines, sinceMs }: LogRequest): LogQuery {
  return {
    container,
    ...(tailLines === null ? {} : { tailLines }),
    ...(sinceMs === null ? {} : { sinceTime: new Date(sinceMs).toISOString() }),
  }
}

async function* bytesOf(stream: Readable): AsyncGenerator<LogPart> {
  for await (const bytes of stream) yield { kind: 'bytes', bytes: bytes as Buffer }
}

async function* listed(parts: LogPart[]): AsyncGenerator<LogPart> {
  yield* parts
}
