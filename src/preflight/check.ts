// What a check says: one plain record each, for the terminal, for JSON, for readyz and for the log. No check ever puts a secret into it.

export type CheckStatus = 'ok' | 'warning' | 'failed'

export interface CheckResult {
  /** Which check, in short: api, permissions, pod-security, … */
  name: string
  status: CheckStatus
  /** What was found. */
  what: string
  /** Why it matters, or what exactly is wrong; null when all is well. */
  why: string | null
  /** The command or the setting that puts it right; null when there is nothing to do. */
  fix: string | null
  /** As long as it fails, every task fails: the service is not ready. */
  blocking: boolean
}

export function ok(name: string, what: string): CheckResult {
  return { name, status: 'ok', what, why: null, fix: null, blocking: false }
}

export function warning(name: string, what: string, why: string, fix: string | null): CheckResult {
  return { name, status: 'warning', what, why, fix, blocking: false }
}

export function failed(name: string, what: string, why: string, fix: string | null, blocking = false): CheckResult {
  return { name, status: 'failed', what, why, fix, blocking }
}

/** One line, cut to a bounded length: answers of webhooks and proxies can be pages long. */
export function oneLine(text: string, limit = 600): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line
}
