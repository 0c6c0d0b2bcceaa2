// One HTTP request to the Kubernetes API: credentials, timeout, retries of what may be retried, errors as data. Knows no resource.
import type { Readable } from 'node:stream'
import { request as httpRequest } from 'undici'
import { backoffMs } from '../lib/backoff.ts'
import { type Clock, sleep } from '../lib/clock.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KubeError, KubeResult } from '../model/kube-api.ts'
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
  /** Reads the body's text instead of JSON.parse. */
  parse?: (text: string) => unknown
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

/** A Retry-After longer than this is the caller's business, not worth holding a request for. */
const LONGEST_WAIT_MS = 5_000

export function createKubeClient(deps: {
  connection: Connection
  clock: Clock
  metrics: Metrics
  userAgent: string
  /** Told the API server's Date (epoch ms, whole seconds) with each answer, and how long the request took. */
  onDate?: (serverMs: number, tookMs: number) => void
}): KubeClient {
  const { connection, clock, metrics } = deps

  async function attempt<T>(request: KubeRequest, read: (body: ResponseBody) => Promise<T>): Promise<KubeResult<T>> {
    const started = performance.now()
    let status = 0
    try {
      const { dispatcher, headers } = await connection.prepare(request.pool ?? 'requests')
      const response = await httpRequest(`${connection.origin}${connection.prefix}${request.path}${queryText(request.query)}`, {
        method: METHODS[request.verb],
        dispatcher,
        headers: {
          ...headers,
          accept: request.accept ?? 'application/json',
          'user-agent': deps.userAgent,
          // From 1.37 watches may come gzipped, one member an event; and small answers gain nothing from it.
          'accept-encoding': 'identity',
          ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(request.body === undefined ? {} : { body: typeof request.body === 'string' ? request.body : JSON.stringify(request.body) }),
        signal: requestSignal(request),
      })
      status = response.statusCode
      request.onHeaders?.(response.headers)
      const dateMs = Date.parse(String(response.headers.date))
      if (!Number.isNaN(dateMs)) deps.onDate?.(dateMs, performance.now() - started)
      if (status >= 200 && status < 300) return { ok: true, value: await read(response.body) }
      if (status === 401) connection.invalidate()
      return { ok: false, error: errorFromAnswer(status, await response.body.text(), response.headers['retry-after']) }
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason
      return { ok: false, error: errorFromThrown(error) }
    } finally {
      metrics.kubeRequests.inc({ verb: request.verb, resource: request.resource, status: String(status) })
      if (request.verb !== 'watch') metrics.kubeSeconds.observe({ verb: request.verb }, (performance.now() - started) / 1000)
    }
  }

  async function withRetries<T>(request: KubeRequest, read: (body: ResponseBody) => Promise<T>): Promise<KubeResult<T>> {
    const attempts = request.attempts ?? 3
    let unknownBefore = false
    for (let tries = 1; ; tries++) {
      const result = await attempt(request, read)
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

  return {
    send: <T>(request: KubeRequest) =>
      withRetries<T>(request, async (body) => (request.parse ? request.parse(await body.text()) : await body.json()) as T),
    stream: (request) => withRetries<Readable>(request, async (body) => body),
  }
}

type ResponseBody = Readable & { json(): Promise<unknown>; text(): Promise<string> }

/** A 401 is tried once more with fresh credentials: the token may just have been rotated. */
function worthRetry(error: KubeError, request: KubeRequest): boolean {
  return (error.retryable || error.status === 401) && request.verb !== 'watch'
}

function requestSignal(request: KubeRequest): AbortSignal | null {
  const endless = request.verb === 'watch' || request.pool === 'logs'
  if (endless) return request.signal ?? null
  // bodyTimeout never fires on a body that drips: the whole request gets a deadline.
  const deadline = AbortSignal.timeout(request.timeoutMs ?? 10_000)
  return request.signal ? AbortSignal.any([deadline, request.signal]) : deadline
}

function queryText(query: Record<string, string> | undefined): string {
  const text = query ? new URLSearchParams(query).toString() : ''
  return text === '' ? '' : `?${text}`
}
