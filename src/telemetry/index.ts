// Whether traces are recorded: the standard variables of OpenTelemetry decide, and without them its SDK is not even loaded (it costs 0.3 s at start).
import type { Logger } from '../lib/log.ts'
import { noTracer, type Tracer } from '../lib/trace.ts'

export interface Telemetry {
  tracer: Tracer
  /** Sends what is left; resolves within seconds whatever the collector does. */
  stop(): Promise<void>
}

type Env = Readonly<Record<string, string | undefined>>

export async function startTelemetry(deps: { log: Logger }, options: { env: Env; identity: string; version: string }): Promise<Telemetry> {
  const wanted = wantsTraces(options.env)
  if (wanted.problem) deps.log.warn({ variable: wanted.problem.variable }, `traces: ${wanted.problem.variable} ${wanted.problem.detail}`)
  if (!wanted.traces) return { tracer: noTracer, stop: async () => {} }
  const { createOtelTracer } = await import('./otel.ts')
  return createOtelTracer(deps, options)
}

export interface Wanted {
  traces: boolean
  problem: { variable: string; detail: string } | null
}

/** Exported for its table of cases. */
export function wantsTraces(env: Env): Wanted {
  const off = { traces: false, problem: null }
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return off
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() ?? ''
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT
  if (exporter === 'none' || (exporter === '' && !endpoint)) return off
  if (exporter !== '' && exporter !== 'otlp')
    return {
      traces: false,
      problem: { variable: 'OTEL_TRACES_EXPORTER', detail: `is ${exporter}; only otlp and none are supported: no traces are sent` },
    }
  const name = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL' : 'OTEL_EXPORTER_OTLP_PROTOCOL'
  const protocol = env[name]?.trim() ?? ''
  const problem =
    protocol === '' || protocol === 'http/protobuf'
      ? null
      : { variable: name, detail: `is ${protocol}; only http/protobuf is supported and is used (port 4318 of a collector)` }
  return { traces: true, problem }
}
