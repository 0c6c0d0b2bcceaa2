// The assignments that every case sends, 4 KB each with two secret variables, and the Secret and Job that jobhook makes of them: for the baselines,
// which write the same bytes.
import { loadCheckedConfig } from '../../src/app/checked-config.ts'
import { jobSpecOptions, settingsOf } from '../../src/config/index.ts'
import { buildTask } from '../../src/jobspec/index.ts'

const PLACEHOLDER = 'bench-placeholder'
const BODY_BYTES = 4_096

/** The message's text with a placeholder for the task's id. */
function template(): string {
  const message = (prompt: string) => ({
    type: 'task_assignment',
    data: {
      task_id: PLACEHOLDER,
      execution_id: 'e-1',
      task: {
        id: PLACEHOLDER,
        title: 'Fix the build',
        task_definition: { prompt },
        owner: { Type: 'TEAM', Id: 7 },
        agent_config_snapshot: { harness: { type: 'claude' }, model_id: 'large' },
      },
      env_vars: { GITHUB_ACCESS_TOKEN: 'x'.repeat(40), DEPLOY_KEY: 'y'.repeat(400) },
      instance_shape: { vcpus: 0.1, memory_gb: 0.125 },
      command: ['/bin/sh', '-c'],
      // A comment to a shell: on the embedded cluster it really runs.
      args: ['true # make test'],
      timeout_seconds: 3_600,
      labels: { team: 'web', tier: 'batch' },
    },
  })
  const rest = BODY_BYTES - JSON.stringify(message('')).length
  return JSON.stringify(message('Please fix the failing test. '.repeat(200).slice(0, rest)))
}

const TEMPLATE = template()

export function assignmentText(taskId: string): string {
  return TEMPLATE.replaceAll(PLACEHOLDER, taskId)
}

export interface Manifests {
  /** JSON, with a placeholder in the name. */
  secret: string
  job: string
}

/** What jobhook writes for such an assignment under this configuration. */
export function manifestsOf(configFile: string, namespace: string): Manifests {
  const loaded = loadCheckedConfig({ file: configFile, env: {} })
  if (!loaded.ok) throw new Error(`the benchmark's configuration is refused: ${JSON.stringify(loaded.problems)}`)
  const settings = settingsOf(loaded.config)
  const spec = jobSpecOptions(loaded.config, settings, namespace, {})
  const { data } = JSON.parse(assignmentText(PLACEHOLDER)) as { data: Parameters<typeof buildTask>[0] }
  const built = buildTask(data, spec, { nonce: 'nonce', callbackUrl: null, traceparent: null })
  if (!built.ok || !built.secret) throw new Error('the assignment makes no Secret')
  const name = built.job.metadata?.name ?? ''
  const withPlaceholder = (object: object): string => JSON.stringify(object).replaceAll(name, PLACEHOLDER)
  return { secret: withPlaceholder(built.secret), job: withPlaceholder(built.job) }
}

export function named(manifest: string, name: string): string {
  return manifest.replaceAll(PLACEHOLDER, name)
}
