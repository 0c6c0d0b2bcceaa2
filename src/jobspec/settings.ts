// Checks what an operator set about Pods, at start: every clash with what jobhook needs is an error that names both sides and the remedy.
// What only the cluster knows (unknown PodSpec fields, policies, quotas) is left to the dry-run at start.
import { ANNOTATION_PREFIX, LABELS, TASK_CONTAINER, TASK_LABEL_PREFIX } from '../model/keys.ts'
import { DEFAULT_GRACE_SECONDS, type KubernetesBackend, LEGACY_FIELDS } from '../model/pod-settings.ts'
import { KUEUE_LABEL } from './build.ts'
import { inherited } from './env.ts'
import type { JobSpecOptions, SettingsProblem } from './options.ts'
import { reservedEnvNames } from './profile.ts'
import { checkTemplate } from './template.ts'
import { envNameProblem, isLabelValue, isQualifiedName } from './text.ts'

const BACKEND = 'backend.kubernetes'

/** What is wrong with the configuration; empty when all is well. `key` and `detail` read as one sentence. */
export function checkSettings(options: JobSpecOptions): SettingsProblem[] {
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

const TEMPLATE_WORDS: Record<(typeof LEGACY_FIELDS)[number], string> = {
  image_pull_secret: 'imagePullSecrets: [{name: …}]',
  service_account: 'serviceAccountName: …',
  node_selector: 'nodeSelector: {…}',
  tolerations: 'tolerations: […]',
  resources: `resources of the container ${TASK_CONTAINER}`,
  env: `env of the container ${TASK_CONTAINER}`,
}

function exclusive(kubernetes: KubernetesBackend): SettingsProblem[] {
  if (!kubernetes.pod_template) return []
  return LEGACY_FIELDS.filter((field) => kubernetes[field] !== undefined).map((field) => ({
    key: `${BACKEND}.${field}`,
    detail: `and ${BACKEND}.pod_template exclude each other; say it in pod_template (${TEMPLATE_WORDS[field]})`,
  }))
}

function checkEnv(options: JobSpecOptions): SettingsProblem[] {
  const reserved = reservedEnvNames(options)
  const seen = new Set<string>()
  return (options.kubernetes.env ?? []).flatMap(({ name, value }) => {
    const key = `${BACKEND}.env[${name}]`
    const details: string[] = []
    const problem = envNameProblem(name)
    if (problem !== null) details.push(problem)
    if (reserved.includes(name)) details.push(`sets a variable that jobhook sets itself (profile ${options.profile}); remove it`)
    if (seen.has(name)) details.push('is there twice; remove one')
    seen.add(name)
    if (value === undefined && inherited(options, name) === undefined) {
      details.push(`has no value and jobhook’s own environment has no ${name}; set one of the two`)
    }
    return details.map((detail) => ({ key, detail }))
  })
}

function checkLabels(kubernetes: KubernetesBackend): SettingsProblem[] {
  const ours: readonly string[] = [...Object.values(LABELS), KUEUE_LABEL]
  return Object.entries(kubernetes.extra_labels ?? {}).flatMap(([name, value]) => {
    const key = `${BACKEND}.extra_labels[${name}]`
    if (ours.includes(name) || name.startsWith(TASK_LABEL_PREFIX)) {
      return [{ key, detail: 'is a label that jobhook sets itself; choose another name' }]
    }
    if (!isQualifiedName(name)) {
      return [{ key, detail: 'is not a label name ([prefix/]name, the name at most 63 letters, digits, "-", "_" and "."); rename it' }]
    }
    if (isLabelValue(value)) return []
    return [{ key, detail: 'has a value that a label cannot have (at most 63 letters, digits, "-", "_" and "."); change it' }]
  })
}

function checkAnnotations(kubernetes: KubernetesBackend): SettingsProblem[] {
  return Object.keys(kubernetes.extra_annotations ?? {}).flatMap((name) => {
    const key = `${BACKEND}.extra_annotations[${name}]`
    if (name.startsWith(ANNOTATION_PREFIX)) {
      return [{ key, detail: `begins with ${ANNOTATION_PREFIX}, where jobhook keeps its state; choose another prefix` }]
    }
    return isQualifiedName(name.toLowerCase()) ? [] : [{ key, detail: 'is not an annotation name ([prefix/]name); rename it' }]
  })
}

function checkSidecarSettings(kubernetes: KubernetesBackend): SettingsProblem[] {
  return Object.keys(kubernetes.coding_cli_sidecars ?? {})
    .filter((harness) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(harness))
    .map((harness) => ({
      key: `${BACKEND}.coding_cli_sidecars[${harness}]`,
      detail: 'cannot be part of a path; use the harness’s name: letters, digits, "-", "_" and "."',
    }))
}

/** Kubernetes' resource.Quantity. */
const QUANTITY = /^[+]?(\d+|\d+\.\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/

function checkQuantities(kubernetes: KubernetesBackend): SettingsProblem[] {
  const given: [key: string, value: string | number][] = []
  if (kubernetes.workspace_size_limit !== undefined) given.push([`${BACKEND}.workspace_size_limit`, kubernetes.workspace_size_limit])
  for (const field of ['resources', 'preflight_resources'] as const) {
    for (const kind of ['requests', 'limits'] as const) {
      for (const [name, value] of Object.entries(kubernetes[field]?.[kind] ?? {}))
        given.push([`${BACKEND}.${field}.${kind}.${name}`, value])
    }
  }
  return given
    .filter(([, value]) => !QUANTITY.test(String(value)))
    .map(([key, value]) => ({ key, detail: `is not a quantity (${JSON.stringify(value)}); write for example 500m, 2 or 10Gi` }))
}

/** The teardown shares the grace period with the end of the command. */
function checkGrace(kubernetes: KubernetesBackend): SettingsProblem[] {
  const seconds = kubernetes.pod_template?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS
  if (kubernetes.teardown_command === undefined || seconds >= 2) return []
  const other = `${BACKEND}.pod_template.terminationGracePeriodSeconds: ${seconds}`
  return [{ key: `${BACKEND}.teardown_command`, detail: `cannot run within ${other}; allow at least 2 seconds (30 is usual)` }]
}

function checkQueue({ overflow, kueueQueue }: JobSpecOptions): SettingsProblem[] {
  const key = 'limits.kueue_queue'
  if (overflow === 'kueue' && kueueQueue === undefined) {
    return [{ key, detail: 'is needed because limits.overflow is kueue; name the LocalQueue' }]
  }
  if (overflow !== 'kueue' && kueueQueue !== undefined) {
    return [{ key, detail: `is set, but limits.overflow is ${overflow ?? 'reject'}; set overflow: kueue or remove kueue_queue` }]
  }
  const valid = kueueQueue === undefined || (kueueQueue !== '' && isLabelValue(kueueQueue))
  return valid ? [] : [{ key, detail: 'is not the name of a LocalQueue; correct it' }]
}
