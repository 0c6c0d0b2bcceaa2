/** GET pods/NAME/log: a container's log, whole, in part or as it grows. */
import type { ServerResponse } from 'node:http'
import type { Cluster } from '../cluster.ts'
import type { LogFile, LogLine } from '../kubelet/log-file.ts'
import { badRequest } from '../status.ts'
import { parseTime } from '../time.ts'
import type { Pod } from '../types.ts'

export interface LogSource {
  log(podUid: string, container: string, previous: boolean): LogFile | undefined
}

interface LogOptions {
  timestamps: boolean
  tailLines: number | null
  limitBytes: number
  sinceMs: number
}

export async function sendLog(
  deps: { cluster: Cluster; logs: LogSource },
  pod: Pod,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const container = containerOf(pod, query.get('container'))
  const options = readOptions(query)
  const previous = query.get('previous') === 'true'
  const log = deps.logs.log(pod.metadata.uid, container, previous)
  if (log === undefined && previous)
    throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`)
  if (log === undefined) throw badRequest(`container "${container}" in pod "${pod.metadata.name}" is ${waitingFor(pod, container)}`)
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  const gone = new AbortController()
  response.on('close', () => gone.abort())

  let left = options.limitBytes
  let { lines, next } = log.read(0)
  lines = lines.filter((line) => !(parseTime(line.at) < options.sinceMs))
  if (options.tailLines !== null) lines = tail(lines, options.tailLines)
  for (;;) {
    const text = render(lines, options).subarray(0, left)
    left -= text.length
    if (text.length > 0 && !response.write(text)) await drained(response)
    if (left <= 0 || gone.signal.aborted) break
    if (query.get('follow') !== 'true') break
    const ended = log.ended()
    const more = log.read(next)
    lines = more.lines
    next = more.next
    if (lines.length > 0) continue
    if (ended) break
    await log.changed(gone.signal)
  }
  response.end()
}

function containerOf(pod: Pod, wanted: string | null): string {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((container) => container.name)
  const list = (names: string[]): string => `[${names.join(' ')}]`
  if (wanted !== null && wanted !== '') {
    if (all.includes(wanted)) return wanted
    throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`)
  }
  const [only] = pod.spec.containers
  if (pod.spec.containers.length === 1 && only !== undefined) return only.name
  const inits = (pod.spec.initContainers ?? []).map((container) => container.name)
  const initNote = inits.length === 0 ? '' : ` or one of the init containers: ${list(inits)}`
  throw badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: ${list(pod.spec.containers.map(({ name }) => name))}${initNote}`,
  )
}

function waitingFor(pod: Pod, container: string): string {
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
  const waiting = statuses.find((status) => status.name === container)?.state.waiting
  if (waiting?.reason === 'ErrImagePull' || waiting?.reason === 'ImagePullBackOff')
    return `waiting to start: trying and failing to pull image`
  return `waiting to start: ${waiting?.reason ?? 'ContainerCreating'}`
}

function readOptions(query: URLSearchParams): LogOptions {
  const number = (name: string): number | null => {
    const text = query.get(name)
    if (text === null || text === '') return null
    if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
    return Number(text)
  }
  const seconds = number('sinceSeconds')
  const sinceTime = query.get('sinceTime')
  return {
    timestamps: query.get('timestamps') === 'true',
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes') ?? Number.POSITIVE_INFINITY,
    sinceMs: seconds === null ? (sinceTime === null ? Number.NEGATIVE_INFINITY : parseTime(sinceTime)) : Date.now() - seconds * 1000,
  }
}

/** The last so many lines; pieces of one long line count as one. */
function tail(lines: readonly LogLine[], count: number): LogLine[] {
  let from = lines.length
  let seen = 0
  while (from > 0) {
    const startsLine = from === lines.length || lines[from - 1]?.complete === true
    if (startsLine && seen === count) break
    if (startsLine) seen += 1
    from -= 1
  }
  return lines.slice(from)
}

function render(lines: readonly LogLine[], options: LogOptions): Buffer {
  const newline = Buffer.from('\n')
  return Buffer.concat(
    lines.flatMap((line) => [...(options.timestamps ? [Buffer.from(`${line.at} `)] : []), line.text, ...(line.complete ? [newline] : [])]),
  )
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve)
    response.once('close', resolve)
  })
}
