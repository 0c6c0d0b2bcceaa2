// Errors as callers see them: RFC 9457 problem details with a stable `code`. One table says which code has which status and title,
// and what to do about it.

/** One thing wrong with one field. `pointer` is a JSON pointer into what was sent; `detail` names the problem and the remedy, never the value. */
export interface FieldError {
  pointer: string
  detail: string
}

/** One kind of problem. Titles are stable; `remedy` says what to do about it, `example` what `detail` may read like. docs/problems.md is made from it. */
export interface Problem {
  status: number
  title: string
  remedy: string
  example: string
}

export const PROBLEMS = {
  malformed_request: {
    status: 400,
    title: 'The request could not be read',
    remedy: 'Something before the body is broken: the path, a header, the length. detail says what; correct it in the client.',
    example: 'the path has a bad percent-encoding',
  },
  invalid_json: {
    status: 400,
    title: 'The body is not JSON',
    remedy: 'Send one JSON value. The position is told, never the text around it.',
    example: 'the body is not JSON: syntax error at character 27',
  },
  invalid_encoding: {
    status: 400,
    title: 'The body is not UTF-8',
    remedy: 'Encode the body as UTF-8, without a byte order mark, and sign exactly those bytes.',
    example: 'the body has bytes that are not UTF-8: encode it as UTF-8 and sign those bytes',
  },
  webhook_headers: {
    status: 400,
    title: 'Webhook headers are missing or malformed',
    remedy:
      'Send webhook-id, webhook-timestamp (whole seconds) and webhook-signature, each once: `jobhook sign` shows a request that is right.',
    example: 'webhook-timestamp must be whole seconds since 1970',
  },
  timestamp_out_of_window: {
    status: 401,
    title: 'The webhook timestamp is too far from the server’s clock',
    remedy: 'Sign each attempt anew with the time of that attempt, and keep both clocks in step (NTP).',
    example: 'the timestamp is 600 s from the server’s clock; at most 300 s are allowed',
  },
  signature_mismatch: {
    status: 401,
    title: 'No signature matches',
    remedy: 'Sign the raw bytes as they are sent, with a secret of webhook.secrets. Which key was tried is never told.',
    example: 'no signature matches. Signed is exactly {webhook-id}.{webhook-timestamp}.{raw body}',
  },
  unauthenticated: {
    status: 401,
    title: 'A valid bearer token is needed',
    remedy: 'Send a token of api.tokens; one that was rotated away no longer counts.',
    example: 'send Authorization: Bearer with a token from api.tokens',
  },
  certificate_required: {
    status: 401,
    title: 'A client certificate is needed',
    remedy: 'Connect with a certificate that an authority of tls.client_ca_file has signed.',
    example: 'connect with a client certificate of the authority in tls.client_ca_file',
  },
  forbidden: {
    status: 403,
    title: 'The token lacks the scope',
    remedy: 'Use a token that has the scope, or add the scope to this one in api.tokens.',
    example: 'the token ci lacks the scope cancel: add it in api.tokens',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    remedy:
      'Check the id or the path. A finished task is shown until its retention ends (retention.success, retention.failure, retention.dead_letter).',
    example: 'no task has this id: finished tasks are kept until their retention ends',
  },
  not_configured: {
    status: 404,
    title: 'This entrance is not configured',
    remedy: 'Set the key that detail names, or use another entrance.',
    example: 'the REST API has no token: set api.tokens in the configuration',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    remedy: 'Use a method that the header Allow lists.',
    example: 'this path answers GET, HEAD',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    remedy: 'Send the headers within 10 s and the whole request within 30 s.',
    example: 'the request did not arrive in time',
  },
  conflict: {
    status: 409,
    title: 'The same task was accepted with other content',
    remedy:
      'errors names the fields that differ. Send a new execution_id for a new run; never reuse one for other content. Of a replay: there is nothing to send again.',
    example: 'task "t-42", execution "e-1" was accepted with another args: send a new execution_id for a new run',
  },
  not_started: {
    status: 409,
    title: 'The container has not started',
    remedy: 'Ask again later, or with follow=true, which waits for the container.',
    example: 'the container has not started: it is pulling its image',
  },
  gone: {
    status: 410,
    title: 'No longer there',
    remedy:
      'It was there and will not come back: the Pod of a stopped task, or a Job being deleted. The verdict that was reported has the end of the log.',
    example: 'the Pod is gone, and its log with it',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Put large inputs into an object store or an image, and name them in the assignment.',
    example: 'the body may have at most 262144 bytes (256 KiB)',
  },
  uri_too_long: {
    status: 414,
    title: 'The URL is too long',
    remedy: 'Ask for the task by the id that jobhook gave it.',
    example: 'a part of the path is longer than 2,048 characters',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    remedy: 'Send content-type: application/json.',
    example: 'send content-type: application/json',
  },
  invalid_request: {
    status: 422,
    title: 'The request does not fit the schema',
    remedy: 'errors has a JSON pointer for each field, with what is wrong and what is allowed. Sending the same again is refused again.',
    example: '/timeout_seconds must be an integer (it is a string)',
  },
  refused_by_cluster: {
    status: 422,
    title: 'The cluster refused the Job',
    remedy:
      'An admission policy or the API’s own validation said no; detail quotes it. Change the assignment, the pod template or the policy: `jobhook doctor` shows what every task would meet.',
    example: 'the cluster refused the Job: violates PodSecurity "restricted:latest"',
  },
  at_capacity: {
    status: 429,
    title: 'At capacity',
    remedy: 'Wait for Retry-After. To take more: limits.max_concurrent_tasks; to let tasks wait here: limits.overflow: queue.',
    example: 'the limit of 3 tasks at once is reached',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait for Retry-After, and send less at once.',
    example: 'too many requests from this caller',
  },
  quota_exceeded: {
    status: 429,
    title: 'The namespace’s quota is used up',
    remedy: 'Wait until tasks have ended, or raise the ResourceQuota of the tasks’ namespace.',
    example: 'exceeded quota: jobs, requested: count/jobs.batch=1, used: 50, limited: 50',
  },
  headers_too_large: {
    status: 431,
    title: 'The request headers are too large',
    remedy: 'Send fewer or shorter headers.',
    example: 'the request headers may have at most 16 KiB',
  },
  internal: {
    status: 500,
    title: 'An unexpected error',
    remedy: 'A bug of jobhook. Look for `instance` in its log (request_id) and report it. Sending the request again is safe.',
    example: 'an unexpected error; the log has it under this instance id',
  },
  draining: {
    status: 503,
    title: 'Shutting down',
    remedy: 'Send it again: another replica, or the next one, answers.',
    example: 'this replica is shutting down',
  },
  cluster_unavailable: {
    status: 503,
    title: 'The cluster cannot be reached',
    remedy: 'Send it again after Retry-After. It lasts as long as the Kubernetes API is away from jobhook: see /readyz?verbose.',
    example: 'the cluster cannot be asked for this task now',
  },
  cluster_busy: {
    status: 503,
    title: 'The cluster asks to slow down',
    remedy: 'Send it again after Retry-After. The Kubernetes API limits jobhook’s requests (priority and fairness).',
    example: 'the cluster asks to slow down',
  },
  outcome_unknown: {
    status: 503,
    title: 'The outcome is not known; a retry is safe',
    remedy: 'Send the same again: it finds the Job if it was made, and makes it if not.',
    example: 'the API did not say whether the Job was made; send it again',
  },
  overloaded: {
    status: 503,
    title: 'Too many requests in flight',
    remedy: 'Send it again after Retry-After, with fewer requests at once; limits.requests_in_flight is the bound.',
    example: 'more than 512 requests are being worked on',
  },
} as const satisfies Record<string, Problem>

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
