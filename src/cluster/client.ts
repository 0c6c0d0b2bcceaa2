// One HTTP request to the Kubernetes API: credentials, timeout, retries of what may be retried, errors as data. Knows no resource.
import type { Readable } from 'node:stream'
import { type Dispatcher, request as httpRequest } from 'undici'
import { backoffMs } from '../lib/backoff.ts'
import { type Clock, sleep } from '../lib/clock.ts'
import { type Answer, exchange } from '../lib/exchange.ts'
import { PROTOBUF_OR_JSON } from '../lib/kube-status.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KubeError, KubeResult } from '../model/kube-api.ts'
import type { Came, Concurrency } from './concurrency.ts'
import type { Connection, Pool } from './connection.ts'
import { errorFromAnswer, errorFromThrown } from './errors.ts'

export interface KubeRequest {
  verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'
  /** For metrics: jobs, pods, secrets, … */
  resource: string
  path: string
  query?: Record<string, string>
  /** JSON text or a value to be encoded. */
  body?: unknown
  contentType?: string
  accept?: string
  pool?: Pool
  /** Whole request including the body; default 10 s. */
  timeoutMs?: number
  signal?: AbortSignal
  /** How often to try in all; 1 = no retry. Default 3. Everything sent through here is safe to repeat (deterministic names, uid preconditions). */
  attempts?: number
  /** Reads the body's text instead of JSON.parse; null: what a 2xx says is of no interest, and not even read. */
  parse?: ((text: string) => unknown) | null
  /** Called with the headers of each answer, whatever its status. */
  onHeaders?: (headers: Record<string, string | string[] | undefined>) => void
}

export interface KubeClient {
  /** Sends and parses JSON. Never throws for an answer or a broken connection; throws only the caller's own abort. */
  send<T>(request: KubeRequest): Promise<KubeResult<T>>
  /** Sends and hands back the body as a stream: watches and logs. The caller reads or destroys it. */
  stream(request: KubeRequest): Promise<KubeResult<Readable>>
}

const METHODS = { get: 'GET', list: 'GET', watch: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE' } as const

/** The body of a deletion that is refused with 409 when another object bears the name now. */
export const onlyThis = (uid: string) => ({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } })

/** A Retry-After longer than this is the caller's business, not worth holding a request for. */
const LONGEST_WAIT_MS = 5_000

export function createKubeClient(deps: {
  connection: Connection
  concurrency: Concurrency
  clock: Clock
  metrics: Metrics
  userAgent: string
  /** Told the API server's Date (epoch ms, whole seconds) with each answer, and how long the request took. */
  onDate?: (serverMs: number, tookMs: number) => void
}): KubeClient {
  const { connection, concurrency, clock, metrics } = deps

  /** One try: sends, reads what came, counts it. `read` gets the answer to what was asked. */
  async function attempt<A extends Head, T>(
    request: KubeRequest,
    open: (request: KubeRequest, prepared: Prepared) => Promise<A>,
    read: (answer: A) => T,
    errorText: (answer: A) => string | Promise<string>,
  ): Promise<KubeResult<T>> {
    const pool = request.pool ?? 'requests'
    const leave = pool === 'requests' ? await concurrency.enter(request.signal) : null
    const started = performance.now()
    let status = 0
    try {
      const answer = await open(request, await connection.prepare(pool))
      status = answer.status
      request.onHeaders?.(answer.headers)
      if (deps.onDate) {
        const dateMs = parseDate(String(answer.headers.date))
        if (!Number.isNaN(dateMs)) deps.onDate(dateMs, performance.now() - started)
      }
      if (status >= 200 && status < 300) return { ok: true, value: read(answer) }
      if (status === 401) connection.invalidate()
      return { ok: false, error: errorFromAnswer(status, await errorText(answer), answer.headers['retry-after']) }
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason
      return { ok: false, error: errorFromThrown(error) }
    } finally {
      if (leave) leave(cameOf(status))
      else if (status === 429) concurrency.refused()
      metrics.kubeRequests.inc({ verb: request.verb, resource: request.resource, status: String(status) })
      if (request.verb !== 'watch') metrics.kubeSeconds.observe({ verb: request.verb }, (performance.now() - started) / 1000)
    }
  }

  async function withRetries<T>(request: KubeRequest, attempt: () => Promise<KubeResult<T>>): Promise<KubeResult<T>> {
    const attempts = request.attempts ?? 3
    let unknownBefore = false
    for (let tries = 1; ; tries++) {
      const result = await attempt()
      if (result.ok) return result
      const waitMs = result.error.retryAfterMs ?? backoffMs(tries, { baseMs: 100, capMs: 2_000 })
      if (tries >= attempts || !worthRetry(result.error, request) || waitMs > LONGEST_WAIT_MS) {
        return {
          ok: false,
          // An earlier try may have gone through, whatever the last one hears: a quota that it has filled refuses the next. Only 409 tells.
          error: { ...result.error, outcomeUnknown: result.error.outcomeUnknown || (unknownBefore && result.error.status !== 409) },
        }
      }
      unknownBefore ||= result.error.outcomeUnknown
      await sleep(clock, waitMs, request.signal)
    }
  }

  function optionsOf(request: KubeRequest, prepared: Prepared): DispatchOptions {
    const { body } = request
    const headers: Record<string, string> = {
      ...prepared.headers,
      accept: request.accept ?? (request.parse === null ? PROTOBUF_OR_JSON : 'application/json'),
      'user-agent': deps.userAgent,
      // From 1.37 watches may come gzipped, one member an event; and small answers gain nothing from it.
      'accept-encoding': 'identity',
    }
    if (body !== undefined) headers['content-type'] = request.contentType ?? 'application/json'
    return {
      origin: connection.origin,
      path: `${connection.prefix}${request.path}${queryText(request.query)}`,
      method: METHODS[request.verb],
      headers,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }
  }

  const whole = (request: KubeRequest, prepared: Prepared): Promise<Answer> =>
    exchange({
      dispatcher: prepared.dispatcher,
      options: optionsOf(request, prepared),
      // bodyTimeout never fires on a body that drips: the whole request gets a deadline.
      timeoutMs: request.timeoutMs ?? 10_000,
      signal: request.signal,
      body: request.parse === null ? 'ignored' : 'text',
    })

  async function streamed(request: KubeRequest, prepared: Prepared) {
    const { origin, path, ...options } = optionsOf(request, prepared)
    const { statusCode, headers, body } = await httpRequest(`${origin}${path}`, {
      ...options,
      dispatcher: prepared.dispatcher,
      signal: streamSignal(request),
    })
    return { status: statusCode, headers, body }
  }

  return {
    send: <T>(request: KubeRequest) => {
      const parse = request.parse === undefined ? JSON.parse : (request.parse ?? (() => null))
      const read = ({ text }: Answer): T => parse(text) as T
      return withRetries<T>(request, () => attempt(request, whole, read, ({ text }) => text))
    },
    stream: (request) =>
      withRetries<Readable>(request, () =>
        attempt(
          request,
          streamed,
          ({ body }): Readable => body,
          ({ body }) => body.text(),
        ),
      ),
  }
}

type Prepared = Awaited<ReturnType<Connection['prepare']>>
type DispatchOptions = Dispatcher.DispatchOptions & { origin: string }
type Head = Pick<Answer, 'status' | 'headers'>

function cameOf(status: number): Came {
  if (status === 429) return 'refused'
  return status > 0 && status < 500 ? 'served' : 'unknown'
}

/** A 401 is tried once more with fresh credentials: the token may just have been rotated. */
function worthRetry(error: KubeError, request: KubeRequest): boolean {
  return (error.retryable || error.status === 401) && request.verb !== 'watch'
}

function streamSignal(request: KubeRequest): AbortSignal | null {
  const endless = request.verb === 'watch' || request.pool === 'logs'
  if (endless) return request.signal ?? null
  const deadline = AbortSignal.timeout(request.timeoutMs ?? 10_000)
  return request.signal ? AbortSignal.any([deadline, request.signal]) : deadline
}

/** Requests of one second share their Date. */
let lastDate: { text: string; ms: number } = { text: '', ms: Number.NaN }

function parseDate(text: string): number {
  if (lastDate.text !== text) lastDate = { text, ms: Date.parse(text) }
  return lastDate.ms
}

function queryText(query: Record<string, string> | undefined): string {
  const text = query ? new URLSearchParams(query).toString() : ''
  return text === '' ? '' : `?${text}`
}
