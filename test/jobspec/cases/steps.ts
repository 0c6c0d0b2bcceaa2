// Sidecars; setup and teardown.
import { options } from '../fixtures.ts'
import type { Case } from './case.ts'

const image = 'registry.example/dev:1.4'
const harness = (type: string) => ({ task: { agent_config_snapshot: { harness: { type } } } })

export const STEPS: Case[] = [
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
]
