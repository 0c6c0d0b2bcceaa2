// The log: pino, one line an event, stable field names. Secrets are kept out by what callers pass, not by redaction afterwards.
import { type Logger, pino } from 'pino'
import { escapeUnprintable } from './printable.ts'

export type { Logger } from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON leaves C1 controls and Unicode's line ends as they are: a task's name must not end a line or steer the terminal that shows it. */
export function createLog(options: { level: LogLevel; workerId: string; destination?: { write(line: string): void } }): Logger {
  const destination = options.destination ?? pino.destination({ dest: 1, sync: true })
  return pino(
    {
      level: options.level,
      base: { worker_id: options.workerId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: plainError },
    },
    { write: (line: string) => void destination.write(escapeUnprintable(line)) },
  )
}

/** Name, code, message and causes of an error: pino's own serializer would also print headers and bodies that hang on it. */
export function plainError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error === undefined ? undefined : String(error)
  const code = 'code' in error ? error.code : undefined
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(depth === 0 && error.stack ? { stack: error.stack } : {}),
    ...(error.cause === undefined || depth >= 4 ? {} : { cause: plainError(error.cause, depth + 1) }),
  }
}

/** An error and its causes in one line, for messages to people. */
export function describeError(error: unknown): string {
  const parts: string[] = []
  for (let current: unknown = error, depth = 0; current !== undefined && current !== null && depth < 5; depth++) {
    const text = current instanceof Error ? current.message || errorCode(current) || current.name : String(current)
    if (!parts.includes(text)) parts.push(text)
    current =
      current instanceof AggregateError && current.errors.length > 0
        ? current.errors[0]
        : current instanceof Error
          ? current.cause
          : undefined
  }
  return parts.join(': ')
}

/** The `code` of a system or undici error (ECONNREFUSED, UND_ERR_SOCKET …), also when it hangs on a cause. */
export function errorCode(error: unknown): string | null {
  for (let current: unknown = error, depth = 0; current instanceof Error && depth < 5; depth++) {
    if ('code' in current && typeof current.code === 'string') return current.code
    current = current instanceof AggregateError && current.errors.length > 0 ? current.errors[0] : current.cause
  }
  return null
}
