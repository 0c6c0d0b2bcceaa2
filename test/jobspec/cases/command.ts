// Command, image, variables, size, and the legacy fields.
import { options } from '../fixtures.ts'
import type { Case } from './case.ts'

const image = 'registry.example/dev:1.4'

export const COMMAND: Case[] = [
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
]
