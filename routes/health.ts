// /livez, /readyz, /startupz and /metrics. livez never depends on Kubernetes; readyz fails only before the first sync, on a failed preflight and while draining.
import { Type } from '@sinclair/typebox'
import type { App } from '../src/lib/http.ts'

export interface Check {
  name: string
  ok: boolean
  /** Whether readyz fails with it. */
  required: boolean
  detail: string
}

export interface HealthDeps {
  checks: () => Check[]
  started: () => boolean
  metrics: () => Promise<{ contentType: string; text: string }>
}

const Query = Type.Object({ verbose: Type.Optional(Type.String()) })
const Text = (description: string) => ({ description, content: { 'text/plain': { schema: Type.String() } } })

export function healthRoutes(deps: HealthDeps) {
  return async (app: App): Promise<void> => {
    const route = (path: string, summary: string, judge: () => { ok: boolean; checks: Check[] }): void => {
      app.get(
        path,
        {
          config: { uncapped: true },
          schema: {
            operationId: path.slice(1),
            tags: ['operation'],
            summary,
            querystring: Query,
            response: { 200: Text('Yes.'), 503: Text('No; with ?verbose why.') },
          },
        },
        async (request, reply) => {
          const { ok, checks } = judge()
          const verbose = request.query.verbose !== undefined
          const lines = checks.map((check) => `[${check.ok ? '+' : check.required ? '-' : '!'}] ${check.name}: ${check.detail}`)
          const text = verbose ? `${[...lines, ok ? 'ok' : 'not ok'].join('\n')}\n` : ok ? 'ok\n' : `not ok: ${firstFailure(checks)}\n`
          return reply
            .code(ok ? 200 : 503)
            .type('text/plain; charset=utf-8')
            .serializer(String)
            .send(text as never)
        },
      )
    }
    route('/livez', 'The process answers', () => ({ ok: true, checks: [] }))
    route('/startupz', 'The first list of Jobs and Pods has been read', () => ({ ok: deps.started(), checks: deps.checks() }))
    route('/readyz', 'Requests may be sent here', () => {
      const checks = deps.checks()
      return { ok: checks.every((check) => check.ok || !check.required), checks }
    })
    app.get(
      '/metrics',
      {
        config: { uncapped: true },
        schema: { operationId: 'metrics', tags: ['operation'], summary: 'Prometheus metrics', response: { 200: Text('Metrics.') } },
      },
      async (_request, reply) => {
        const { contentType, text } = await deps.metrics()
        return reply
          .type(contentType)
          .serializer(String)
          .send(text as never)
      },
    )
  }
}

function firstFailure(checks: Check[]): string {
  const failed = checks.find((check) => !check.ok && check.required)
  return failed ? `${failed.name}: ${failed.detail}` : 'see ?verbose'
}
