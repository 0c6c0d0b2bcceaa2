// Pods and what the Pod Security levels refuse of them: "level field detail". Held against our own judgement by table, and against a real API server's.
import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node'

/** A Pod that even `restricted` takes. */
export function strict(more: Partial<V1PodSpec> = {}, task: Partial<V1Container> = {}): V1PodSpec {
  return {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ name: 'task', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }, ...task }],
    ...more,
  }
}
export const security = (more: V1Container['securityContext']): Partial<V1Container> => ({
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, ...more },
})
const volume = (source: object): Partial<V1PodSpec> => ({ volumes: [{ name: 'v', ...source } as V1Volume] })
const TASK = 'spec.containers[task].securityContext'

export type Row = [title: string, spec: V1PodSpec, expected: string[], minor?: number]
export const ROWS: Row[] = [
  ['a strict Pod', strict(), []],
  ['hostNetwork', strict({ hostNetwork: true }), ['baseline spec.hostNetwork is true']],
  ['hostPID and hostIPC', strict({ hostPID: true, hostIPC: true }), ['baseline spec.hostPID is true', 'baseline spec.hostIPC is true']],
  ['a hostPath volume', strict(volume({ hostPath: { path: '/' } })), ['baseline spec.volumes[v].hostPath is a path of the node']],
  [
    'an NFS volume',
    strict(volume({ nfs: { path: '/', server: 's' } })),
    ['restricted spec.volumes[v].nfs is a kind of volume that is not allowed'],
  ],
  ['an image volume', strict(volume({ image: { reference: 'a' } })), []],
  [
    'emptyDir, secret, configMap, projected, csi',
    strict({
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', secret: { secretName: 's' } },
        { name: 'c', configMap: { name: 'c' } },
        { name: 'd', projected: {} },
        { name: 'e', csi: { driver: 'd.example' } },
      ],
    }),
    [],
  ],
  [
    'a privileged container',
    strict({}, { securityContext: { privileged: true, capabilities: { drop: ['ALL'] } } }),
    [`baseline ${TASK}.privileged is true`, `restricted ${TASK}.allowPrivilegeEscalation is not false`],
  ],
  [
    'SYS_ADMIN',
    strict({}, security({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })),
    [`baseline ${TASK}.capabilities.add has SYS_ADMIN`],
  ],
  [
    'CHOWN, which baseline allows',
    strict({}, security({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } })),
    [`restricted ${TASK}.capabilities.add has CHOWN`],
  ],
  ['NET_BIND_SERVICE', strict({}, security({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })), []],
  ['capabilities not dropped', strict({}, security({ capabilities: {} })), [`restricted ${TASK}.capabilities.drop does not have ALL`]],
  ['capabilities not dropped, policy 1.21', strict({}, security({ capabilities: {} })), [], 21],
  [
    'privilege escalation left open',
    strict({}, { securityContext: { capabilities: { drop: ['ALL'] } } }),
    [`restricted ${TASK}.allowPrivilegeEscalation is not false`],
  ],
  [
    'runAsNonRoot nowhere',
    strict({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }),
    [`restricted ${TASK}.runAsNonRoot is not true`],
  ],
  [
    'runAsNonRoot on the container only',
    strict({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, security({ runAsNonRoot: true })),
    [],
  ],
  ['runAsNonRoot false on the container', strict({}, security({ runAsNonRoot: false })), [`restricted ${TASK}.runAsNonRoot is false`]],
  [
    'runAsNonRoot false on the Pod, true on the container',
    strict(
      { securityContext: { runAsNonRoot: false, seccompProfile: { type: 'Localhost', localhostProfile: 'p.json' } } },
      security({ runAsNonRoot: true }),
    ),
    ['restricted spec.securityContext.runAsNonRoot is false'],
  ],
  [
    'runAsUser 0 on the Pod',
    strict({ securityContext: { runAsNonRoot: true, runAsUser: 0, seccompProfile: { type: 'RuntimeDefault' } } }),
    ['restricted spec.securityContext.runAsUser is 0 (root)'],
  ],
  ['runAsUser 0 on a container', strict({}, security({ runAsUser: 0 })), [`restricted ${TASK}.runAsUser is 0 (root)`]],
  [
    'root in a user namespace',
    strict({ hostUsers: false, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, security({ runAsUser: 0 })),
    [],
  ],
  [
    'root in a user namespace, policy 1.30',
    strict({ hostUsers: false }, security({ runAsUser: 0 })),
    [`restricted ${TASK}.runAsUser is 0 (root)`],
    30,
  ],
  ['no seccomp profile', strict({ securityContext: { runAsNonRoot: true } }), [`restricted ${TASK}.seccompProfile.type is not set`]],
  [
    'seccomp Unconfined',
    strict({}, security({ seccompProfile: { type: 'Unconfined' } })),
    [`baseline ${TASK}.seccompProfile.type is Unconfined`],
  ],
  [
    'AppArmor Unconfined',
    strict({}, security({ appArmorProfile: { type: 'Unconfined' } })),
    [`baseline ${TASK}.appArmorProfile.type is Unconfined`],
  ],
  ['SELinux spc_t', strict({}, security({ seLinuxOptions: { type: 'spc_t' } })), [`baseline ${TASK}.seLinuxOptions.type is spc_t`]],
  [
    'SELinux user',
    strict({}, security({ seLinuxOptions: { type: 'container_t', user: 'u' } })),
    [`baseline ${TASK}.seLinuxOptions.user is u`],
  ],
  ['an unmasked /proc', strict({}, security({ procMount: 'Unmasked' })), [`baseline ${TASK}.procMount is Unmasked`]],
  [
    'an unmasked /proc in a user namespace',
    strict({ hostUsers: false }, security({ procMount: 'Unmasked' })),
    [`restricted ${TASK}.procMount is Unmasked`],
  ],
  [
    'an unsafe sysctl',
    strict({ securityContext: { ...strict().securityContext, sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    ['baseline spec.securityContext.sysctls[kernel.msgmax] is not one of the safe sysctls'],
  ],
  ['a safe sysctl', strict({ securityContext: { ...strict().securityContext, sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }), []],
  [
    'the same before it was safe',
    strict({ securityContext: { ...strict().securityContext, sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }),
    ['baseline spec.securityContext.sysctls[net.ipv4.tcp_rmem] is not one of the safe sysctls'],
    31,
  ],
  [
    'a host port',
    strict({}, { ...security({}), ports: [{ containerPort: 80, hostPort: 8080 }] }),
    ['baseline spec.containers[task].ports[80].hostPort is 8080'],
  ],
  [
    'a probe of another host',
    strict({}, { ...security({}), livenessProbe: { httpGet: { host: '10.0.0.1', port: 80 } } }),
    ['baseline spec.containers[task].livenessProbe.httpGet.host is 10.0.0.1'],
  ],
  ['the same, policy 1.33', strict({}, { ...security({}), livenessProbe: { httpGet: { host: '10.0.0.1', port: 80 } } }), [], 33],
  [
    'a Windows host process',
    strict({}, security({ windowsOptions: { hostProcess: true } })),
    [`baseline ${TASK}.windowsOptions.hostProcess is true`],
  ],
  [
    'a Windows Pod has no seccomp',
    strict({ os: { name: 'windows' }, securityContext: { runAsNonRoot: true } }, { securityContext: {} }),
    [],
  ],
  [
    'an init container counts too',
    strict({
      initContainers: [
        { name: 'copy-sidecar-0', securityContext: { runAsUser: 0, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
      ],
    }),
    ['restricted spec.initContainers[copy-sidecar-0].securityContext.runAsUser is 0 (root)'],
  ],
]
