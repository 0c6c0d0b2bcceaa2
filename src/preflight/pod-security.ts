// The Pod Security Standards as a pure function: which fields of a Pod the levels baseline and restricted refuse. The admission plugin itself is
// only asked by creating Pods, which jobhook may not do. Source: the standard's policies as of Kubernetes 1.37, by minor where they changed.
import type { V1Container, V1PodSpec, V1SecurityContext } from '@kubernetes/client-node'

export const LEVELS = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof LEVELS)[number]

export interface Violation {
  /** The most lenient level that refuses it: what baseline refuses, restricted refuses too. */
  level: 'baseline' | 'restricted'
  /** From the Pod's spec on: spec.containers[task].securityContext.runAsNonRoot. */
  field: string
  /** Continues the field's name: "is not true". */
  detail: string
}

/** `minor` of the policy's version (1.29 → 29); the newest policy when absent. */
export function podSecurityViolations(spec: V1PodSpec, minor = Number.POSITIVE_INFINITY): Violation[] {
  const found: Violation[] = []
  const add =
    (level: Violation['level']) =>
    (field: string, detail: string): void => {
      // One word a field: restricted repeats what baseline says.
      if (!found.some((other) => other.field === field)) found.push({ level, field, detail })
    }
  baseline(spec, minor, add('baseline'))
  restricted(spec, minor, add('restricted'))
  return found
}

/** What a namespace that enforces the level refuses. */
export function refusedBy(level: Level, violations: readonly Violation[]): Violation[] {
  if (level === 'privileged') return []
  return violations.filter((violation) => level === 'restricted' || violation.level === 'baseline')
}

/** The strictest level that takes the Pod. */
export function fits(violations: readonly Violation[]): Level {
  if (violations.length === 0) return 'restricted'
  return violations.some((violation) => violation.level === 'baseline') ? 'privileged' : 'baseline'
}

type Add = (field: string, detail: string) => void

interface Named {
  container: V1Container
  at: string
}

function containersOf(spec: V1PodSpec): Named[] {
  const named = (list: V1Container[] | undefined, key: string): Named[] =>
    (list ?? []).map((container) => ({ container, at: `spec.${key}[${container.name}]` }))
  return [...named(spec.initContainers, 'initContainers'), ...named(spec.containers, 'containers')]
}

/** The Pod's own security context and each container's. */
function contextsOf(spec: V1PodSpec): { context: V1SecurityContext; at: string }[] {
  return [
    { context: (spec.securityContext ?? {}) as V1SecurityContext, at: 'spec.securityContext' },
    ...containersOf(spec).map(({ container, at }) => ({ context: container.securityContext ?? {}, at: `${at}.securityContext` })),
  ]
}

const DEFAULT_CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' '),
)
const PROFILES = ['RuntimeDefault', 'Localhost']

/** Minor from which on a sysctl is safe. */
const SYSCTLS: Record<string, number> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
  'net.ipv4.tcp_slow_start_after_idle': 37,
  'net.ipv4.tcp_notsent_lowat': 37,
}

function baseline(spec: V1PodSpec, minor: number, add: Add): void {
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) if (spec[field]) add(`spec.${field}`, 'is true')
  for (const volume of spec.volumes ?? []) if (volume.hostPath) add(`spec.volumes[${volume.name}].hostPath`, 'is a path of the node')
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    if (minor < (SYSCTLS[name] ?? Number.POSITIVE_INFINITY) || !Object.hasOwn(SYSCTLS, name)) {
      add(`spec.securityContext.sysctls[${name}]`, 'is not one of the safe sysctls')
    }
  }
  for (const { context, at } of contextsOf(spec)) {
    if (context.privileged) add(`${at}.privileged`, 'is true')
    if (context.windowsOptions?.hostProcess) add(`${at}.windowsOptions.hostProcess`, 'is true')
    selinux(context, at, minor, add)
    for (const field of ['seccompProfile', 'appArmorProfile'] as const) {
      const type = context[field]?.type
      if (type !== undefined && !PROFILES.includes(type)) add(`${at}.${field}.type`, `is ${type}`)
    }
    const added = (context.capabilities?.add ?? []).filter((name) => !DEFAULT_CAPABILITIES.has(name))
    if (added.length > 0) add(`${at}.capabilities.add`, `has ${added.join(', ')}`)
    const unmasked = context.procMount !== undefined && context.procMount !== 'Default'
    if (unmasked && !(minor >= 35 && spec.hostUsers === false)) add(`${at}.procMount`, `is ${context.procMount}`)
  }
  for (const { container, at } of containersOf(spec)) {
    for (const port of container.ports ?? []) if (port.hostPort) add(`${at}.ports[${port.containerPort}].hostPort`, `is ${port.hostPort}`)
    if (minor >= 34) hostFields(container, at, add)
  }
}

function selinux({ seLinuxOptions }: V1SecurityContext, at: string, minor: number, add: Add): void {
  if (!seLinuxOptions) return
  const types = ['', 'container_t', 'container_init_t', 'container_kvm_t', ...(minor >= 31 ? ['container_engine_t'] : [])]
  if (!types.includes(seLinuxOptions.type ?? '')) add(`${at}.seLinuxOptions.type`, `is ${seLinuxOptions.type}`)
  for (const field of ['user', 'role'] as const)
    if (seLinuxOptions[field]) add(`${at}.seLinuxOptions.${field}`, `is ${seLinuxOptions[field]}`)
}

/** Probes and hooks may not be pointed at another host (from 1.34 on). */
function hostFields(container: V1Container, at: string, add: Add): void {
  const handlers = {
    livenessProbe: container.livenessProbe,
    readinessProbe: container.readinessProbe,
    startupProbe: container.startupProbe,
    'lifecycle.postStart': container.lifecycle?.postStart,
    'lifecycle.preStop': container.lifecycle?.preStop,
  }
  for (const [name, handler] of Object.entries(handlers)) {
    for (const kind of ['httpGet', 'tcpSocket'] as const) {
      const host = handler?.[kind]?.host
      if (host) add(`${at}.${name}.${kind}.host`, `is ${host}`)
    }
  }
}

const RESTRICTED_VOLUMES = new Set([
  'configMap',
  'downwardAPI',
  'emptyDir',
  'projected',
  'secret',
  'csi',
  'persistentVolumeClaim',
  'ephemeral',
  'image',
])

function restricted(spec: V1PodSpec, minor: number, add: Add): void {
  for (const { name, ...sources } of spec.volumes ?? []) {
    const other = Object.entries(sources).find(([kind, source]) => source !== undefined && source !== null && !RESTRICTED_VOLUMES.has(kind))
    if (other) add(`spec.volumes[${name}].${other[0]}`, 'is a kind of volume that is not allowed')
  }
  const pod = spec.securityContext
  const userNamespace = minor >= 35 && spec.hostUsers === false
  const windows = minor >= 25 && spec.os?.name === 'windows'
  if (!userNamespace) {
    if (pod?.runAsNonRoot === false) add('spec.securityContext.runAsNonRoot', 'is false')
    if (pod?.runAsUser === 0 && minor >= 23) add('spec.securityContext.runAsUser', 'is 0 (root)')
  }
  for (const { container, at: place } of containersOf(spec)) {
    const context = container.securityContext ?? {}
    const at = `${place}.securityContext`
    if (!userNamespace) {
      if (context.runAsUser === 0 && minor >= 23) add(`${at}.runAsUser`, 'is 0 (root)')
      if (context.runAsNonRoot === false) add(`${at}.runAsNonRoot`, 'is false')
      else if (context.runAsNonRoot === undefined && pod?.runAsNonRoot === undefined) add(`${at}.runAsNonRoot`, 'is not true')
    }
    if (minor >= 35 && context.procMount !== undefined && context.procMount !== 'Default') add(`${at}.procMount`, `is ${context.procMount}`)
    if (windows) continue
    if (context.allowPrivilegeEscalation !== false) add(`${at}.allowPrivilegeEscalation`, 'is not false')
    if (minor >= 22) {
      if (!(context.capabilities?.drop ?? []).includes('ALL')) add(`${at}.capabilities.drop`, 'does not have ALL')
      const added = (context.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE')
      if (added.length > 0) add(`${at}.capabilities.add`, `has ${added.join(', ')}`)
    }
    if (minor >= 19 && context.seccompProfile === undefined && pod?.seccompProfile === undefined)
      add(`${at}.seccompProfile.type`, 'is not set')
  }
}
