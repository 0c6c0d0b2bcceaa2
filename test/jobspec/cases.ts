// Assignments and settings with what the manifest must say: read by manifests.test.ts, and created for real by dry-run.cluster.ts.
import type { JobSpecOptions } from '../../src/jobspec/index.ts'
import type { Assignment } from '../../src/model/assignment.ts'
import { OZ, options } from './fixtures.ts'

export interface Case {
  name: string
  asked: Partial<Assignment>
  given: JobSpecOptions
  /**
   * Path → value. Paths begin with job, pod (its spec), task (the container), init.NAME, other.NAME (containers), volume.NAME,
   * mount.PATH (of the task), env.NAME (of the task) or secret.KEY (its text). undefined: must be absent.
   */
  want: Record<string, unknown>
}

const image = 'registry.example/dev:1.4'
const fieldRef = { fieldRef: { fieldPath: 'status.hostIP' } }
const harness = (type: string) => ({ task: { agent_config_snapshot: { harness: { type } } } })

export const CASES: Case[] = [
  // --- the profile generic: command, image, variables
  {
    name: 'only a task_id and an image',
    asked: { command: undefined } as never,
    given: options(),
    want: { 'task.image': image, 'task.command': undefined, 'task.args': undefined, 'task.workingDir': '/workspace' },
  },
  {
    name: 'a command',
    asked: { command: ['/bin/sh', '-c', 'make test'] },
    given: options(),
    want: { 'task.command': ['/bin/sh', '-c', 'make test'], 'task.args': [] },
  },
  {
    name: 'command and args',
    asked: { command: ['make'], args: ['test'] },
    given: options(),
    want: { 'task.command': ['make'], 'task.args': ['test'] },
  },
  {
    name: 'args for the image’s own entry point',
    asked: { command: undefined, args: ['--help'] } as never,
    given: options(),
    want: { 'task.command': undefined, 'task.args': ['--help'] },
  },
  {
    name: 'text that Kubernetes would expand',
    asked: { command: ['echo', '$(TASK_ID)', '$$', '$HOME', '5$'] },
    given: options(),
    want: { 'task.command': ['echo', '$$(TASK_ID)', '$$$', '$HOME', '5$'] },
  },
  {
    name: 'the default image',
    asked: { docker_image: undefined } as never,
    given: options({ default_image: 'debian:13' }),
    want: { 'task.image': 'debian:13' },
  },
  {
    name: 'the assignment’s image over the default',
    asked: {},
    given: options({ default_image: 'debian:13' }),
    want: { 'task.image': image },
  },
  { name: 'the pull policy', asked: {}, given: options({ image_pull_policy: 'Always' }), want: { 'task.imagePullPolicy': 'Always' } },
  { name: 'no pull policy', asked: {}, given: options(), want: { 'task.imagePullPolicy': 'IfNotPresent' } },
  { name: 'the variables of every task', asked: {}, given: options(), want: { 'env.TASK_ID': 't-42', 'env.EXECUTION_ID': 'e-1' } },
  {
    name: 'an id that Kubernetes would expand',
    asked: { task_id: '$(HOME)/😀' },
    given: options(),
    want: { 'env.TASK_ID': '$$(HOME)/😀', 'job.metadata.annotations.jobhook%dev/task-id': '$(HOME)/😀' },
  },
  {
    name: 'a secret variable',
    asked: { env_vars: { TOKEN: '$(X) "q"\n' } },
    given: options(),
    want: { 'env.TOKEN': 'secret:TOKEN', 'secret.TOKEN': '$(X) "q"\n' },
  },
  {
    name: 'a variable whose name a Secret key cannot have',
    asked: { env_vars: { 'a b/c': '1' } },
    given: options(),
    want: { 'env.a b/c': 'secret:env-koitrviyhepmj7cv' },
  },
  { name: 'an empty secret value', asked: { env_vars: { EMPTY: '' } }, given: options(), want: { 'secret.EMPTY': '' } },
  {
    name: 'an assignment that sets TASK_ID itself',
    asked: { env_vars: { TASK_ID: 'mine' } },
    given: options(),
    want: { 'env.TASK_ID': 'secret:TASK_ID' },
  },
  {
    name: 'a configured variable over the assignment’s',
    asked: { env_vars: { CI: 'no' } },
    given: options({ env: [{ name: 'CI', value: 'yes' }] }),
    want: { 'env.CI': 'yes', 'secret.CI': undefined },
  },
  {
    name: 'a variable taken over from jobhook’s environment',
    asked: {},
    given: options({ env: [{ name: 'PROXY' }] }, { inheritedEnv: { PROXY: 'http://p' } }),
    want: { 'env.PROXY': 'secret:PROXY', 'secret.PROXY': 'http://p' },
  },
  // --- size
  {
    name: 'an instance shape',
    asked: { instance_shape: { vcpus: 2, memory_gb: 4 } },
    given: options(),
    want: { 'task.resources': { requests: { cpu: '2', memory: '4Gi' }, limits: { cpu: '2', memory: '4Gi' } } },
  },
  {
    name: 'half a core and half a gibibyte',
    asked: { instance_shape: { vcpus: 0.5, memory_gb: 0.5 } },
    given: options(),
    want: { 'task.resources.requests': { cpu: '500m', memory: '512Mi' } },
  },
  {
    name: 'more digits than Kubernetes counts',
    asked: { instance_shape: { vcpus: 1.1, memory_gb: 1.0001 } },
    given: options(),
    want: { 'task.resources.limits': { cpu: '1100m', memory: '1025Mi' } },
  },
  {
    name: 'only cores',
    asked: { instance_shape: { vcpus: 1 } },
    given: options(),
    want: { 'task.resources': { requests: { cpu: '1' }, limits: { cpu: '1' } } },
  },
  {
    name: 'a shape over configured resources',
    asked: { instance_shape: { vcpus: 1 } },
    given: options({ resources: { requests: { cpu: '100m', memory: '1Gi' }, limits: { memory: '2Gi', 'nvidia.com/gpu': 1 } } }),
    want: { 'task.resources': { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi', 'nvidia.com/gpu': '1', cpu: '1' } } },
  },
  { name: 'no shape and no resources', asked: {}, given: options(), want: { 'task.resources': undefined } },
  {
    name: 'a limit of the workspace',
    asked: {},
    given: options({ workspace_size_limit: '10Gi' }),
    want: {
      'volume.workspace': { name: 'workspace', emptyDir: { sizeLimit: '10Gi' } },
      'mount./workspace': { name: 'workspace', mountPath: '/workspace' },
    },
  },
  { name: 'a workspace without limit', asked: {}, given: options(), want: { 'volume.workspace': { name: 'workspace', emptyDir: {} } } },
  // --- the legacy fields
  {
    name: 'image_pull_secret',
    asked: {},
    given: options({ image_pull_secret: 'regcred' }),
    want: { 'pod.imagePullSecrets': [{ name: 'regcred' }] },
  },
  {
    name: 'service_account: its token is there',
    asked: {},
    given: options({ service_account: 'builder' }),
    want: { 'pod.serviceAccountName': 'builder', 'pod.automountServiceAccountToken': undefined },
  },
  {
    name: 'node_selector',
    asked: {},
    given: options({ node_selector: { pool: 'agents' } }),
    want: { 'pod.nodeSelector': { pool: 'agents' } },
  },
  {
    name: 'tolerations in both spellings',
    asked: {},
    given: options({
      tolerations: [
        { key: 'a', operator: 'Exists', effect: 'NoExecute', toleration_seconds: 5 },
        { key: 'b', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 6 },
      ],
    }),
    want: {
      'pod.tolerations': [
        { key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
        { key: 'b', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 6 },
      ],
    },
  },
  {
    name: 'resources',
    asked: {},
    given: options({ resources: { limits: { cpu: 2 } } }),
    want: { 'task.resources': { limits: { cpu: '2' } } },
  },
  // --- sidecars
  {
    name: 'a sidecar copied by an init container',
    asked: { additional_sidecars: [{ image: 'tools:2', mount_path: '/mnt/tools' }] },
    given: options(),
    want: {
      'init.copy-sidecar-0.image': 'tools:2',
      'init.copy-sidecar-0.securityContext.runAsUser': 0,
      'volume.sidecar-0': { name: 'sidecar-0', emptyDir: {} },
      'mount./mnt/tools': { name: 'sidecar-0', mountPath: '/mnt/tools', readOnly: true },
    },
  },
  {
    name: 'a sidecar that may be written',
    asked: { additional_sidecars: [{ image: 'tools:2', mount_path: '/mnt/tools/', read_write: true }] },
    given: options(),
    want: { 'mount./mnt/tools': { name: 'sidecar-0', mountPath: '/mnt/tools', readOnly: false } },
  },
  {
    name: 'a sidecar as image volume',
    asked: { additional_sidecars: [{ image: 'tools:2', mount_path: '/mnt/tools' }] },
    given: options({ use_image_volumes: true }),
    want: {
      'pod.initContainers': undefined,
      'volume.sidecar-0': { name: 'sidecar-0', image: { reference: 'tools:2', pullPolicy: 'IfNotPresent' } },
      'mount./mnt/tools': { name: 'sidecar-0', mountPath: '/mnt/tools', readOnly: true },
    },
  },
  {
    name: 'sidecar_image first, at /agent',
    asked: { sidecar_image: 'agent:9', additional_sidecars: [{ image: 'tools:2', mount_path: '/mnt/tools' }] },
    given: options(),
    want: {
      'mount./agent.name': 'sidecar-0',
      'init.copy-sidecar-0.image': 'agent:9',
      'mount./mnt/tools.name': 'sidecar-1',
      'init.copy-sidecar-1.image': 'tools:2',
    },
  },
  {
    name: 'the configured sidecar_image over the assignment’s',
    asked: { sidecar_image: 'agent:9' },
    given: options({ sidecar_image: 'mirror/agent:9' }),
    want: { 'init.copy-sidecar-0.image': 'mirror/agent:9' },
  },
  {
    name: 'a configured sidecar_image alone adds nothing',
    asked: {},
    given: options({ sidecar_image: 'mirror/agent:9' }),
    want: { 'pod.initContainers': undefined },
  },
  {
    name: 'the harness’s sidecar added',
    asked: harness('claude'),
    given: options({ coding_cli_sidecars: { claude: 'cli:1' } }),
    want: { 'mount./mnt/claude-cli-sidecar.name': 'sidecar-0', 'init.copy-sidecar-0.image': 'cli:1' },
  },
  {
    name: 'the harness’s sidecar replaced',
    asked: { ...harness(' claude '), additional_sidecars: [{ image: 'theirs', mount_path: '/mnt/claude-cli-sidecar' }] },
    given: options({ coding_cli_sidecars: { claude: 'cli:1' } }),
    want: { 'init.copy-sidecar-0.image': 'cli:1', 'volume.sidecar-1': undefined },
  },
  {
    name: 'another harness’s sidecar is not added',
    asked: harness('codex'),
    given: options({ coding_cli_sidecars: { claude: 'cli:1' } }),
    want: { 'pod.initContainers': undefined },
  },
  {
    name: 'a copying init container asks for what the task asks, without devices',
    asked: { sidecar_image: 'agent:9', instance_shape: { vcpus: 1 } },
    given: options({ resources: { limits: { 'nvidia.com/gpu': 1 } } }),
    want: { 'init.copy-sidecar-0.resources': { requests: { cpu: '1' }, limits: { cpu: '1' } } },
  },
  // --- setup and teardown
  {
    name: 'setup: same image, variables and volumes as the task',
    asked: { env_vars: { TOKEN: 'x' } },
    given: options({ setup_command: 'git clone $(repo) $$' }),
    want: {
      'init.setup.image': image,
      'init.setup.command': ['/bin/sh', '-c', 'git clone $$(repo) $$$'],
      'init.setup.workingDir': '/workspace',
      'env.JOBHOOK_ENVIRONMENT_FILE': '/run/jobhook/env',
      'mount./run/jobhook.name': 'jobhook',
      'task.args': ['/bin/true'],
    },
  },
  {
    name: 'teardown: a wrapper and a preStop hook',
    asked: { command: ['make'], args: ['test'] },
    given: options({ teardown_command: 'rm -rf /tmp/x' }),
    want: {
      'task.command.3': 'jobhook',
      'task.command.4': 'rm -rf /tmp/x',
      'task.args': ['make', 'test'],
      'task.lifecycle.preStop.exec.command.1': '-c',
      'pod.initContainers': undefined,
    },
  },
  {
    name: 'setup, teardown and sidecars',
    asked: { sidecar_image: 'agent:9' },
    given: options({ setup_command: 'true', teardown_command: 'true' }),
    want: { 'pod.initContainers.0.name': 'copy-sidecar-0', 'pod.initContainers.1.name': 'setup' },
  },
  // --- pod_template
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
  // --- the profile oz
  {
    name: 'oz: the agent’s entry point behind the environment file',
    asked: { command: undefined, sidecar_image: 'agent:9' } as never,
    given: options({}, OZ),
    want: {
      'task.command.3': 'jobhook',
      'task.args': [
        '/agent/entrypoint.sh',
        'agent',
        'run',
        '--task-id',
        't-42',
        '--sandboxed',
        '--server-root-url',
        'https://oz.example',
        '--idle-on-complete',
      ],
      'env.OZ_ENVIRONMENT_FILE': '/workspace/.oz-env',
      'mount./run/jobhook': undefined,
    },
  },
  {
    name: 'oz: its variables',
    asked: { sidecar_image: 'agent:9' },
    given: options({}, OZ),
    want: {
      'env.TASK_ID': 't-42',
      'env.GIT_TERMINAL_PROMPT': '0',
      'env.GH_PROMPT_DISABLED': '1',
      'env.WARP_SERVER_ROOT_URL': 'https://oz.example',
      'env.OZ_WORKSPACE_ROOT': '/workspace',
      'env.OZ_WORKER_BACKEND': 'kubernetes',
      'env.OZ_RUN_ID': 't-42',
      'env.EXECUTION_ID': undefined,
    },
  },
  {
    name: 'oz: what it relies on wins over the assignment',
    asked: { env_vars: { OZ_RUN_ID: 'x', GH_PROMPT_DISABLED: '0' } },
    given: options({}, OZ),
    want: { 'env.OZ_RUN_ID': 't-42', 'env.GH_PROMPT_DISABLED': 'secret:GH_PROMPT_DISABLED', 'secret.OZ_RUN_ID': undefined },
  },
  {
    name: 'oz: the image of last resort',
    asked: { docker_image: undefined } as never,
    given: options({}, OZ),
    want: { 'task.image': 'ubuntu:22.04' },
  },
  {
    name: 'oz: the configured image before that',
    asked: { docker_image: undefined } as never,
    given: options({ default_image: 'team:1' }, OZ),
    want: { 'task.image': 'team:1' },
  },
  {
    name: 'oz: with setup and teardown',
    asked: { sidecar_image: 'agent:9' },
    given: options({ setup_command: 'true', teardown_command: 'bye' }, OZ),
    want: {
      'task.command.4': 'bye',
      'task.args.0': '/agent/entrypoint.sh',
      'mount./run/jobhook.name': 'jobhook',
      'init.setup.volumeMounts.0.mountPath': '/workspace',
    },
  },
  {
    name: 'oz: MCP servers arrive as they are',
    asked: { task: { agent_config_snapshot: { mcp_servers: { s: { env: { T: '$(TOKEN)' } } } } } },
    given: options({}, OZ),
    want: { 'task.args.8': '--mcp', 'task.args.9': '{"s":{"env":{"T":"$$(TOKEN)"}}}' },
  },
  {
    name: 'oz: no server URL',
    asked: {},
    given: options({}, { profile: 'oz' }),
    want: {
      'task.args': ['/agent/entrypoint.sh', 'agent', 'run', '--task-id', 't-42', '--sandboxed', '--idle-on-complete'],
      'env.WARP_SERVER_ROOT_URL': undefined,
    },
  },
]
