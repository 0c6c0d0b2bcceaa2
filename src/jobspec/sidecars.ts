// Sidecar images: which ones a task gets, where they appear, and the two ways to get their files there.
import type { V1Container, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import { pointer } from '../lib/validate.ts'
import type { Assignment } from '../model/assignment.ts'
import { DEFAULT_PULL_POLICY, type KubernetesBackend, SIDECAR_CONTAINER_PREFIX } from '../model/pod-settings.ts'
import type { FieldError } from '../model/problem.ts'
import { harnessOf } from './oz-args.ts'
import { AGENT, COPY_TARGET, inside, overlap, SIDECAR_VOLUME_PREFIX, STATE, WORKSPACE, withoutTrailingSlash } from './paths.ts'
import { copyScript } from './shell.ts'
import { literal } from './text.ts'

export interface Sidecar {
  image: string
  mountPath: string
  readWrite: boolean
  /** Where the assignment asked for it, for errors. */
  pointer: string
}

/** sidecar_image at /agent first, then additional_sidecars, then the configured one of the task's harness (which replaces one at its path). */
export function sidecarsOf(assignment: Assignment, kubernetes: KubernetesBackend): Sidecar[] {
  const result: Sidecar[] = []
  if (assignment.sidecar_image !== undefined) {
    result.push({
      image: kubernetes.sidecar_image ?? assignment.sidecar_image,
      mountPath: AGENT,
      readWrite: false,
      pointer: '/data/sidecar_image',
    })
  }
  for (const [index, asked] of (assignment.additional_sidecars ?? []).entries()) {
    result.push({
      image: asked.image,
      mountPath: withoutTrailingSlash(asked.mount_path),
      readWrite: asked.read_write ?? false,
      pointer: pointer('data', 'additional_sidecars', index),
    })
  }
  const harness = harnessOf(assignment.task?.agent_config_snapshot)
  const configured = kubernetes.coding_cli_sidecars ?? {}
  const image = Object.hasOwn(configured, harness) ? configured[harness] : undefined
  if (image !== undefined) {
    const mountPath = cliSidecarPath(harness)
    const same = result.find((sidecar) => sidecar.mountPath === mountPath)
    if (same) same.image = image
    else result.push({ image, mountPath, readWrite: false, pointer: '/data/task/agent_config_snapshot/harness/type' })
  }
  return result
}

export function cliSidecarPath(harness: string): string {
  return `/mnt/${harness}-cli-sidecar`
}

export function checkSidecars(sidecars: readonly Sidecar[], kubernetes: KubernetesBackend): FieldError[] {
  if (sidecars.length === 0) return []
  const errors: FieldError[] = []
  const taken: { path: string; by: string }[] = [
    { path: WORKSPACE, by: `${WORKSPACE}, the task’s working directory` },
    { path: STATE, by: `${STATE}, which jobhook uses` },
    ...['/proc', '/sys', '/dev'].map((path) => ({ path, by: `${path}, which belongs to the system` })),
  ]
  const template = kubernetes.pod_template?.containers?.find((container) => container.name === 'task')
  const templateMounts = (template?.volumeMounts ?? []).map((mount) => ({ ...mount, path: withoutTrailingSlash(mount.mountPath) }))
  for (const sidecar of sidecars) {
    const at = sidecar.pointer.includes('additional_sidecars') ? `${sidecar.pointer}/mount_path` : sidecar.pointer
    const path = sidecar.mountPath
    const form = pathProblem(path)
    const clash = taken.find((other) => overlap(path, other.path))
    // A mount of the template may hold the sidecar's folder, if that folder can be made there.
    const mount = templateMounts.find(
      (other) => path === other.path || inside(other.path, path) || (other.readOnly === true && inside(path, other.path)),
    )
    if (form !== null) errors.push({ pointer: at, detail: form })
    else if (clash) errors.push({ pointer: at, detail: `overlaps ${clash.by}; choose another mount_path` })
    else if (mount) {
      errors.push({
        pointer: at,
        detail: `overlaps ${mount.path}, where backend.kubernetes.pod_template mounts volume ${mount.name}; change one of the two paths`,
      })
    }
    if (sidecar.readWrite && kubernetes.use_image_volumes) {
      errors.push({
        pointer: `${sidecar.pointer}/read_write`,
        detail:
          'cannot be true with backend.kubernetes.use_image_volumes, whose volumes are read-only; send false or turn that setting off',
      })
    }
    taken.push({ path, by: `the sidecar at ${path}` })
  }
  return errors
}

function pathProblem(path: string): string | null {
  if (!path.startsWith('/')) return 'must be an absolute path, beginning with /'
  if (path === '/') return 'cannot be /, the task’s own root; choose a folder'
  if (path.includes(':')) return 'has a colon, which Kubernetes refuses in a mount path; choose another'
  if (/\p{Cc}/u.test(path)) return 'has a control character; choose another path'
  return path
    .split('/')
    .slice(1)
    .some((part) => part === '' || part === '.' || part === '..')
    ? 'must not contain //, . or .. as a part; write the path out'
    : null
}

export interface SidecarParts {
  initContainers: V1Container[]
  volumes: V1Volume[]
  mounts: V1VolumeMount[]
}

export function sidecarParts(sidecars: readonly Sidecar[], kubernetes: KubernetesBackend): SidecarParts {
  const parts: SidecarParts = { initContainers: [], volumes: [], mounts: [] }
  const pullPolicy = kubernetes.image_pull_policy ?? DEFAULT_PULL_POLICY
  for (const [index, sidecar] of sidecars.entries()) {
    const name = `${SIDECAR_VOLUME_PREFIX}${index}`
    parts.mounts.push({ name, mountPath: sidecar.mountPath, readOnly: !sidecar.readWrite })
    if (kubernetes.use_image_volumes) {
      parts.volumes.push({ name, image: { reference: sidecar.image, pullPolicy } })
      continue
    }
    parts.volumes.push({ name, emptyDir: {} })
    parts.initContainers.push({
      name: `${SIDECAR_CONTAINER_PREFIX}${index}`,
      image: sidecar.image,
      imagePullPolicy: pullPolicy,
      command: ['/bin/sh', '-c', literal(copyScript())],
      // Root, to read every file of the image; nothing beyond that.
      securityContext: {
        runAsUser: 0,
        runAsGroup: 0,
        runAsNonRoot: false,
        allowPrivilegeEscalation: false,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumeMounts: [{ name, mountPath: COPY_TARGET }],
    })
  }
  return parts
}
