// /ui: the page for people. Every part is painted here first and works so; scripts make it live. Reads need the scope read; what changes something is
// REST's own routes, which take the page's cookie only from the page itself (src/app/ui.ts).
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type App, CURSOR, sendProblem } from '../src/lib/http.ts'
import { type Refusal, refusal } from '../src/model/problem.ts'
import { TASK_STATES, type TaskState } from '../src/model/task.ts'

interface Asset {
  type: string
  bytes: Buffer
}

/** Each answers a whole page as HTML. */
export interface UiDeps {
  overview: (request: FastifyRequest) => Promise<string>
  tasks: (
    request: FastifyRequest,
    query: { states: TaskState[]; label: string; search: string; cursor: string | null },
  ) => { status: number; text: string }
  task: (request: FastifyRequest, id: string) => Promise<{ status: number; text: string }>
  manifest: (request: FastifyRequest, id: string) => Promise<{ status: number; text: string }>
  deliveries: (request: FastifyRequest, cursor: string | null) => { status: number; text: string }
  loginPage: (next: string, problem: string | null) => string
  /** What to set as cookie, or why not. */
  logIn: (request: FastifyRequest, token: string) => { ok: true; cookie: string } | { ok: false; status: number; detail: string }
  /** The cookie that takes it away. */
  logOut: (request: FastifyRequest) => string
  isSameOrigin: (request: FastifyRequest) => boolean
  asset: (name: string) => Asset | null
  assetsHash: () => string
  notFound: () => Refusal
}

/** Scripts, styles and images from here only; nothing inline; forms and requests go nowhere else; no other site may frame it. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const FORM = 'application/x-www-form-urlencoded'
const Params = Type.Object({ id: Type.String({ minLength: 1 }) })
const TasksQuery = Type.Object({
  state: Type.Optional(Type.Array(Type.Union(TASK_STATES.map((state) => Type.Literal(state))), { maxItems: 20 })),
  label: Type.Optional(Type.String({ maxLength: 1024 })),
  search: Type.Optional(Type.String({ maxLength: 256 })),
  cursor: Type.Optional(CURSOR),
})
const CursorQuery = Type.Object({ cursor: Type.Optional(CURSOR) })
const LoginQuery = Type.Object({ next: Type.Optional(Type.String({ maxLength: 2_048 })) })

export function sendPage(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY).serializer(String).send(text)
}

export function uiRoutes(deps: UiDeps) {
  return async (app: App): Promise<void> => {
    const page = { scope: 'read', page: true } as const
    app.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: 16_384 }, (_request, text, done) => {
      done(null, Object.fromEntries(new URLSearchParams(String(text))))
    })

    app.get('/ui', { config: page, schema: { hide: true } as never }, async (request, reply) =>
      sendPage(reply, 200, await deps.overview(request)),
    )
    app.get('/ui/', { schema: { hide: true } as never }, async (_request, reply) => reply.redirect('/ui', 308))
    app.get('/ui/tasks', { config: page, schema: { hide: true, querystring: TasksQuery } as never }, async (request, reply) => {
      const { state = [], label = '', search = '', cursor = null } = request.query as typeof TasksQuery.static
      const { status, text } = deps.tasks(request, { states: state, label, search, cursor })
      return sendPage(reply, status, text)
    })
    app.get('/ui/tasks/:id', { config: page, schema: { hide: true, params: Params } as never }, async (request, reply) => {
      const { status, text } = await deps.task(request, (request.params as typeof Params.static).id)
      return sendPage(reply, status, text)
    })
    app.get('/ui/tasks/:id/manifest', { config: page, schema: { hide: true, params: Params } as never }, async (request, reply) => {
      const { status, text } = await deps.manifest(request, (request.params as typeof Params.static).id)
      return sendPage(reply, status, text)
    })
    app.get('/ui/deliveries', { config: page, schema: { hide: true, querystring: CursorQuery } as never }, async (request, reply) => {
      const { status, text } = deps.deliveries(request, (request.query as typeof CursorQuery.static).cursor ?? null)
      return sendPage(reply, status, text)
    })

    app.get('/ui/login', { schema: { hide: true, querystring: LoginQuery } as never }, async (request, reply) =>
      sendPage(reply, 200, deps.loginPage(ownPath((request.query as typeof LoginQuery.static).next), null)),
    )
    app.post('/ui/login', { schema: { hide: true } as never }, async (request, reply) => {
      const { token = '', next } = (request.body ?? {}) as Record<string, string | undefined>
      // Somebody else's page must not log a person in as somebody else.
      if (!deps.isSameOrigin(request)) return sendPage(reply, 403, deps.loginPage(ownPath(next), 'This form was sent by another site.'))
      const result = deps.logIn(request, token.trim())
      if (!result.ok) return sendPage(reply, result.status, deps.loginPage(ownPath(next), result.detail))
      return reply.header('set-cookie', result.cookie).redirect(ownPath(next), 303)
    })
    app.post('/ui/logout', { schema: { hide: true } as never }, async (request, reply) => {
      if (deps.isSameOrigin(request)) reply.header('set-cookie', deps.logOut(request))
      return reply.redirect('/ui/login', 303)
    })

    app.get('/ui/assets/:hash/:name', { schema: { hide: true } as never }, async (request, reply) => {
      const { hash, name } = request.params as { hash: string; name: string }
      const asset = deps.asset(name)
      if (!asset) return sendProblem(reply, deps.notFound())
      // While replicas of two versions run, a page of one may ask the other: it gets what there is, but does not keep it.
      reply.header('cache-control', hash === deps.assetsHash() ? 'public, max-age=31536000, immutable' : 'no-store')
      return reply
        .type(asset.type)
        .serializer((bytes: unknown) => bytes as string)
        .send(asset.bytes as never)
    })
  }
}

/** Instead of the page where there is none. */
export function noUiRoutes(why: string) {
  return async (app: App): Promise<void> => {
    for (const path of ['/ui', '/ui/*'])
      app.get(path, { schema: { hide: true } as never }, async (_request, reply) => sendProblem(reply, refusal('not_configured', why)))
  }
}

/** Where to go on after the login: a page of ours, nothing else. */
function ownPath(next: string | undefined): string {
  return next !== undefined && /^\/ui(\/[^\\\s]*)?(\?[^\\\s]*)?$/.test(next) ? next : '/ui'
}
