// The Pod of a task: the operator's template, and what every task needs merged into it.
import type { V1Container, V1PodSpec, V1SecurityContext, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { Assignment } from '../model/assignment.ts'
import { TASK_CONTAINER } from '../model/keys.ts'
import { DEFAULT_GRACE_SECONDS, DEFAULT_PULL_POLICY, type KubernetesBackend, SETUP_CONTAINER } from '../model/pod-settings.ts'
import { taskImage, taskTemplate, wraps } from './check.ts'
import { mergeEnv, plainEnv } from './env.ts'
import type { EnvSource, JobSpecOptions } from './options.ts'
import { STATE, STATE_VOLUME, WORKSPACE, WORKSPACE_VOLUME } from './paths.ts'
import { preStopHook, profileEnv, taskCommand } from './profile.ts'
import { copyResources, taskResources } from './resources.ts'
import { sidecarParts, sidecarsOf } from './sidecars.ts'
import { literal } from './text.ts'

export interface BuiltPod {
  spec: V1PodSpec
  secretData: Map<string, string>
  sources: EnvSource[]
}

/** The assignment has passed checkAssignment and the options checkSettings. */
export function buildPod(assignment: Assignment, options: JobSpecOptions, secretName: string, traceparent: string | null): BuiltPod {
  const { kubernetes } = options
  const { profile, reserved } = profileEnv(assignment, options)
  const base = basePod(kubernetes)
  const given = base.containers.find((container) => container.name === TASK_CONTAINER)
  const environment = mergeEnv({
    // Weaker than the assignment's own: a control plane may have a context of its own for the task.
    profile: traceparent === null ? profile : new Map([...profile, ...plainEnv({ TRACEPARENT: traceparent })]),
    reserved,
    assignment: assignment.env_vars ?? {},
    template: taskTemplate(kubernetes)?.env,
    options,
    secretName,
  })
  const sidecars = sidecarParts(sidecarsOf(assignment, kubernetes), kubernetes)
  const state = needsState(options)
  const mounts: V1VolumeMount[] = [
    ...(given?.volumeMounts ?? []),
    { name: WORKSPACE_VOLUME, mountPath: WORKSPACE },
    ...(state ? [{ name: STATE_VOLUME, mountPath: STATE }] : []),
    ...sidecars.mounts,
  ]
  const resources = taskResources(assignment.instance_shape, given?.resources ?? kubernetes.resources)
  const graceSeconds = base.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS
  const { name: _, image: __, command: ___, args: ____, ...kept } = given ?? { name: TASK_CONTAINER }
  const task: V1Container = {
    name: TASK_CONTAINER,
    image: taskImage(assignment, options) ?? '',
    ...taskCommand(assignment, options, given, graceSeconds),
    ...kept,
    imagePullPolicy: given?.imagePullPolicy ?? kubernetes.image_pull_policy ?? DEFAULT_PULL_POLICY,
    workingDir: given?.workingDir ?? WORKSPACE,
    env: environment.env,
    volumeMounts: mounts,
    ...(resources ? { resources } : {}),
    securityContext: taskSecurity(given?.securityContext, base),
  }
  if (kubernetes.teardown_command !== undefined) task.lifecycle = { ...given?.lifecycle, preStop: preStopHook(graceSeconds) }

  const copyNeeds = copyResources(resources)
  const init: V1Container[] = sidecars.initContainers.map((copy) => (copyNeeds ? { ...copy, resources: copyNeeds } : copy))
  if (kubernetes.setup_command !== undefined) init.push(setupContainer(task, kubernetes.setup_command))
  const { containers, initContainers, volumes, ...rest } = base
  const spec: V1PodSpec = {
    restartPolicy: 'Never',
    ...rest,
    ...serviceAccountToken(base),
    enableServiceLinks: base.enableServiceLinks ?? false,
    ...(init.length > 0 || initContainers ? { initContainers: [...init, ...(initContainers ?? [])] } : {}),
    // A template without the container `task` has it put first, where kubectl looks by default.
    containers: given ? containers.map((other) => (other === given ? task : other)) : [task, ...containers],
    volumes: [
      ...(volumes ?? []),
      workspaceVolume(kubernetes),
      ...(state ? [{ name: STATE_VOLUME, emptyDir: {} }] : []),
      ...sidecars.volumes,
    ],
  }
  return { spec, secretData: environment.secretData, sources: environment.sources }
}

/** The template, or what the legacy fields say. */
function basePod(kubernetes: KubernetesBackend): V1PodSpec {
  if (kubernetes.pod_template) {
    // Passed on as the operator wrote it; the cluster checks it at start.
    const template = structuredClone(kubernetes.pod_template) as Partial<V1PodSpec>
    return { ...template, containers: template.containers ?? [] }
  }
  return {
    containers: [],
    ...(kubernetes.image_pull_secret !== undefined ? { imagePullSecrets: [{ name: kubernetes.image_pull_secret }] } : {}),
    ...(kubernetes.service_account !== undefined ? { serviceAccountName: kubernetes.service_account } : {}),
    ...(kubernetes.node_selector ? { nodeSelector: kubernetes.node_selector } : {}),
    ...(kubernetes.tolerations
      ? {
          tolerations: kubernetes.tolerations.map(({ toleration_seconds, ...toleration }) =>
            toleration_seconds === undefined ? toleration : { ...toleration, tolerationSeconds: toleration_seconds },
          ),
        }
      : {}),
  }
}

/** Same image, variables, volumes and rights as the task. */
function setupContainer(task: V1Container, command: string): V1Container {
  const setup: V1Container = { name: SETUP_CONTAINER, image: task.image ?? '', command: ['/bin/sh', '-c', literal(command)] }
  const shared = [
    'imagePullPolicy',
    'workingDir',
    'env',
    'envFrom',
    'volumeMounts',
    'volumeDevices',
    'resources',
    'securityContext',
  ] as const
  for (const field of shared) if (task[field] !== undefined) Object.assign(setup, { [field]: structuredClone(task[field]) })
  return setup
}

/** Safe defaults where the template says nothing else. */
function taskSecurity(given: V1SecurityContext | undefined, pod: V1PodSpec): V1SecurityContext {
  const privileged = given?.privileged === true
  // Kubernetes refuses allowPrivilegeEscalation: false together with these.
  const escalates = privileged || (given?.capabilities?.add ?? []).some((name) => name === 'SYS_ADMIN' || name === 'CAP_SYS_ADMIN')
  return {
    ...(escalates ? {} : { allowPrivilegeEscalation: false }),
    ...(privileged || pod.securityContext?.seccompProfile ? {} : { seccompProfile: { type: 'RuntimeDefault' } }),
    ...given,
  }
}

/** No token, unless the template says so or names a service account, which is asking for it. */
function serviceAccountToken(pod: V1PodSpec): Pick<V1PodSpec, 'automountServiceAccountToken'> {
  if (pod.automountServiceAccountToken !== undefined) return { automountServiceAccountToken: pod.automountServiceAccountToken }
  return pod.serviceAccountName === undefined && pod.serviceAccount === undefined ? { automountServiceAccountToken: false } : {}
}

function workspaceVolume(kubernetes: KubernetesBackend): V1Volume {
  const limit = kubernetes.workspace_size_limit
  return { name: WORKSPACE_VOLUME, emptyDir: limit === undefined ? {} : { sizeLimit: String(limit) } }
}

/** Whether wrapper and setup need a place of their own. */
function needsState(options: JobSpecOptions): boolean {
  return options.kubernetes.teardown_command !== undefined || (options.profile === 'generic' && wraps(options.kubernetes))
}
