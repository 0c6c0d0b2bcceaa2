// GET /v1/tasks/{id}/logs: a container's log, read or followed, as plain text or as server-sent events. Raw: secrets a task prints are shown, which
// is why it has a scope of its own.
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import { type Audit, actorOf } from '../src/lib/audit.ts'
import { type App, problems, sendProblem } from '../src/lib/http.ts'
import { type Refusal, refusal } from '../src/model/problem.ts'

/** `note`: jobhook's own words, not the task's. */
type LogPart = { kind: 'bytes'; bytes: Buffer } | { kind: 'note'; text: string }

export interface LogsDeps {
  read: (
    id: string,
    request: { follow: boolean; tailLines: number | null; container: string | null; sinceMs: number | null },
    signal: AbortSignal,
  ) => Promise<{ ok: true; parts: AsyncIterable<LogPart> } | { ok: false; refusal: Refusal }>
  now: () => number
  audit: Audit
}

const Params = Type.Object({
  id: Type.String({ minLength: 1, description: 'The Job’s name, or a percent-encoded task_id (its newest execution).' }),
})
const Query = Type.Object(
  {
    follow: Type.Optional(Type.Boolean({ default: false, description: 'Waits for the container and goes on until its end.' })),
    tail: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 999_999_999, description: 'Only so many lines from the end, before following.' }),
    ),
    container: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
        description: 'Name of a container or an init container (setup, copy-sidecar-1, …). Default: task.',
      }),
    ),
    since: Type.Optional(
      Type.String({
        pattern: '^([0-9]{1,9}[smh]?|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(Z|[+-][0-9]{2}:[0-9]{2}))$',
        description: 'Only what was written since: 90s, 10m, 2h, a number of seconds, or a time (RFC 3339).',
      }),
    ),
  },
  { additionalProperties: false },
)

const EVENT_STREAM = 'text/event-stream'
const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 }
/** Proxies cut a connection that says nothing for a minute. */
const KEEP_ALIVE_MS = 15_000
/** A longer line comes in pieces. */
const LONGEST_LINE = 65_536

export function logsRoutes(deps: LogsDeps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/tasks/:id/logs',
      {
        config: { scope: 'logs' },
        exposeHeadRoute: false,
        schema: {
          operationId: 'getTaskLogs',
          tags: ['tasks'],
          summary: 'The log of a task, raw: nothing is redacted',
          security: [{ bearer: [] }],
          params: Params,
          querystring: Query,
          response: {
            200: {
              description:
                'Standard output and standard error, merged. Without follow at most the last log_limit_bytes. Lines that begin with [jobhook] are jobhook’s own words; as server-sent events those have the type note, log lines have no type, and the last event is end.',
              content: { 'text/plain': { schema: Type.String() }, [EVENT_STREAM]: { schema: Type.String() } },
            },
            ...problems(401, 403, 404, 409, 410, 422, 503),
          },
        },
      },
      async (request, reply) => {
        const { follow = false, tail = null, container = null, since } = request.query
        const sinceMs = since === undefined ? null : sinceOf(since, deps.now())
        if (Number.isNaN(sinceMs))
          return sendProblem(
            reply,
            refusal('invalid_request', 'since is not a time', { errors: [{ pointer: '/since', detail: 'is not a time' }] }),
          )
        const left = new AbortController()
        // The answer's end, however it comes: a caller who goes away must not leave a stream to the cluster behind.
        reply.raw.once('close', () => left.abort(new Error('the caller has gone')))
        const answer = await deps.read(
          request.params.id,
          {
            follow,
            tailLines: tail,
            container,
            sinceMs,
          },
          left.signal,
        )
        if (!answer.ok) return sendProblem(reply, answer.refusal)
        deps.audit({ ...actorOf(request), action: 'logs', via: 'rest', task_id: request.params.id })
        const events = prefersEvents(request.headers.accept)
        reply.header('vary', 'accept').header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
        // A follower that a stopping replica has ended must not leave an idle connection, which that replica would wait for.
        if (follow) reply.header('connection', 'close')
        // Some proxies collect an answer before they pass it on.
        reply.header('x-accel-buffering', 'no')
        reply.type(events ? EVENT_STREAM : 'text/plain; charset=utf-8')
        const body = Readable.from(events ? asEvents(answer.parts) : asText(answer.parts), { objectMode: false, highWaterMark: 65_536 })
        void reply.send(body as never)
        // At once: a container that writes nothing yet must not look like a service that does not answer.
        reply.raw.flushHeaders()
        return reply
      },
    )
  }
}

function sinceOf(since: string, nowMs: number): number {
  const [, amount, unit = 's'] = /^([0-9]+)([smh])?$/.exec(since) ?? []
  return amount === undefined ? Date.parse(since) : nowMs - Number(amount) * (UNIT_MS[unit] ?? 1_000)
}

function prefersEvents(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((part) => part.trim().toLowerCase().startsWith(EVENT_STREAM))
}

async function* asText(parts: AsyncIterable<LogPart>): AsyncGenerator<Buffer> {
  let atLineStart = true
  for await (const part of parts) {
    const bytes: Buffer = part.kind === 'bytes' ? part.bytes : Buffer.from(`${atLineStart ? '' : '\n'}[jobhook] ${part.text}\n`)
    if (bytes.length === 0) continue
    atLineStart = bytes.at(-1) === 0x0a
    yield bytes
  }
}

async function* asEvents(parts: AsyncIterable<LogPart>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder()
  let rest = ''
  // Not `for await`: while nothing comes, a comment keeps the connection alive.
  const iterator = parts[Symbol.asyncIterator]()
  try {
    let next = iterator.next()
    for (;;) {
      const part = await orNull(next, KEEP_ALIVE_MS)
      if (part === null) {
        yield Buffer.from(': still here\n\n')
        continue
      }
      if (part.done) break
      next = iterator.next()
      next.catch(() => undefined) // looked at in the next round
      if (part.value.kind === 'note') {
        yield Buffer.from(`${rest === '' ? '' : event('', rest)}${event('note', part.value.text)}`)
        rest = ''
        continue
      }
      const lines = `${rest}${decoder.decode(part.value.bytes, { stream: true })}`.split('\n')
      rest = lines.pop() ?? ''
      while (rest.length > LONGEST_LINE) {
        lines.push(rest.slice(0, LONGEST_LINE))
        rest = rest.slice(LONGEST_LINE)
      }
      if (lines.length > 0) yield Buffer.from(lines.map((line) => event('', line)).join(''))
    }
    rest += decoder.decode()
    yield Buffer.from(`${rest === '' ? '' : event('', rest)}${event('end', '')}`)
  } finally {
    await iterator.return?.()
  }
}

/** A carriage return would end the field: what comes after it (a progress bar's next state) is a line of its own. */
function event(type: string, text: string): string {
  const data = text.replace(/\r$/, '').split('\r')
  return `${type === '' ? '' : `event: ${type}\n`}${data.map((line) => `data: ${line}\n`).join('')}\n`
}

/** null when it has not settled in time; it may be waited for again. */
async function orNull<T>(promise: Promise<T>, waitMs: number): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(resolve, waitMs, null)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
