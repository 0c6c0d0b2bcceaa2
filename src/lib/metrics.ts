// Every metric jobhook exposes, declared once: name, help, labels (bounded), buckets. Parts get this object and count.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const TASK_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 28_800]

/**
 * What each label may say. Every label is bounded: nothing that comes from outside (ids, names, paths, texts) is ever one. A test walks the registry
 * after hostile input; docs/metrics.md is made from it.
 */
export const LABELS: Readonly<Record<string, { meaning: string; values: RegExp }>> = {
  via: { meaning: 'The entrance: webhook, rest, poll, socket.', values: /^(webhook|rest|poll|socket)$/ },
  result: {
    meaning: 'What came of it, as the help text lists; for a refusal the code of [problems.md](problems.md).',
    values: /^[a-z_]{2,30}$/,
  },
  state: { meaning: 'As in REST: queued, pending, running, stopping, completed, failed, cancelled.', values: /^[a-z]{6,9}$/ },
  kind: { meaning: 'completed, failed or cancelled; of the long poll: lease or ack.', values: /^(completed|failed|cancelled|lease|ack)$/ },
  reason: {
    meaning: 'A failure_reason of [reasons.md](reasons.md), empty for what did not fail; `other` for a word that is not there.',
    values: /^[a-z_]{0,40}$/,
  },
  step: { meaning: 'scheduled, pulled, started, finished, reported.', values: /^(scheduled|pulled|started|finished|reported)$/ },
  slot: { meaning: 'started or verdict.', values: /^(started|verdict)$/ },
  by: { meaning: 'Which limit: webhook, token, address.', values: /^(webhook|token|address)$/ },
  status: { meaning: 'An HTTP status; 0: no answer.', values: /^(0|[1-9][0-9]{2})$/ },
  verb: {
    meaning: 'Of the Kubernetes API: get, list, watch, create, update, patch, delete.',
    values: /^(get|list|watch|create|update|patch|delete)$/,
  },
  resource: { meaning: 'A resource of Kubernetes that jobhook uses.', values: /^[a-z/() ]{4,40}$/ },
  type: { meaning: 'Of a watch event: ADDED, MODIFIED, DELETED, BOOKMARK; UNREADABLE: left out; OTHER.', values: /^[A-Z]{5,10}$/ },
  for: { meaning: 'stop: to report a stopped task’s last words; rest: for a caller.', values: /^(stop|rest)$/ },
  method: { meaning: 'Of HTTP; OTHER for what is none of the usual.', values: /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|OTHER)$/ },
  route: { meaning: 'The route’s pattern, never the path; none: there is no such route.', values: /^(none|\/[a-z0-9/:*.-]*)$/ },
}

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    submissions: new Counter({
      name: 'jobhook_submissions_total',
      help: 'Assignments and cancellations received, by entrance and result (claimed, duplicate, refused code).',
      labelNames: ['via', 'result'],
      registers,
    }),
    submitSeconds: new Histogram({
      name: 'jobhook_submit_seconds',
      help: 'Seconds from a received assignment to its durable Job.',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    httpRequests: new Counter({
      name: 'jobhook_http_requests_total',
      help: 'HTTP requests answered, by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'jobhook_http_request_seconds',
      help: 'Seconds from a request’s headers to the end of its answer, by route; streams (logs that are followed, events) are left out.',
      labelNames: ['route'],
      buckets: LATENCY_SECONDS,
      registers,
    }),
    oldestPendingSeconds: new Gauge({
      name: 'jobhook_oldest_pending_seconds',
      help: 'Age of the oldest task that has a place but no running container yet; 0: there is none.',
      registers,
    }),
    owed: new Gauge({
      name: 'jobhook_owed_verdicts',
      help: 'Tasks whose verdict has been reached and is not acknowledged yet.',
      registers,
    }),
    oldestOwedSeconds: new Gauge({
      name: 'jobhook_oldest_owed_seconds',
      help: 'How long the verdict that waits longest for its acknowledgement has been owed; 0: none is.',
      registers,
    }),
    tasks: new Gauge({ name: 'jobhook_tasks', help: 'Tasks in the cache by state.', labelNames: ['state'], registers }),
    verdicts: new Counter({
      name: 'jobhook_verdicts_total',
      help: 'Verdicts reached, by kind and failure reason.',
      labelNames: ['kind', 'reason'],
      registers,
    }),
    runSeconds: new Histogram({
      name: 'jobhook_task_run_seconds',
      help: 'Seconds the task’s container ran.',
      buckets: TASK_SECONDS,
      registers,
    }),
    stepSeconds: new Histogram({
      name: 'jobhook_task_step_seconds',
      help: 'Seconds from one step of a task’s life to the next: scheduled, pulled, started, finished, reported. Kubernetes’ times are whole seconds.',
      labelNames: ['step'],
      buckets: TASK_SECONDS,
      registers,
    }),
    unknownStates: new Counter({
      name: 'jobhook_unknown_states_total',
      help: 'Tasks seen in a container state that this version does not know; they are waited for.',
      registers,
    }),
    stops: new Counter({ name: 'jobhook_stops_total', help: 'Tasks stopped by jobhook, by reason.', labelNames: ['reason'], registers }),
    deliveries: new Counter({
      name: 'jobhook_deliveries_total',
      help: 'Callback attempts by slot (started, verdict) and result (delivered, gone, retry, dropped, dead).',
      labelNames: ['slot', 'result'],
      registers,
    }),
    deliverySeconds: new Histogram({
      name: 'jobhook_delivery_seconds',
      help: 'Seconds of one callback attempt.',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    verdictLagSeconds: new Histogram({
      name: 'jobhook_verdict_lag_seconds',
      help: 'Seconds from the task’s end seen in the watch to its acknowledged verdict callback.',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    openCircuits: new Gauge({
      name: 'jobhook_callback_circuits_open',
      help: 'Origins of callbacks that are held back because they do not answer.',
      registers,
    }),
    dedupeEntries: new Gauge({ name: 'jobhook_dedupe_entries', help: 'Finished tasks that the dedupe ledger knows.', registers }),
    dedupeWindowSeconds: new Gauge({
      name: 'jobhook_dedupe_window_seconds',
      help: 'Age of the oldest finished task that the dedupe ledger knows: the window it holds.',
      registers,
    }),
    dedupeErrors: new Counter({
      name: 'jobhook_dedupe_errors_total',
      help: 'Writes of the dedupe ledger that failed. They are tried again; redeliveries of the tasks concerned may run again.',
      registers,
    }),
    rateLimited: new Counter({
      name: 'jobhook_rate_limited_total',
      help: 'Requests refused because their client sent too many, by limit (webhook, token, address).',
      labelNames: ['by'],
      registers,
    }),
    tlsExpires: new Gauge({
      name: 'jobhook_tls_certificate_expires_seconds',
      help: 'When the certificate that the HTTP service shows expires, in Unix time; 0: it serves without TLS.',
      registers,
    }),
    tlsReloads: new Counter({
      name: 'jobhook_tls_reloads_total',
      help: 'Changed certificates of the HTTP service, by result (ok, failed).',
      labelNames: ['result'],
      registers,
    }),
    queueReleases: new Counter({ name: 'jobhook_queue_releases_total', help: 'Tasks released from the queue.', registers }),
    placesTaken: new Gauge({
      name: 'jobhook_places_taken',
      help: 'Tasks that count against limits.max_concurrent_tasks: running, or able to at any moment.',
      registers,
    }),
    pendingPods: new Gauge({
      name: 'jobhook_pending_pods',
      help: 'Tasks that have a place and whose Pod has not started yet; limits.max_pending_pods.',
      registers,
    }),
    queued: new Gauge({ name: 'jobhook_queued_tasks', help: 'Tasks that wait in the queue.', registers }),
    pressure: new Gauge({
      name: 'jobhook_cluster_pressure',
      help: '1 while the cluster cannot take more (quota, too many requests, too many Pods waiting to start) and no new work is asked for.',
      registers,
    }),
    pollRequests: new Counter({
      name: 'jobhook_poll_requests_total',
      help: 'Requests of the long poll, by kind (lease, ack) and status (0 = no answer).',
      labelNames: ['kind', 'status'],
      registers,
    }),
    socketConnected: new Gauge({ name: 'jobhook_socket_connected', help: '1 while the socket to the control plane is open.', registers }),
    socketConnects: new Counter({
      name: 'jobhook_socket_connects_total',
      help: 'Attempts to open the socket, by result (open, failed).',
      labelNames: ['result'],
      registers,
    }),
    deadLetters: new Gauge({
      name: 'jobhook_dead_letters',
      help: 'Tasks whose verdict could not be delivered within the schedule.',
      registers,
    }),
    kubeRequests: new Counter({
      name: 'jobhook_kube_requests_total',
      help: 'Requests to the Kubernetes API by verb, resource and status (0 = no answer).',
      labelNames: ['verb', 'resource', 'status'],
      registers,
    }),
    kubeSeconds: new Histogram({
      name: 'jobhook_kube_request_seconds',
      help: 'Seconds of one request to the Kubernetes API, by verb.',
      labelNames: ['verb'],
      buckets: LATENCY_SECONDS,
      registers,
    }),
    kubeConcurrency: new Gauge({
      name: 'jobhook_kube_concurrency_limit',
      help: 'Requests that may go to the Kubernetes API at once: limits.kube_connections, fewer while it answers 429. The Lease, watches and logs are not counted.',
      registers,
    }),
    informerLists: new Counter({
      name: 'jobhook_informer_lists_total',
      help: 'Lists begun by the informer.',
      labelNames: ['resource', 'result'],
      registers,
    }),
    informerWatches: new Counter({
      name: 'jobhook_informer_watches_total',
      help: 'Watches opened, by how they ended.',
      labelNames: ['resource', 'result'],
      registers,
    }),
    informerEvents: new Counter({
      name: 'jobhook_informer_events_total',
      help: 'Watch events applied.',
      labelNames: ['resource', 'type'],
      registers,
    }),
    informerObjects: new Gauge({ name: 'jobhook_informer_objects', help: 'Objects in the cache.', labelNames: ['resource'], registers }),
    informerStaleSeconds: new Gauge({
      name: 'jobhook_informer_stale_seconds',
      help: 'Seconds since the informer last heard from the API (0 while a watch is open).',
      labelNames: ['resource'],
      registers,
    }),
    queueDepth: new Gauge({ name: 'jobhook_queue_depth', help: 'Keys waiting in the reconcile queue.', registers }),
    reconcileErrors: new Counter({
      name: 'jobhook_reconcile_errors_total',
      help: 'Reconcile runs that failed and are tried again.',
      registers,
    }),
    logStreams: new Gauge({
      name: 'jobhook_log_streams',
      help: 'Logs being followed or read, by what for (stop, rest).',
      labelNames: ['for'],
      registers,
    }),
    logFollows: new Counter({
      name: 'jobhook_log_follows_total',
      help: 'Logs followed because of a stop, by how it went (complete, broken, refused: too many at once).',
      labelNames: ['result'],
      registers,
    }),
    eventStreams: new Gauge({ name: 'jobhook_event_streams', help: 'Listeners at GET /v1/events on this replica.', registers }),
    eventStreamsCut: new Counter({
      name: 'jobhook_event_streams_cut_total',
      help: 'Listeners at GET /v1/events that were cut because they read too slowly.',
      registers,
    }),
    sweptSecrets: new Counter({
      name: 'jobhook_swept_secrets_total',
      help: 'Secrets that no Job names, found by the sweeper: deleted, or kept because the deletion failed.',
      labelNames: ['result'],
      registers,
    }),
    leader: new Gauge({ name: 'jobhook_leader', help: '1 on the replica that reports, polls, queues and sweeps.', registers }),
  }
}
