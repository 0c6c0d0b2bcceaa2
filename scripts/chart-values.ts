// What the chart's values may be, declared once: names, defaults, descriptions. values.yaml, values.schema.json and the chart's README come from here.
// `config` is jobhook's own configuration file (src/config/schema.ts).
import { type TSchema, Type } from '@sinclair/typebox'
import { ConfigSchema } from '../src/config/index.ts'

const closed = { additionalProperties: false }
const group = (description: string, properties: Record<string, TSchema>) => Type.Object(properties, { ...closed, description })
const text = (description: string, fallback = '') => Type.String({ default: fallback, description })
const flag = (description: string, fallback: boolean) => Type.Boolean({ default: fallback, description })
/** Handed to Kubernetes as it is. */
const raw = (description: string, fallback: Record<string, unknown> = {}) =>
  Type.Record(Type.String(), Type.Unknown(), { default: fallback, description })
const rawList = (description: string) => Type.Array(Type.Record(Type.String(), Type.Unknown()), { default: [], description })
const strings = (description: string, fallback: Record<string, string> = {}) =>
  Type.Record(Type.String(), Type.String(), { default: fallback, description })
const monitor = (kind: string) =>
  group(`A ${kind} (Prometheus Operator).`, {
    enabled: flag('Whether it is made.', false),
    interval: text('How often Prometheus reads.', '30s'),
    labels: strings('Further labels, for Prometheus to select it by.'),
  })

export const ChartValues = Type.Object(
  {
    nameOverride: text('Instead of the chart’s name in the names of objects.'),
    fullnameOverride: text('Instead of the whole name of objects.'),
    replicas: Type.Integer({ minimum: 1, default: 2, description: 'One leads and reports; all of them answer requests.' }),
    image: group('The image. tag or digest is required.', {
      repository: Type.String({ minLength: 1, default: 'ghcr.io/jobhook/jobhook', description: 'Registry and name.' }),
      tag: Type.Union([Type.String(), Type.Integer()], { default: '', description: 'For example 0.1.0.' }),
      digest: Type.String({
        pattern: '^(sha256:[0-9a-f]{64})?$',
        default: '',
        description: 'For example sha256:…; it stands over the tag.',
      }),
      pullPolicy: Type.Union([Type.Literal('IfNotPresent'), Type.Literal('Always'), Type.Literal('Never')], {
        default: 'IfNotPresent',
        description: 'When the node pulls it.',
      }),
    }),
    imagePullSecrets: rawList('For jobhook’s own image; those of tasks are in config.backend.kubernetes.pod_template. [{name: …}]'),
    config: Type.Unsafe({
      ...configSchema(),
      default: {},
      description:
        'jobhook’s configuration file as it is (docs/configuration.md). worker_id and a way in (webhook.secrets or api.tokens) are required. listen is 0.0.0.0:8080 unless set.',
    }),
    existingSecret: text(
      'Name of a Secret of yours. Each of its keys is a file in /etc/jobhook/secrets, for config to name: {file: /etc/jobhook/secrets/KEY}.',
    ),
    secrets: strings(
      'Keys and values of a Secret that the chart makes, mounted in the same place. They are then also in Helm’s release record.',
    ),
    serviceAccount: group('Who jobhook is for Kubernetes.', {
      create: flag('Whether the chart makes it.', true),
      name: text('Its name; empty: that of the release.'),
      annotations: strings('Its annotations.'),
    }),
    rbac: group('What jobhook may do.', {
      create: flag('Whether the chart makes the Role and RoleBinding, in the namespace of the tasks.', true),
    }),
    service: group('The Service.', {
      type: Type.Union([Type.Literal('ClusterIP'), Type.Literal('NodePort'), Type.Literal('LoadBalancer')], {
        default: 'ClusterIP',
        description: 'Its type.',
      }),
      port: Type.Integer({ minimum: 1, maximum: 65_535, default: 80, description: 'Its port.' }),
      annotations: strings('Its annotations.'),
    }),
    ingress: group('An Ingress.', {
      enabled: flag('Whether it is made.', false),
      className: text('Which controller serves it.'),
      annotations: strings('Its annotations.'),
      hosts: Type.Array(Type.String(), { default: [], description: 'Host names; none: any host.' }),
      paths: Type.Array(Type.Object({ path: Type.String(), pathType: Type.Optional(Type.String()) }, closed), {
        default: [{ path: '/v1/webhook', pathType: 'Exact' }],
        description: 'What is let in: by default the webhook and nothing else.',
      }),
      tls: rawList('[{hosts: […], secretName: …}]'),
    }),
    podDisruptionBudget: group('With more than one replica.', {
      enabled: flag('Whether it is made.', true),
      maxUnavailable: Type.Union([Type.Integer({ minimum: 0 }), Type.String()], {
        default: 1,
        description: 'How many may be away at once.',
      }),
    }),
    networkPolicy: group('Who may talk to jobhook’s Pods, and where they may go.', {
      enabled: flag('Whether it is made.', true),
      ingressFrom: rawList('Who may reach the HTTP port: NetworkPolicyPeers. Empty: anybody.'),
      egress: Type.Union([Type.Array(Type.Record(Type.String(), Type.Unknown())), Type.Null()], {
        default: null,
        description: 'Where it may go beside DNS: NetworkPolicyEgressRules for the API server and the control plane. null: anywhere.',
      }),
    }),
    metrics: group('Prometheus and Grafana.', {
      serviceMonitor: monitor('ServiceMonitor'),
      podMonitor: monitor('PodMonitor'),
      prometheusRule: group('A PrometheusRule with the alerts of files/alerts.yaml.', {
        enabled: flag('Whether it is made.', false),
        runbookUrl: text('Where the pages of docs/runbooks can be read: each alert’s runbook_url is below it.', 'docs/runbooks'),
        labels: strings('Further labels.'),
      }),
      dashboard: group('A ConfigMap with a Grafana dashboard.', {
        enabled: flag('Whether it is made.', false),
        labels: strings('Labels that Grafana’s sidecar selects by.', { grafana_dashboard: '1' }),
      }),
    }),
    uninstall: group('What helm uninstall does.', {
      release: flag(
        'Take jobhook’s finalizer off this worker’s Jobs before (a pre-delete hook: jobhook release). false: leave it, for a later release with the same worker_id to report.',
        true,
      ),
      deleteLedger: flag(
        'Also delete what is remembered of finished tasks. false: it stays for a later release with the same worker_id, which then runs no redelivered task again.',
        false,
      ),
    }),
    tests: group('helm test: a signed webhook, and where it opens nothing else, the whole way to a signed callback.', {
      enabled: flag('Whether the test is made; its origin is then allowed as callback_url (see README).', true),
      image: text('Image of the test’s task; empty: jobhook’s own.'),
      command: Type.Array(Type.String(), {
        default: ['node', '-e', "console.log('hello from the test task')"],
        description: 'Command of the test’s task.',
      }),
    }),
    resources: raw('Of each replica. Memory grows with the tasks held: about 6 KB a task.', {
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { memory: '512Mi' },
    }),
    terminationGracePeriodSeconds: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'null: deadlines.drain_delay + callback.timeout + 20 s.',
    }),
    podSecurityContext: raw('Of the Pod. The image’s user is 65532; any other works too (OpenShift).', {
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    }),
    securityContext: raw('Of the container.', {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    }),
    priorityClassName: text('PriorityClass of the Pods.'),
    commonLabels: strings('Labels on every object of the chart.'),
    podLabels: strings('Labels on the Pods.'),
    podAnnotations: strings('Annotations on the Pods.'),
    nodeSelector: strings('Where the Pods may run.'),
    tolerations: rawList('Taints they tolerate.'),
    affinity: raw('Their affinity.'),
    topologySpreadConstraints: Type.Union([Type.Array(Type.Record(Type.String(), Type.Unknown())), Type.Null()], {
      default: null,
      description: 'null: spread over nodes and zones where possible.',
    }),
    extraEnv: rawList('Further variables, for example for {env: …} in config, HTTPS_PROXY or NODE_EXTRA_CA_CERTS.'),
    extraEnvFrom: rawList('Further sources of variables.'),
    extraVolumes: rawList('Further volumes, for example a private CA.'),
    extraVolumeMounts: rawList('Where they are mounted.'),
  },
  { ...closed, title: 'Values of the jobhook chart' },
)

/**
 * The configuration's schema as Helm can check it. Keys with a default need not be there: jobhook fills them in when it reads the file. Nor
 * worker_id, so that the chart's defaults are valid; its absence is told in words. Helm's expressions are Go's, which do not know \u0000.
 */
function configSchema(): Record<string, unknown> {
  const text = JSON.stringify(withoutDefaulted(ConfigSchema)).replaceAll(/\\\\u00([0-9a-f]{2})/g, '\\\\x$1')
  const { $id: _id, title: _title, required: _required, ...schema } = JSON.parse(text) as Record<string, unknown>
  return schema
}

function withoutDefaulted(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaulted)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withoutDefaulted(value)]))
  const properties = (copy.properties ?? {}) as Record<string, { default?: unknown }>
  if (!Array.isArray(copy.required)) return copy
  const required = (copy.required as string[]).filter((key) => properties[key]?.default === undefined)
  const { required: _all, ...rest } = copy
  return required.length > 0 ? { ...rest, required } : rest
}
