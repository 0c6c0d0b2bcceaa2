// The Fastify instance: limits, timeouts, headers, problem details for every kind of error, the cap on requests in flight.
// It knows no resource; routes are registered by the composition root.
import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { TSchema } from '@sinclair/typebox'
import { type FastifyError, type FastifyReply, type FastifyRequest, fastify, LogController } from 'fastify'
import { type AccessOptions, guardAccess } from './access.ts'
import { capInFlight } from './in-flight.ts'
import { parseJsonBytes } from './intake/parse.ts'
import type { App } from './lib/http.ts'
import { problemBody, sendProblem } from './lib/http.ts'
import { describeError, type Logger } from './lib/log.ts'
import type { Metrics } from './lib/metrics.ts'
import { readQuery } from './lib/query.ts'
import { randomText } from './lib/random.ts'
import { type Tracer, traceField } from './lib/trace.ts'
import { createValidator } from './lib/validate.ts'
import type { FieldError } from './model/problem.ts'
import { PROBLEMS, type ProblemCode, type Refusal, refusal } from './model/problem.ts'
import { ambiguity } from './strict-http.ts'
import { countRequests, traceRequests } from './telemetry/requests.ts'

/** Largest body of any request. */
export const BODY_LIMIT_BYTES = 256 * 1024

/** On every answer unless a route sets its own: nothing is sniffed, framed, run as a page, told to other sites or kept. CORS is off: no header allows it. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

export interface ServerOptions extends AccessOptions {
  requestsInFlight: number
  /** Beyond it a connection is closed as it comes. */
  connections: number
  /** null: plain HTTP. */
  tls: SecureContextOptions | null
  /** CIDRs of proxies whose X-Forwarded-For is believed. */
  trustProxy: readonly string[]
}

class SchemaError extends Error {
  readonly errors: FieldError[]
  constructor(errors: FieldError[]) {
    super(errors.map((error) => `${error.pointer || 'the body'} ${error.detail}`).join('; '))
    this.errors = errors
  }
}

export function createServer(
  deps: { log: Logger; metrics: Pick<Metrics, 'rateLimited' | 'httpRequests' | 'httpSeconds'>; tracer: Tracer },
  options: ServerOptions,
): App {
  const app = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 30_000,
    // A missing Host is refused by strict-http.ts, which also ends the connection.
    http: { requireHostHeader: false, headersTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 },
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestIdHeader: false,
    // Who shows no client certificate is let in as far as health; access.ts refuses the rest.
    ...(options.tls === null
      ? {}
      : { https: { ...options.tls, requestCert: options.clientCertificates, rejectUnauthorized: false, handshakeTimeout: 10_000 } }),
    trustProxy: options.trustProxy.length > 0 ? [...options.trustProxy] : false,
    genReqId: () => `req_${randomText(9, 'base64url')}`,
    routerOptions: { maxParamLength: 2_048 },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply.headers(SECURITY_HEADERS), refusalOfError(error)),
    clientErrorHandler: answerMalformed,
  }) as unknown as App

  app.setValidatorCompiler(({ schema, httpPart }) => {
    const validate = createValidator(schema as TSchema)
    return (value: unknown) => {
      const checked = validate(httpPart === 'querystring' ? readQuery(schema as TSchema, value) : value)
      return checked.ok ? { value: checked.value } : { error: new SchemaError(checked.errors) }
    }
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, raw, done) => {
    const parsed = parseJsonBytes(raw as Buffer)
    if (parsed.ok) done(null, parsed.value)
    else done(new RefusedError(parsed.refusal))
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    // A method that needs a content-type, at a path that does not have it.
    if (request.is404) return answerUnknown(request, reply)
    const refused = refusalOfError(error)
    if (PROBLEMS[refused.code].status === 500)
      deps.log.error(
        { err: error, request_id: request.id, route: request.routeOptions.url, ...traceField(request.traceparent) },
        'request failed',
      )
    return sendProblem(reply, refused)
  })
  app.server.maxConnections = options.connections
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    // What came in one piece with a refused request is read already, but never answered.
    if (refusedSockets.has(request.raw.socket)) return reply.hijack()
    const refused = ambiguity(request.raw)
    if (!refused) return
    refusedSockets.add(request.raw.socket)
    return sendProblem(reply.header('connection', 'close'), refused)
  })
  traceRequests(app, deps.tracer)
  countRequests(app, deps.metrics)
  const answerUnknown = answerUnknownRoutes(app)
  capInFlight(app, options.requestsInFlight, answerTooSlow)
  guardAccess(app, deps, options)
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing.has(app)) reply.header('connection', 'close')
    done(null, payload)
  })
  return app
}

const closing = new WeakSet<App>()

/**
 * Answers what has begun, then closes. Left alone, close() waits for keep-alive connections that fall idle after it was called, up to their whole
 * timeout (72 s): so answers say connection: close from now on, idle connections are closed as they appear, and at the deadline all are.
 */
export async function closeGracefully(app: App, deadlineMs: number): Promise<void> {
  closing.add(app)
  const sweep = setInterval(() => app.server.closeIdleConnections(), 50)
  const deadline = setTimeout(() => app.server.closeAllConnections(), deadlineMs)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
    clearTimeout(deadline)
  }
}

/** An error that already knows its answer. */
export class RefusedError extends Error {
  readonly refusal: Refusal
  constructor(refused: Refusal) {
    super(refused.detail)
    this.refusal = refused
  }
}

const FRAMEWORK_CODES: Record<string, [ProblemCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', `the body may have at most ${BODY_LIMIT_BYTES} bytes (256 KiB)`],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'send content-type: application/json'],
  FST_ERR_CTP_EMPTY_TYPE: ['unsupported_media_type', 'send content-type: application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed_request', 'the body is shorter or longer than content-length says'],
  FST_ERR_BAD_URL: ['malformed_request', 'the path has a bad percent-encoding'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri_too_long', 'a part of the path is longer than 2,048 characters'],
}

function refusalOfError(error: unknown): Refusal {
  if (error instanceof RefusedError) return error.refusal
  if (error instanceof SchemaError) return refusal('invalid_request', error.message, { errors: error.errors })
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const known = FRAMEWORK_CODES[code]
  if (known) return refusal(known[0], known[1])
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (typeof status === 'number' && status >= 400 && status < 500) return refusal('malformed_request', describeError(error))
  // The message of an unexpected error may hold anything: it goes to the log, not to the caller.
  return refusal('internal', 'an unexpected error; the log has it under this instance id')
}

/** 404 for an unknown path, 405 with Allow for a known path with another method. */
function answerUnknownRoutes(app: App): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const routes: { pattern: RegExp; method: string }[] = []
  app.addHook('onRoute', (route) => {
    const pattern = new RegExp(
      `^${route.url
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:[A-Za-z_]+/g, '[^/]+')
        .replaceAll('*', '.*')}$`,
    )
    for (const method of [route.method].flat()) routes.push({ pattern, method })
  })
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = [...new Set(routes.filter((route) => route.pattern.test(path)).map((route) => route.method))]
    if (methods.length === 0)
      return sendProblem(reply, refusal('not_found', 'there is nothing at this path; GET /openapi.yaml lists what there is'))
    return sendProblem(reply.header('allow', methods.join(', ')), refusal('method_not_allowed', `this path answers ${methods.join(', ')}`))
  }
  app.setNotFoundHandler(answer)
  return answer
}

/** Connections whose last answer was that their bytes are ambiguous: nothing more is said on them. */
const refusedSockets = new WeakSet<Socket>()

/** Bytes that are no HTTP request never reach a route; they get problem details all the same. */
function answerMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  if (refusedSockets.has(socket)) return void socket.end()
  const refused =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? refusal('headers_too_large', 'the request headers may have at most 16 KiB')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? refusal('request_timeout', 'the request did not arrive in time')
        : refusal('malformed_request', 'this is not a valid HTTP request')
  const body = JSON.stringify(problemBody(refused, 'req_unreadable'))
  const { status, title } = PROBLEMS[refused.code]
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n${body}`,
  )
}

/** As when its time is up, only sooner: others wait for its room. */
function answerTooSlow(socket: Socket): void {
  answerMalformed(Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
  // What it still sends is not read.
  socket.destroySoon()
}
