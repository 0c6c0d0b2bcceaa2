// Checks what an operator set about Pods, at start: every clash with what jobhook needs is an error that names both sides and the remedy.
// What only the cluster knows (unknown PodSpec fields, policies, quotas) is left to the dry-run at start.
import { ANNOTATION_PREFIX, LABELS, TASK_CONTAINER, TASK_LABEL_PREFIX } from '../model/keys.ts'
import { DEFAULT_GRACE_SECONDS, type KubernetesBackend, LEGACY_FIELDS } from '../model/pod-settings.ts'
import { KUEUE_LABEL } from './build.ts'
import { inherited } from './env.ts'
import type { JobSpecOptions } from './options.ts'
import { reservedEnvNames } from './profile.ts'
import { checkTemplate } from './template.ts'
import { envNameProblem, isLabelValue, isQualifiedName } from './text.ts'

const BACKEND = 'backend.kubernetes'

/** Errors of the configuration, each naming the keys on both sides; empty when all is well. */
export function checkSettings(options: JobSpecOptions): string[] {
  const { kubernetes } = options
  return [
    ...exclusive(kubernetes),
    ...(kubernetes.pod_template ? checkTemplate(kubernetes.pod_template, options) : []),
    ...checkEnv(options),
    ...checkLabels(kubernetes),
    ...checkAnnotations(kubernetes),
    ...checkSidecarSettings(kubernetes),
    ...checkQuantities(kubernetes),
    ...checkGrace(kubernetes),
    ...checkQueue(options),
  ]
}

function exclusive(kubernetes: KubernetesBackend): string[] {
  if (!kubernetes.pod_template) return []
  return LEGACY_FIELDS.filter((field) => kubernetes[field] !== undefined).map(
    (field) => `${BACKEND}.${field} and ${BACKEND}.pod_template exclude each other; say it in pod_template (${TEMPLATE_WORDS[field]})`,
  )
}

const TEMPLATE_WORDS: Record<(typeof LEGACY_FIELDS)[number], string> = {
  image_pull_secret: 'imagePullSecrets: [{name: …}]',
  service_account: 'serviceAccountName: …',
  node_selector: 'nodeSelector: {…}',
  tolerations: 'tolerations: […]',
  resources: `resources of the container ${TASK_CONTAINER}`,
  env: `env of the container ${TASK_CONTAINER}`,
}

function checkEnv(options: JobSpecOptions): string[] {
  const reserved = reservedEnvNames(options)
  const seen = new Set<string>()
  return (options.kubernetes.env ?? []).flatMap(({ name, value }) => {
    const at = `${BACKEND}.env[${name}]`
    const problem = envNameProblem(name)
    const errors: string[] = []
    if (problem !== null) errors.push(`${at} ${problem}`)
    if (reserved.includes(name)) errors.push(`${at} sets a variable that jobhook sets itself (profile ${options.profile}); remove it`)
    if (seen.has(name)) errors.push(`${at} is there twice; remove one`)
    seen.add(name)
    if (value === undefined && inherited(options, name) === undefined) {
      errors.push(`${at} has no value and jobhook’s own environment has no ${name}; set one of the two`)
    }
    return errors
  })
}

function checkLabels(kubernetes: KubernetesBackend): string[] {
  const ours: readonly string[] = [...Object.values(LABELS), KUEUE_LABEL]
  return Object.entries(kubernetes.extra_labels ?? {}).flatMap(([name, value]) => {
    const at = `${BACKEND}.extra_labels[${name}]`
    if (ours.includes(name) || name.startsWith(TASK_LABEL_PREFIX)) return [`${at} is a label that jobhook sets itself; choose another name`]
    if (!isQualifiedName(name))
      return [`${at} is not a label name ([prefix/]name, the name at most 63 letters, digits, "-", "_" and "."); rename it`]
    if (!isLabelValue(value))
      return [`${at} has a value that a label cannot have (at most 63 letters, digits, "-", "_" and "."); change it`]
    return []
  })
}

function checkAnnotations(kubernetes: KubernetesBackend): string[] {
  return Object.keys(kubernetes.extra_annotations ?? {}).flatMap((name) => {
    const at = `${BACKEND}.extra_annotations[${name}]`
    if (name.startsWith(ANNOTATION_PREFIX))
      return [`${at} begins with ${ANNOTATION_PREFIX}, where jobhook keeps its state; choose another prefix`]
    return isQualifiedName(name.toLowerCase()) ? [] : [`${at} is not an annotation name ([prefix/]name); rename it`]
  })
}

function checkSidecarSettings(kubernetes: KubernetesBackend): string[] {
  return Object.keys(kubernetes.coding_cli_sidecars ?? {})
    .filter((harness) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(harness))
    .map(
      (harness) =>
        `${BACKEND}.coding_cli_sidecars[${harness}] cannot be part of a path; use the harness’s name: letters, digits, "-", "_" and "."`,
    )
}

/** Kubernetes' resource.Quantity. */
const QUANTITY = /^[+]?(\d+|\d+\.\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/

function checkQuantities(kubernetes: KubernetesBackend): string[] {
  const given: [at: string, value: string | number][] = []
  if (kubernetes.workspace_size_limit !== undefined) given.push([`${BACKEND}.workspace_size_limit`, kubernetes.workspace_size_limit])
  for (const field of ['resources', 'preflight_resources'] as const) {
    for (const kind of ['requests', 'limits'] as const) {
      for (const [name, value] of Object.entries(kubernetes[field]?.[kind] ?? {}))
        given.push([`${BACKEND}.${field}.${kind}.${name}`, value])
    }
  }
  return given
    .filter(([, value]) => !QUANTITY.test(String(value)))
    .map(([at, value]) => `${at} is not a quantity (${JSON.stringify(value)}); write for example 500m, 2 or 10Gi`)
}

/** The teardown shares the grace period with the end of the command. */
function checkGrace(kubernetes: KubernetesBackend): string[] {
  const seconds = kubernetes.pod_template?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS
  if (kubernetes.teardown_command === undefined || seconds >= 2) return []
  return [
    `${BACKEND}.teardown_command cannot run within ${BACKEND}.pod_template.terminationGracePeriodSeconds: ${seconds}; allow at least 2 seconds (30 is usual)`,
  ]
}

function checkQueue({ overflow, kueueQueue }: JobSpecOptions): string[] {
  if (overflow === 'kueue' && kueueQueue === undefined)
    return ['limits.overflow is kueue, but limits.kueue_queue is not set; name the LocalQueue there']
  if (overflow !== 'kueue' && kueueQueue !== undefined) {
    return [`limits.kueue_queue is set, but limits.overflow is ${overflow ?? 'reject'}; set overflow: kueue or remove kueue_queue`]
  }
  if (kueueQueue !== undefined && (kueueQueue === '' || !isLabelValue(kueueQueue)))
    return ['limits.kueue_queue is not the name of a LocalQueue; correct it']
  return []
}
