// A server span for every request of the API, and its context for whoever works on it (health, metrics and pages are left out); and the counts of all.
import type { FastifyRequest } from 'fastify'
import type { App } from '../lib/http.ts'
import type { Metrics } from '../lib/metrics.ts'
import { readTraceparent, type Span, type Tracer } from '../lib/trace.ts'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** By route and status, with the pattern of the route: a path may hold anything. */
export function countRequests(app: App, metrics: Pick<Metrics, 'httpRequests' | 'httpSeconds'>): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const method = METHODS.has(request.method) ? request.method : 'OTHER'
    metrics.httpRequests.inc({ method, route, status: String(reply.statusCode) })
    const streams =
      String(reply.getHeader('content-type') ?? '').startsWith('text/event-stream') || reply.getHeader('x-accel-buffering') === 'no'
    if (!streams) metrics.httpSeconds.observe({ route }, reply.elapsedTime / 1000)
  })
}

export function traceRequests(app: App, tracer: Tracer): void {
  const spans = new WeakMap<FastifyRequest, Span>()
  app.decorateRequest('traceparent', null)
  app.addHook('onRequest', async (request) => {
    const sender = readTraceparent(request.headers.traceparent)
    const route = request.routeOptions.url
    request.traceparent = sender
    if (!route?.startsWith('/v1/')) return
    const attributes = { 'http.request.method': request.method, 'http.route': route, 'jobhook.request_id': request.id }
    const span = tracer.start(`${request.method} ${route}`, { parent: sender, kind: 'server', attributes })
    request.traceparent = span.traceparent
    spans.set(request, span)
  })
  app.addHook('onResponse', async (request, reply) => {
    const span = spans.get(request)
    span?.set({ 'http.response.status_code': reply.statusCode })
    // As OpenTelemetry has it: what a client did wrong is no failure of the server.
    if (reply.statusCode >= 500) span?.fail(String(reply.statusCode))
    finish(request)
  })
  app.addHook('onRequestAbort', async (request) => {
    spans.get(request)?.fail('aborted')
    finish(request)
  })

  function finish(request: FastifyRequest): void {
    spans.get(request)?.end()
    spans.delete(request)
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The W3C trace context to work under: the request's span, or the sender's own where traces are not recorded. */
    traceparent: string | null
  }
}
