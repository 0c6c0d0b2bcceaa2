// Errors as callers see them: RFC 9457 problem details with a stable `code`. One table says which code has which status and title.

/** One thing wrong with one field. `pointer` is a JSON pointer into what was sent; `detail` names the problem and the remedy, never the value. */
export interface FieldError {
  pointer: string
  detail: string
}

export const PROBLEMS = {
  malformed_request: { status: 400, title: 'The request could not be read' },
  invalid_json: { status: 400, title: 'The body is not JSON' },
  invalid_encoding: { status: 400, title: 'The body is not UTF-8' },
  webhook_headers: { status: 400, title: 'Webhook headers are missing or malformed' },
  timestamp_out_of_window: { status: 401, title: 'The webhook timestamp is too far from the server’s clock' },
  signature_mismatch: { status: 401, title: 'No signature matches' },
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  certificate_required: { status: 401, title: 'A client certificate is needed' },
  forbidden: { status: 403, title: 'The token lacks the scope' },
  not_found: { status: 404, title: 'Not found' },
  not_configured: { status: 404, title: 'This entrance is not configured' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  conflict: { status: 409, title: 'The same task was accepted with other content' },
  not_started: { status: 409, title: 'The container has not started' },
  gone: { status: 410, title: 'No longer there' },
  body_too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The URL is too long' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  invalid_request: { status: 422, title: 'The request does not fit the schema' },
  refused_by_cluster: { status: 422, title: 'The cluster refused the Job' },
  at_capacity: { status: 429, title: 'At capacity' },
  rate_limited: { status: 429, title: 'Too many requests' },
  quota_exceeded: { status: 429, title: 'The namespace’s quota is used up' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'An unexpected error' },
  draining: { status: 503, title: 'Shutting down' },
  cluster_unavailable: { status: 503, title: 'The cluster cannot be reached' },
  cluster_busy: { status: 503, title: 'The cluster asks to slow down' },
  outcome_unknown: { status: 503, title: 'The outcome is not known; a retry is safe' },
  overloaded: { status: 503, title: 'Too many requests in flight' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/** A refusal as data, before it becomes an HTTP answer, a poll result or an exit code. */
export interface Refusal {
  code: ProblemCode
  detail: string
  errors?: FieldError[]
  /** Seconds; goes into Retry-After. */
  retryAfterSeconds?: number
  cause?: unknown
}

export function refusal(code: ProblemCode, detail: string, more: Omit<Refusal, 'code' | 'detail'> = {}): Refusal {
  return { code, detail, ...more }
}
