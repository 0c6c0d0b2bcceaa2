// Traces as the stages see them: spans by name, joined by W3C traceparents. What records them (src/telemetry) is handed in; without it the no-op here
// passes the sender's context on unchanged, so that a trace goes through jobhook even where jobhook itself adds nothing to it.

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>

export interface Span {
  /** What belongs under this span is told this; null: there is no trace. */
  readonly traceparent: string | null
  set(attributes: Attributes): void
  /** It failed; `why` is a stable code, never a text from outside. */
  fail(why: string): void
  end(): void
}

/** Something that lies in the past, told at once. Times are epoch milliseconds. */
export interface PastSpan {
  name: string
  parent: string
  /** Decides the span's id, so that others can point at it before it exists, and telling it twice is telling it once. */
  identity: string
  startMs: number
  endMs: number
  events: { name: string; atMs: number }[]
  attributes: Attributes
  /** A stable code; null: it went well. */
  failure: string | null
}

export interface Tracer {
  /** `parent` null begins a trace of its own. */
  start(name: string, options: { parent: string | null; kind?: 'server' | 'client' | 'internal'; attributes?: Attributes }): Span
  /** The context of a PastSpan before it is told: for those who run under it. */
  contextOf(parent: string | null, identity: string): string | null
  tell(span: PastSpan): void
}

export const noTracer: Tracer = {
  start: (_name, { parent }) => ({ traceparent: parent, set() {}, fail() {}, end() {} }),
  contextOf: (parent) => parent,
  tell() {},
}

/** A W3C traceparent that may be passed on; null: none, or malformed (then a new trace is begun, as the standard asks for). */
export function readTraceparent(value: string | string[] | undefined): string | null {
  if (typeof value !== 'string') return null
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(value)
  return match && !/^0+$/.test(match[1] ?? '') && !/^0+$/.test(match[2] ?? '') ? value : null
}

/** For log lines: the field trace_id, or nothing. */
export function traceField(traceparent: string | null | undefined): { trace_id?: string } {
  const id = traceparent?.split('-')[1]
  return id === undefined ? {} : { trace_id: id }
}

/** Runs `work` under a span of its own. An answer that is `ok: false` fails the span by the code given. */
export async function traced<T extends { ok: boolean }>(
  tracer: Tracer,
  name: string,
  options: Parameters<Tracer['start']>[1],
  work: (traceparent: string | null) => Promise<T>,
  failureOf: (result: T) => string,
): Promise<T> {
  const span = tracer.start(name, options)
  try {
    const result = await work(span.traceparent)
    if (!result.ok) span.fail(failureOf(result))
    return result
  } catch (error) {
    span.fail('exception')
    throw error
  } finally {
    span.end()
  }
}
