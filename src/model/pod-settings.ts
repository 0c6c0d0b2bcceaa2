// What an operator may set about task Pods: the section `backend.kubernetes` of the configuration, and `oz`. Schemas and types only.
// Also the names that jobspec gives to containers and that outcome reads back, so that both say the same.
import { type Static, Type } from '@sinclair/typebox'

/** Init container that runs `setup_command`. */
export const SETUP_CONTAINER = 'setup'
/** Init containers that copy a sidecar image into a volume: copy-sidecar-0, copy-sidecar-1, … */
export const SIDECAR_CONTAINER_PREFIX = 'copy-sidecar-'
/**
 * Last line of the task container's termination message when teardown_command failed; a number follows.
 * The container's exit code stays the task's own, so the failure has to travel beside it.
 */
export const TEARDOWN_NOTE = 'jobhook: teardown_command ended with exit code '

export const DEFAULT_PULL_POLICY = 'IfNotPresent'
export const DEFAULT_GRACE_SECONDS = 30

const text = (description: string) => Type.String({ minLength: 1, description })
const image = (description: string) => Type.String({ minLength: 1, maxLength: 1024, pattern: '^\\S+$', description })
const textMap = (description: string) => Type.Record(Type.String(), Type.String(), { description })
const quantity = (description: string) => Type.Union([Type.String({ minLength: 1 }), Type.Number({ minimum: 0 })], { description })
/** A whole number of seconds, or a number with a unit: 90, "90s", "2m", "1h30m". */
const duration = (description: string) =>
  Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^(\\d+(\\.\\d+)?(ms|s|m|h|d))+$' })], { description })

/** Kubernetes' ResourceRequirements. */
const resources = (description: string) =>
  Type.Object(
    {
      requests: Type.Optional(Type.Record(Type.String(), quantity('A quantity, for example 500m or 2Gi.'))),
      limits: Type.Optional(Type.Record(Type.String(), quantity('A quantity, for example 500m or 2Gi.'))),
    },
    { additionalProperties: false, description },
  )
export type Resources = Static<ReturnType<typeof resources>>

/** One variable of `env`. Without a value it is taken from jobhook’s own environment and then treated as a secret. */
export const EnvEntry = Type.Object(
  {
    name: text('Name of the variable.'),
    value: Type.Optional(
      Type.String({ description: 'Its value. Absent: taken over from jobhook’s own environment, by way of the task’s Secret.' }),
    ),
  },
  { additionalProperties: false },
)
export type EnvEntry = Static<typeof EnvEntry>

export const Toleration = Type.Object(
  {
    key: Type.Optional(Type.String()),
    operator: Type.Optional(Type.Union([Type.Literal('Exists'), Type.Literal('Equal')])),
    value: Type.Optional(Type.String()),
    effect: Type.Optional(Type.Union([Type.Literal('NoSchedule'), Type.Literal('PreferNoSchedule'), Type.Literal('NoExecute')])),
    toleration_seconds: Type.Optional(Type.Integer({ description: 'Seconds; only with the effect NoExecute.' })),
    tolerationSeconds: Type.Optional(Type.Integer({ description: 'The same in Kubernetes’ spelling.' })),
  },
  { additionalProperties: false },
)
export type Toleration = Static<typeof Toleration>

// Of a PodSpec only what jobspec itself looks at is described. Everything else is passed on untouched and is checked by the cluster (strict dry-run at start).
const TemplateContainer = Type.Object({
  name: Type.String({ minLength: 1 }),
  image: Type.Optional(Type.String()),
  imagePullPolicy: Type.Optional(Type.String()),
  command: Type.Optional(Type.Array(Type.String())),
  args: Type.Optional(Type.Array(Type.String())),
  workingDir: Type.Optional(Type.String()),
  env: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        value: Type.Optional(Type.String()),
        valueFrom: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
  ),
  envFrom: Type.Optional(Type.Array(Type.Unknown())),
  volumeMounts: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), mountPath: Type.String(), readOnly: Type.Optional(Type.Boolean()) })),
  ),
  volumeDevices: Type.Optional(Type.Array(Type.Unknown())),
  resources: Type.Optional(
    Type.Object({
      requests: Type.Optional(Type.Record(Type.String(), quantity('A quantity.'))),
      limits: Type.Optional(Type.Record(Type.String(), quantity('A quantity.'))),
    }),
  ),
  lifecycle: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  securityContext: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  terminationMessagePath: Type.Optional(Type.String()),
  restartPolicy: Type.Optional(Type.String()),
})
export type TemplateContainer = Static<typeof TemplateContainer>

export const PodTemplate = Type.Object(
  {
    containers: Type.Optional(Type.Array(TemplateContainer)),
    initContainers: Type.Optional(Type.Array(TemplateContainer)),
    volumes: Type.Optional(Type.Array(Type.Object({ name: Type.String({ minLength: 1 }) }))),
    restartPolicy: Type.Optional(Type.String()),
    activeDeadlineSeconds: Type.Optional(Type.Integer()),
    terminationGracePeriodSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
    securityContext: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    serviceAccountName: Type.Optional(Type.String()),
    serviceAccount: Type.Optional(Type.String()),
    automountServiceAccountToken: Type.Optional(Type.Boolean()),
    enableServiceLinks: Type.Optional(Type.Boolean()),
  },
  {
    description:
      'A Kubernetes PodSpec that every task’s Pod starts from. The container named task is found or created; other containers, init containers, volumes and all other fields are kept. Excludes the fields marked legacy.',
  },
)
export type PodTemplate = Static<typeof PodTemplate>

const LEGACY = 'Legacy, excluded by pod_template:'

/** The section `backend.kubernetes`. Which of these pod_template excludes: LEGACY_FIELDS. */
export const KubernetesBackend = Type.Object(
  {
    namespace: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 63,
        description: 'Namespace of the tasks’ Jobs and Secrets. Absent: the kubeconfig’s, or in a cluster jobhook’s own.',
      }),
    ),
    kubeconfig: Type.Optional(text('Path of a kubeconfig file. Absent: in-cluster, then KUBECONFIG, then ~/.kube/config.')),
    default_image: Type.Optional(image('Image of tasks that name none.')),
    image_pull_policy: Type.Optional(
      Type.Union([Type.Literal('Always'), Type.Literal('IfNotPresent'), Type.Literal('Never')], {
        default: DEFAULT_PULL_POLICY,
        description: 'When images of the task, its sidecars and its setup are pulled.',
      }),
    ),
    use_image_volumes: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Mount sidecar images as read-only image volumes (Kubernetes 1.36 and a runtime that can) instead of copying them by a root init container.',
      }),
    ),
    preflight_image: Type.Optional(image('Image of the Job that a preflight runs. Absent: no such Job.')),
    preflight_resources: Type.Optional(resources('Requests and limits of the preflight Job’s container.')),
    sidecar_image: Type.Optional(image('Replaces the sidecar_image of assignments that name one (mounted at /agent).')),
    setup_command: Type.Optional(
      text(
        'Shell command run in an init container before the task, in /workspace; what it writes to the environment file is set for the task.',
      ),
    ),
    teardown_command: Type.Optional(
      text('Shell command run exactly once after the task’s command has ended, however it ended, within the Pod’s grace period.'),
    ),
    extra_labels: Type.Optional(textMap('Labels for the Job, its Pod and its Secret.')),
    extra_annotations: Type.Optional(textMap('Annotations for the Job and its Pod.')),
    active_deadline_seconds: Type.Optional(Type.Integer({ minimum: 1, description: 'Seconds; the same as deadlines.run.' })),
    ttl_seconds_after_finished: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Seconds; the same as retention.success and retention.failure.' }),
    ),
    workspace_size_limit: Type.Optional(quantity('Size limit of the volume /workspace, for example 10Gi. Absent: no limit.')),
    unschedulable_timeout: Type.Optional(
      duration('How long a Pod may wait for a node: seconds, or for example 2m; the same as deadlines.schedule.'),
    ),
    coding_cli_sidecars: Type.Optional(
      Type.Record(Type.String(), image('An image.'), {
        description:
          'Image by harness: mounted at /mnt/{harness}-cli-sidecar for tasks of that harness, instead of what the assignment says there.',
      }),
    ),
    pod_template: Type.Optional(PodTemplate),
    image_pull_secret: Type.Optional(text(`${LEGACY} name of the Secret for pulling images.`)),
    service_account: Type.Optional(text(`${LEGACY} service account of the Pod.`)),
    node_selector: Type.Optional(textMap(`${LEGACY} labels a node must have.`)),
    tolerations: Type.Optional(Type.Array(Toleration, { description: `${LEGACY} taints the Pod tolerates.` })),
    resources: Type.Optional(resources(`${LEGACY} requests and limits of the task’s container.`)),
    env: Type.Optional(Type.Array(EnvEntry, { description: `${LEGACY} variables set for every task, over the assignment’s own.` })),
  },
  { additionalProperties: false, description: 'How tasks become Jobs.' },
)
export type KubernetesBackend = Static<typeof KubernetesBackend>

/** The seed system’s older way to say what pod_template says; setting both is an error. */
export const LEGACY_FIELDS = [
  'image_pull_secret',
  'service_account',
  'node_selector',
  'tolerations',
  'resources',
  'env',
] as const satisfies (keyof KubernetesBackend)[]

/** The section `oz`: read by the profile `oz` only. */
export const OzSettings = Type.Object(
  {
    server_root_url: Type.Optional(text('Handed to the agent as --server-root-url and WARP_SERVER_ROOT_URL.')),
    session_sharing_server_url: Type.Optional(text('Handed to the agent as --session-sharing-server-url.')),
  },
  { additionalProperties: false, description: 'Settings of the profile oz.' },
)
export type OzSettings = Static<typeof OzSettings>
