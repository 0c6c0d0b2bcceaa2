// The server side of the long poll: POST …/assignments/lease and …/assignments/ack, with a bearer token. What is kept for whom: leases.ts.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, isObject, readBody } from '../../src/cli/receiver.ts'
import type { AckResult, AckWord, LeaseBoard } from './leases.ts'

const PATH = /^\/v1\/workers\/([^/]+)\/assignments\/(lease|ack)$/
const BODY_LIMIT_BYTES = 256 * 1024
/** Ingresses often cut a request at 60 s. */
const LONGEST_WAIT_SECONDS = 55
const MOST_AT_ONCE = 100
const WORDS: readonly string[] = ['claimed', 'rejected', 'invalid', 'cancelled'] satisfies AckWord[]

/** True when the request was one of these two and has been answered. */
export function createPollRoutes(deps: {
  board: LeaseBoard
  token: string
}): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async (request, response) => {
    const [, worker = '', action] = PATH.exec(new URL(request.url ?? '/', 'http://localhost').pathname) ?? []
    if (action === undefined) return false
    if (request.method !== 'POST') answer(response, { status: 405, headers: { allow: 'POST' } })
    else if (!sameToken(request.headers.authorization, deps.token)) {
      answer(response, { status: 401, headers: { 'www-authenticate': 'Bearer' }, detail: 'the bearer token is wrong' })
    } else {
      const body = await readJson(request)
      if (!body) answer(response, { status: 422, detail: 'a JSON object is needed' })
      else if (action === 'lease') await lease(decodeURIComponent(worker), body, response)
      else acknowledge(body, response)
    }
    return true
  }

  async function lease(workerId: string, body: Record<string, unknown>, response: ServerResponse): Promise<void> {
    const hungUp = new AbortController()
    response.once('close', () => hungUp.abort())
    const max = bounded(body.max, 0, MOST_AT_ONCE)
    const leased = await deps.board.take(workerId, {
      max,
      // Nothing is wanted: somebody only asks whether this is served (jobhook doctor).
      waitMs: max === 0 ? 0 : bounded(body.wait, 0, LONGEST_WAIT_SECONDS) * 1000,
      signal: hungUp.signal,
    })
    if (!leased) answer(response, { status: 204 })
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(leased))
  }

  function acknowledge(body: Record<string, unknown>, response: ServerResponse): void {
    const { results } = body
    if (Array.isArray(results) && results.every(isResult)) {
      deps.board.acknowledge(results)
      answer(response, { status: 204 })
    } else answer(response, { status: 422, detail: 'results is missing or malformed' })
  }
}

function isResult(value: unknown): value is AckResult {
  return isObject(value) && typeof value.id === 'string' && WORDS.includes(String(value.result))
}

function bounded(value: unknown, least: number, most: number): number {
  return Math.min(most, Math.max(least, typeof value === 'number' && Number.isFinite(value) ? Math.floor(value) : least))
}

function sameToken(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | null> {
  const body = await readBody(request, BODY_LIMIT_BYTES)
  try {
    const value: unknown = JSON.parse(body?.toString() ?? '')
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
