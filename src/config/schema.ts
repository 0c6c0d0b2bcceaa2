// The configuration, declared once: names, types, defaults, bounds, units and descriptions. The loader, the reference page, the chart's values
// schema and the command line's help come from here.
import { type Static, Type } from '@sinclair/typebox'
import { CALLBACK_TYPES } from '../model/callback.ts'
import { KubernetesBackend, OzSettings } from '../model/pod-settings.ts'
import { closed, duration, object, rate, reference, rotating } from './schema-parts.ts'

export const SCOPES = ['read', 'logs', 'submit', 'cancel', 'admin'] as const

export const ConfigSchema = Type.Object(
  {
    worker_id: Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[^\\s\\u0000-\\u001f]+$',
      description: 'Which worker this is for the control plane. All replicas share it; two releases in one namespace must differ.',
    }),
    listen: Type.String({
      pattern: '^(\\[[0-9a-fA-F:]+\\]|[^:]+):\\d{1,5}$',
      default: '127.0.0.1:8080',
      description: 'Address and port of the HTTP service. Port 0 picks a free one.',
    }),
    tls: object(
      {
        cert_file: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of the certificate, with its chain.' })),
        key_file: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of its private key.' })),
        client_ca_file: Type.Optional(
          Type.String({
            minLength: 1,
            description: 'PEM file of authorities: clients must show a certificate of theirs, except for health and metrics.',
          }),
        ),
        min_version: Type.Union([Type.Literal('TLSv1.2'), Type.Literal('TLSv1.3')], {
          default: 'TLSv1.2',
          description: 'The oldest version that is spoken.',
        }),
      },
      'Serve HTTPS instead of HTTP. Changed files are taken over within 10 s; connections that exist go on.',
    ),
    trust_proxy: Type.Array(Type.String({ pattern: '^[0-9a-fA-F:.]+(/[0-9]{1,3})?$' }), {
      default: [],
      maxItems: 64,
      description:
        'Addresses or CIDRs of proxies whose X-Forwarded-For says who the client is, for rate limits and the audit log. Empty: no header is believed.',
    }),
    cluster: Type.Union([Type.Literal('kubernetes'), Type.Literal('embedded')], {
      default: 'kubernetes',
      description: 'kubernetes: a real cluster. embedded: a Kubernetes API in this process that runs commands as local processes.',
    }),
    log_level: Type.Union(
      [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error'), Type.Literal('silent')],
      { default: 'info', description: 'The least severe level that is logged.' },
    ),
    backend: object({ kubernetes: Type.Optional(KubernetesBackend) }, 'How tasks become Pods.'),
    profile: Type.Union([Type.Literal('generic'), Type.Literal('oz')], {
      default: 'generic',
      description: 'generic runs the assignment’s command and args; oz derives the agent’s command line.',
    }),
    oz: Type.Optional(OzSettings),
    idle_on_complete: Type.Optional(
      Type.String({ minLength: 1, description: 'Profile oz: how long an agent stays when done, for example 45m.' }),
    ),
    cleanup: Type.Boolean({ default: true, description: 'false keeps every Job (no retention).' }),
    max_concurrent_tasks: Type.Optional(Type.Integer({ minimum: 0, description: 'The older name of limits.max_concurrent_tasks.' })),
    webhook: object(
      {
        secrets: Type.Array(reference('A key that inbound webhooks are signed with: whsec_… or whpk_….'), {
          default: [],
          maxItems: 16,
          description: 'Several keys are all accepted: for rotation.',
        }),
        tolerance: duration('How far a webhook’s timestamp may be from this clock.', '5m'),
      },
      'The inbound webhook, POST /v1/webhook. Without a secret it answers 404.',
    ),
    api: object(
      {
        tokens: Type.Array(
          Type.Object(
            {
              name: Type.String({ minLength: 1, maxLength: 64, description: 'Who it is, for the audit log.' }),
              token: Type.Optional(reference('The bearer token itself, at least 16 characters.')),
              sha256: Type.Optional(
                Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Or the SHA-256 of the token, in hex: nothing secret is stored.' }),
              ),
              scopes: Type.Array(Type.Union(SCOPES.map((scope) => Type.Literal(scope))), {
                minItems: 1,
                description: 'What it allows: read, logs, submit, cancel, admin.',
              }),
            },
            closed,
          ),
          { default: [], description: 'Bearer tokens of the REST API. Without one the API answers 404.' },
        ),
        docs: Type.Boolean({
          default: true,
          description: 'Whether the API can be read and tried out at /docs. /openapi.yaml and /docs/problems are there either way.',
        }),
      },
      'The REST API.',
    ),
    ui: object(
      {
        enabled: Type.Boolean({
          default: true,
          description: 'Whether there is a page, where somebody could log in: with a token in api.tokens, or --insecure.',
        }),
        session: duration('How long a login lasts.', '12h'),
      },
      'The page for people, /ui. One logs in with a REST token.',
    ),
    callback: object(
      {
        url: Type.Optional(reference('Where callbacks go.')),
        secrets: Type.Array(reference('A key that callbacks are signed with: whsec_… or whsk_….'), {
          default: [],
          maxItems: 8,
          description: 'One signature for each: for rotation.',
        }),
        types: Type.Array(Type.Union(CALLBACK_TYPES.map((type) => Type.Literal(type))), {
          default: [...CALLBACK_TYPES],
          description: 'Which messages are sent.',
        }),
        schedule: Type.Array(Type.Number({ minimum: 0, maximum: 604_800 }), {
          default: [0, 5, 30, 300, 1_800, 7_200, 18_000, 36_000, 36_000],
          minItems: 1,
          maxItems: 64,
          description: 'Seconds before each attempt of a verdict; after the last it becomes a dead letter.',
        }),
        timeout: duration('How long one attempt may take.', '10s'),
        log_tail_bytes: Type.Integer({
          minimum: 0,
          maximum: 65_536,
          default: 65_536,
          description: 'How much of a failed task’s log goes into its report, in bytes; 0: none.',
        }),
        allow_origins: Type.Array(Type.String({ pattern: '^https?://[^/]+$' }), {
          default: [],
          description: 'Origins that a task’s own callback_url may have. Empty: none.',
        }),
        allow_private: Type.Boolean({
          default: false,
          description: 'Whether a task’s own callback_url may lead to private addresses. Metadata addresses never.',
        }),
        tls: object(
          {
            ca_file: Type.Optional(
              Type.String({ minLength: 1, description: 'PEM file of authorities that are trusted beside the system’s.' }),
            ),
            cert_file: Type.Optional(
              Type.String({ minLength: 1, description: 'PEM file of the client certificate. Shown to callback.url only.' }),
            ),
            key_file: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of its private key.' })),
          },
          'Certificates for callbacks over https. The files are read again for each connection.',
        ),
      },
      'Callbacks to the control plane.',
    ),
    poll: Type.Optional(
      Type.Object(
        {
          url: Type.String({ minLength: 1, description: 'The control plane; /v1/workers/{worker_id}/assignments/lease is added.' }),
          token: rotating('The bearer token shown to it.'),
          wait: duration('How long the control plane may hold a request that has no answer. Ingresses often cut at 60 s.', '50s'),
          max_messages: Type.Integer({
            minimum: 1,
            maximum: 50,
            default: 50,
            description: 'Messages asked for at once; never more than could start.',
          }),
        },
        { ...closed, description: 'Fetch assignments by long poll from a control plane that cannot reach this service. Absent: not used.' },
      ),
    ),
    socket: Type.Optional(
      Type.Object(
        {
          url: Type.String({
            minLength: 1,
            description: 'ws:// or wss:// URL. Without a path /api/v1/selfhosted/worker/ws is taken; worker_id is added to the query.',
          }),
          token: rotating('The bearer token shown to it.'),
          ping: duration('How often it is pinged; after twice as long without a pong the connection is given up.', '30s'),
        },
        {
          ...closed,
          description:
            'Keep a WebSocket to a control plane that speaks that wire only. Verdicts go over it unless callback.url is set. Absent: not used.',
        },
      ),
    ),
    limits: object(
      {
        max_concurrent_tasks: Type.Integer({ minimum: 0, default: 0, description: 'Tasks that may be unfinished at once; 0: no limit.' }),
        overflow: Type.Union([Type.Literal('reject'), Type.Literal('queue'), Type.Literal('kueue')], {
          default: 'reject',
          description: 'What happens beyond the limit.',
        }),
        max_queued_tasks: Type.Integer({
          minimum: 0,
          maximum: 100_000,
          default: 10_000,
          description: 'With overflow: queue, how many tasks may wait; beyond it 429.',
        }),
        max_pending_pods: Type.Integer({
          minimum: 0,
          default: 0,
          description:
            'Tasks whose Pods may be waiting to start (for a node, an image, a volume) at once; beyond it no work is asked for, none released from the queue, and with overflow: reject or kueue more is answered 429. 0: no limit.',
        }),
        kueue_queue: Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: 'Kueue’s LocalQueue, for overflow: kueue.' })),
        requests_in_flight: Type.Integer({
          minimum: 1,
          maximum: 100_000,
          default: 512,
          description:
            'HTTP requests worked on at once; beyond it 503. As many bodies may be on their way; beyond it the oldest that drips is cut off (408).',
        }),
        connections: Type.Integer({
          minimum: 1,
          maximum: 1_000_000,
          default: 10_000,
          description: 'Open connections of HTTP clients; beyond it new ones are closed at once.',
        }),
        requests_per_second: object(
          {
            webhook: rate('The webhook, for each address: a control plane sends everything from one.', 1_000),
            token: rate('REST, for each token.', 200),
            address: rate('Everything else, and requests without a valid token, for each address (IPv6: each /64).', 50),
          },
          'How much one client may ask, averaged over 10 s; beyond it 429. Health and metrics are not counted.',
        ),
        kube_connections: Type.Integer({ minimum: 1, maximum: 1_024, default: 64, description: 'Connections to the Kubernetes API.' }),
        callback_connections: Type.Integer({ minimum: 1, maximum: 1_024, default: 32, description: 'Connections to the control plane.' }),
      },
      'Capacity.',
    ),
    deadlines: object(
      {
        schedule: Type.Optional(duration('How long a Pod may wait for a node. Default 2m.')),
        pull: duration('How long an image may take to arrive.', '10m'),
        prepare: duration('How long init containers may take.', '10m'),
        create: duration('How long a Job may be without a Pod.', '1m'),
        run: Type.Optional(duration('The longest a task’s container may run; its own timeout_seconds can only be shorter. Default 8h.')),
        sidecar_grace: duration('How long other containers may run on after the task’s container.', '30s'),
        stop_confirm: duration('How long to wait for the end of a stopped Pod before its node counts as lost.', '30m'),
        drain_delay: duration('How long a stopping replica goes on answering.', '5s'),
      },
      'Deadlines.',
    ),
    retention: object(
      {
        success: Type.Optional(duration('How long a finished task’s Job is kept after its report. Default 24h.')),
        failure: Type.Optional(duration('The same for a failed task. Default 24h.')),
        dead_letter: duration('The same for a task whose report could not be delivered.', '168h'),
        dedupe: duration('How long a redelivery of a finished task is recognised after its Job is gone; 0: not at all.', '75h'),
      },
      'How long finished things are kept.',
    ),
    job_finalizer: Type.Boolean({
      default: true,
      description: 'Hold a Job until its report is acknowledged. Without it a Job deleted while every replica is down is not reported.',
    }),
    retry_on_disruption: Type.Boolean({
      default: false,
      description: 'Let the Job controller start a Pod again that was disrupted (drain, preemption). The task then runs again.',
    }),
    sweep_secrets: Type.Boolean({
      default: true,
      description:
        'Delete Secrets of ours that no Job names 15 minutes after they were made. false: then no right to list Secrets is needed.',
    }),
    log_limit_bytes: Type.Integer({
      minimum: 1_024,
      maximum: 67_108_864,
      default: 1_048_576,
      description: 'How much of a container’s log is read at once by REST, in bytes: the last ones. Following is not limited.',
    }),
    leader_election: object(
      { lease_duration: duration('After how long without renewal another replica takes over.', '15s') },
      'Which replica reports.',
    ),
    embedded: object(
      {
        listen: Type.String({ default: '127.0.0.1:0', description: 'Loopback address of the embedded Kubernetes API.' }),
        kubeconfig_file: Type.String({ default: './embedded.kubeconfig', description: 'Where its kubeconfig is written (mode 0600).' }),
        data_dir: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
          default: null,
          description: 'Folder that keeps its state over a restart; null: memory only.',
        }),
      },
      'The embedded cluster.',
    ),
  },
  { ...closed, $id: 'https://jobhook.dev/config.schema.json', title: 'jobhook configuration' },
)

/** The configuration as written, with defaults and references resolved. */
export type Config = Static<typeof ConfigSchema>
