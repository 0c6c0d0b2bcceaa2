// What a Pod template may say, and what wins over it.
import { options } from '../fixtures.ts'
import type { Case } from './case.ts'

const image = 'registry.example/dev:1.4'
const fieldRef = { fieldRef: { fieldPath: 'status.hostIP' } }

export const POD_TEMPLATE: Case[] = [
  {
    name: 'a template without the task’s container',
    asked: {},
    given: options({ pod_template: { containers: [{ name: 'proxy', image: 'proxy:1' }] } }),
    want: { 'pod.containers.0.name': 'task', 'other.proxy.image': 'proxy:1' },
  },
  {
    name: 'a template with it keeps its place and its fields',
    asked: {},
    given: options({
      pod_template: {
        containers: [
          { name: 'proxy', image: 'proxy:1' },
          {
            name: 'task',
            image: 'ignored:1',
            livenessProbe: { exec: { command: ['true'] } },
            envFrom: [{ configMapRef: { name: 'c' } }],
          } as never,
        ],
      },
    }),
    want: {
      'pod.containers.1.name': 'task',
      'task.image': image,
      'task.livenessProbe': { exec: { command: ['true'] } },
      'task.envFrom': [{ configMapRef: { name: 'c' } }],
    },
  },
  {
    name: 'the template’s image where nothing else names one',
    asked: { docker_image: undefined } as never,
    given: options({ pod_template: { containers: [{ name: 'task', image: 'team:3', imagePullPolicy: 'Never' }] } }),
    want: { 'task.image': 'team:3', 'task.imagePullPolicy': 'Never' },
  },
  {
    name: 'the template’s command where the assignment has none',
    asked: { command: undefined, args: ['b'] } as never,
    given: options({ pod_template: { containers: [{ name: 'task', command: ['run', '$(HOME)'], args: ['a'] }] } }),
    want: { 'task.command': ['run', '$(HOME)'], 'task.args': ['b'] },
  },
  {
    name: 'the template’s args never go with the assignment’s command',
    asked: { command: ['x'] },
    given: options({ pod_template: { containers: [{ name: 'task', command: ['run'], args: ['a'] }] } }),
    want: { 'task.command': ['x'], 'task.args': [] },
  },
  {
    name: 'variables from Secrets, ConfigMaps and fields',
    asked: { env_vars: { A: '1' } },
    given: options({
      pod_template: {
        containers: [
          {
            name: 'task',
            env: [
              { name: 'IP', valueFrom: fieldRef },
              { name: 'A', value: 'template' },
              { name: 'Z', value: '$(A)-z' },
            ],
          },
        ],
      },
    }),
    want: { 'env.IP': fieldRef, 'env.A': 'template', 'env.Z': '$(A)-z', 'secret.A': undefined },
  },
  {
    name: 'the user’s init containers come after ours',
    asked: { sidecar_image: 'agent:9' },
    given: options({
      setup_command: 'true',
      pod_template: { initContainers: [{ name: 'mesh', image: 'mesh:1', restartPolicy: 'Always' }] },
    }),
    want: {
      'pod.initContainers.0.name': 'copy-sidecar-0',
      'pod.initContainers.1.name': 'setup',
      'pod.initContainers.2.name': 'mesh',
      'init.mesh.restartPolicy': 'Always',
    },
  },
  {
    name: 'volumes and mounts are kept, ours beside them',
    asked: {},
    given: options({
      pod_template: {
        volumes: [{ name: 'cache', persistentVolumeClaim: { claimName: 'cache' } } as never],
        containers: [{ name: 'task', volumeMounts: [{ name: 'cache', mountPath: '/workspace/.cache' }] }],
      },
    }),
    want: {
      'pod.volumes.0.persistentVolumeClaim.claimName': 'cache',
      'mount./workspace/%cache.name': 'cache',
      'mount./workspace.name': 'workspace',
    },
  },
  {
    name: 'another container may mount the workspace',
    asked: {},
    given: options({
      pod_template: { containers: [{ name: 'watcher', image: 'w:1', volumeMounts: [{ name: 'workspace', mountPath: '/w' }] }] },
    }),
    want: { 'other.watcher.volumeMounts': [{ name: 'workspace', mountPath: '/w' }] },
  },
  {
    name: 'everything about placing is kept',
    asked: {},
    given: options({
      pod_template: {
        nodeSelector: { gpu: 'a100' },
        tolerations: [{ key: 'gpu', operator: 'Exists' }],
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }],
            },
          },
        },
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: {} }],
        schedulerName: 'mine',
        hostAliases: [{ ip: '10.0.0.1', hostnames: ['git'] }],
        dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
      } as never,
    }),
    want: {
      'pod.nodeSelector': { gpu: 'a100' },
      'pod.tolerations.0.key': 'gpu',
      'pod.schedulerName': 'mine',
      'pod.hostAliases.0.ip': '10.0.0.1',
      'pod.dnsConfig.options.0.value': '1',
      'pod.topologySpreadConstraints.0.maxSkew': 1,
      'pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.0.matchExpressions.0.key': 'zone',
    },
  },
  {
    name: 'a template’s service account gets its token',
    asked: {},
    given: options({ pod_template: { serviceAccountName: 'default' } }),
    want: { 'pod.automountServiceAccountToken': undefined, 'pod.serviceAccountName': 'default' },
  },
  {
    name: 'a template may ask for the token, or not',
    asked: {},
    given: options({ pod_template: { serviceAccountName: 'default', automountServiceAccountToken: false, enableServiceLinks: true } }),
    want: { 'pod.automountServiceAccountToken': false, 'pod.enableServiceLinks': true },
  },
  {
    name: 'the template’s security context wins, field by field',
    asked: {},
    given: options({
      pod_template: {
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [{ name: 'task', securityContext: { capabilities: { drop: ['ALL'] } } }],
      },
    }),
    want: {
      'task.securityContext': { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      'pod.securityContext.runAsUser': 1000,
    },
  },
  {
    name: 'a privileged task gets no defaults that Kubernetes refuses beside it',
    asked: {},
    given: options({ pod_template: { containers: [{ name: 'task', securityContext: { privileged: true } }] } }),
    want: { 'task.securityContext': { privileged: true } },
  },
  {
    name: 'SYS_ADMIN rules out allowPrivilegeEscalation: false',
    asked: {},
    given: options({ pod_template: { containers: [{ name: 'task', securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }] } }),
    want: { 'task.securityContext': { seccompProfile: { type: 'RuntimeDefault' }, capabilities: { add: ['SYS_ADMIN'] } } },
  },
  {
    name: 'the template’s working directory',
    asked: {},
    given: options({ pod_template: { containers: [{ name: 'task', workingDir: '/src' }] } }),
    want: { 'task.workingDir': '/src' },
  },
  {
    name: 'a shape over the template’s resources, devices kept',
    asked: { instance_shape: { memory_gb: 8 } },
    given: options({
      pod_template: { containers: [{ name: 'task', resources: { requests: { memory: '1Gi' }, limits: { 'nvidia.com/gpu': 1 } } }] },
    }),
    want: { 'task.resources': { requests: { memory: '8Gi' }, limits: { 'nvidia.com/gpu': '1', memory: '8Gi' } } },
  },
  {
    name: 'setup has the template’s rights and mounts',
    asked: {},
    given: options({
      setup_command: 'true',
      pod_template: {
        volumes: [{ name: 'cache', emptyDir: {} } as never],
        containers: [{ name: 'task', volumeMounts: [{ name: 'cache', mountPath: '/cache' }], securityContext: { runAsUser: 1000 } }],
      },
    }),
    want: { 'init.setup.securityContext.runAsUser': 1000, 'init.setup.volumeMounts.0.mountPath': '/cache' },
  },
  {
    name: 'teardown keeps a postStart hook, and takes half of a longer grace period',
    asked: {},
    given: options({
      teardown_command: 'true',
      pod_template: {
        terminationGracePeriodSeconds: 120,
        containers: [{ name: 'task', lifecycle: { postStart: { exec: { command: ['true'] } } } }],
      },
    }),
    want: { 'pod.terminationGracePeriodSeconds': 120, 'task.lifecycle.postStart.exec.command': ['true'] },
  },
]
