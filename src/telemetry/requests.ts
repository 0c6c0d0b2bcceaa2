// A server span for every request of the API, and its context for whoever works on it. Health, metrics and pages are left out.
import type { FastifyRequest } from 'fastify'
import type { App } from '../lib/http.ts'
import { readTraceparent, type Span, type Tracer } from '../lib/trace.ts'

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
