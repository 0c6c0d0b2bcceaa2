// The recording tracer: OpenTelemetry's SDK behind the interface of src/lib/trace.ts. Loaded only when traces are asked for. Spans wait in a bounded queue
// and go out in batches; when the collector is away they are dropped, and nothing else notices.
import { createHash } from 'node:crypto'
import { type Context, DiagLogLevel, diag, type Span as OtelSpan, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { describeError, type Logger } from '../lib/log.ts'
import { type Attributes, readTraceparent, type Span, type Tracer } from '../lib/trace.ts'
import type { Telemetry } from './index.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A stopping service does not wait longer for its collector. */
const STOP_DEADLINE_MS = 3_000
/** A collector that is away is told of once in so long. */
const TELL_EVERY_MS = 60_000
const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const

export function createOtelTracer(deps: { log: Logger }, options: { env: Env; identity: string; version: string }): Telemetry {
  const { env } = options
  const tell = tellTroubles(deps.log)
  const ids = createIds()
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'jobhook',
        'service.version': options.version,
        'service.instance.id': options.identity,
      }),
    )
    // OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME have the last word.
    .merge(detectResources({ detectors: [envDetector] }))
  const provider = new TracerProvider({
    resource,
    idGenerator: ids.generator,
    sampler: samplerOf(env, deps.log),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        ...numberOf(env, 'OTEL_BSP_SCHEDULE_DELAY', 'scheduledDelayMillis'),
        ...numberOf(env, 'OTEL_BSP_EXPORT_TIMEOUT', 'exportTimeoutMillis'),
        ...numberOf(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 'maxQueueSize'),
        ...numberOf(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize'),
      }),
    ],
  })
  const otel = provider.getTracer('jobhook', options.version)

  const tracer: Tracer = {
    start(name, { parent, kind = 'internal', attributes = {} }) {
      return wrap(otel.startSpan(name, { kind: KINDS[kind], attributes: present(attributes) }, contextFrom(parent)))
    },
    contextOf(parent, identity) {
      const valid = readTraceparent(parent ?? undefined)
      if (valid === null) return null
      const [version, traceId, , flags] = valid.split('-')
      return `${version}-${traceId}-${spanIdOf(traceId ?? '', identity)}-${flags}`
    },
    tell({ name, parent, identity, startMs, endMs, events, attributes, failure }) {
      const traceId = readTraceparent(parent)?.split('-')[1]
      if (traceId === undefined) return
      ids.next = spanIdOf(traceId, identity)
      const span = otel.startSpan(name, { startTime: startMs, attributes: present(attributes) }, contextFrom(parent))
      ids.next = null
      for (const event of events) span.addEvent(event.name, undefined, event.atMs)
      if (failure !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
      span.end(endMs)
    },
  }
  return {
    tracer,
    async stop() {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, STOP_DEADLINE_MS)
      await Promise.race([provider.shutdown().catch((error: unknown) => tell('at the end', error)), late])
      clearTimeout(timer)
      diag.disable()
    },
  }
}

function wrap(span: OtelSpan): Span {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    set: (attributes) => void span.setAttributes(present(attributes)),
    fail(why) {
      span.setAttribute('error.type', why)
      span.setStatus({ code: SpanStatusCode.ERROR, message: why })
    },
    end: () => span.end(),
  }
}

function contextFrom(parent: string | null): Context {
  const valid = readTraceparent(parent ?? undefined)
  if (valid === null) return ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = '0'] = valid.split('-')
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true })
}

/** The same on every replica. */
function spanIdOf(traceId: string, identity: string): string {
  return createHash('sha256').update(`${traceId}:${identity}`).digest('hex').slice(0, 16)
}

/** Random ids, except where one is decided. */
function createIds() {
  const random = new RandomIdGenerator()
  const ids = {
    next: null as string | null,
    generator: { generateTraceId: () => random.generateTraceId(), generateSpanId: () => ids.next ?? random.generateSpanId() },
  }
  return ids
}

function present(attributes: Attributes): Record<string, string | number | boolean> {
  const entries = Object.entries(attributes).filter((entry): entry is [string, string | number | boolean] => (entry[1] ?? null) !== null)
  return Object.fromEntries(entries)
}

/** OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, as the specification has them. */
function samplerOf(env: Env, log: Logger): Sampler {
  const name = env.OTEL_TRACES_SAMPLER?.trim() || 'parentbased_always_on'
  const argument = env.OTEL_TRACES_SAMPLER_ARG?.trim() || '1'
  const ratio = /^(0|1|0?\.[0-9]+|1\.0+)$/.test(argument) ? Number(argument) : null
  if (ratio === null && name.endsWith('traceidratio'))
    log.warn(
      { variable: 'OTEL_TRACES_SAMPLER_ARG' },
      'traces: OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1; every trace is recorded',
    )
  const roots: Record<string, () => Sampler> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio ?? 1),
  }
  const root = roots[name.replace(/^parentbased_/, '')]
  if (!root) {
    log.warn(
      { variable: 'OTEL_TRACES_SAMPLER' },
      'traces: OTEL_TRACES_SAMPLER must be always_on, always_off, traceidratio, or one of these with parentbased_ before it; parentbased_always_on is used',
    )
    return new ParentBasedSampler({ root: new AlwaysOnSampler() })
  }
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root: root() }) : root()
}

function numberOf<Name extends string>(env: Env, variable: string, option: Name): Partial<Record<Name, number>> {
  const value = Number(env[variable])
  return env[variable] && Number.isInteger(value) && value > 0 ? ({ [option]: value } as Record<Name, number>) : {}
}

/** What the SDK complains about (a collector that is away, a variable it cannot read) goes to our log, now and then. */
function tellTroubles(log: Logger): (message: string, ...more: unknown[]) => void {
  let toldAtMs = Number.NEGATIVE_INFINITY
  const tell = (message: string, ...more: unknown[]): void => {
    if (performance.now() - toldAtMs < TELL_EVERY_MS) return
    toldAtMs = performance.now()
    log.warn(
      { cause: [message, ...more.map(describeError)].join(' ').slice(0, 500) },
      'traces: not sent, or not all of them (told once a minute)',
    )
  }
  const quiet = (): void => {}
  diag.setLogger(
    { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  return tell
}
