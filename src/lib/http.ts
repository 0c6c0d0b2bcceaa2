// What routes share: the app's type with TypeBox schemas, problem answers, and the description of a route's access.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify'
import { dropNulls } from '../model/drop-nulls.ts'
import { PROBLEMS, type ProblemCode, type Refusal } from '../model/problem.ts'
import { ProblemBody } from '../model/task.ts'

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>

/** Explains a problem code to people; relative to this service. */
export function problemType(code: ProblemCode): string {
  return `/docs/problems#${code}`
}

export function problemBody(refusal: Refusal, instance: string): ProblemBody {
  const { status, title } = PROBLEMS[refusal.code]
  return {
    type: problemType(refusal.code),
    title,
    status,
    code: refusal.code,
    detail: refusal.detail,
    instance,
    ...(refusal.errors ? { errors: refusal.errors } : {}),
  }
}

/** Answers with problem details; 429 and 503 always carry Retry-After. */
export function sendProblem(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status } = PROBLEMS[refusal.code]
  const retryAfter = refusal.retryAfterSeconds ?? (status === 429 || status === 503 ? 5 : null)
  if (retryAfter !== null) reply.header('retry-after', String(retryAfter))
  if (status === 401 && refusal.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="jobhook"')
  return reply.code(status).type('application/problem+json').serializer(JSON.stringify).send(problemBody(refusal, reply.request.id))
}

/** Response schemas for the given problem statuses, for the OpenAPI document. */
export function problems(...statuses: number[]): Record<number, unknown> {
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = Object.entries(PROBLEMS)
        .filter(([, problem]) => problem.status === status)
        .map(([code]) => code)
      return [status, { description: `Codes: ${codes.join(', ')}`, content: { 'application/problem+json': { schema: ProblemBody } } }]
    }),
  )
}

export const DEFAULT_LIMIT = 100
export const LIMIT = Type.Integer({ minimum: 1, maximum: 1000, default: DEFAULT_LIMIT, description: 'How many a page.' })
export const CURSOR = Type.String({ maxLength: 512, description: 'next_cursor of the page before, as it came.' })

/** A preValidation hook: in an assignment null means absent. */
export function nullIsAbsent(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body = dropNulls(request.body)
  done()
}

/** Errors of an assignment point into its message, /data/…; by REST the body is the data itself. */
export function withoutData(refused: Refusal): Refusal {
  if (!refused.errors) return refused
  const errors = refused.errors.map((error) => ({ ...error, pointer: error.pointer.replace(/^\/data(?=\/|$)/, '') }))
  return { ...refused, detail: refused.detail.replaceAll('/data/', '/'), errors }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope a bearer token needs; absent: the route is open or has its own check. */
    scope?: 'read' | 'logs' | 'submit' | 'cancel' | 'admin'
    /** Not counted by the cap on requests in flight: must answer under overload. */
    uncapped?: boolean
    /** Read by people: refusals are pages, and who is not logged in is led to the login. */
    page?: boolean
    /** The limit of requests a client, where it is neither that of tokens nor that of addresses. */
    rate?: 'webhook'
  }
  interface FastifyRequest {
    /** The token's name, once authenticated. */
    callerName: string | null
  }
}
