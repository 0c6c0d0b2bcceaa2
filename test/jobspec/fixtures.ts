// Shared by the jobspec tests: ordinary options, and short ways to the parts of a manifest.
import assert from 'node:assert/strict'
import type { V1Container, V1EnvVar, V1PodSpec } from '@kubernetes/client-node'
import { type BuildContext, type Built, buildTask, type JobSpecOptions } from '../../src/jobspec/index.ts'
import type { Assignment } from '../../src/model/assignment.ts'
import type { KubernetesBackend } from '../../src/model/pod-settings.ts'
import type { FieldError } from '../../src/model/problem.ts'

export const CONTEXT: BuildContext = { nonce: 'n0nce', callbackUrl: null, traceparent: null }

export function options(kubernetes: KubernetesBackend = {}, more: Partial<JobSpecOptions> = {}): JobSpecOptions {
  return {
    workerId: 'w1',
    namespace: 'agents',
    profile: 'generic',
    oz: {},
    kubernetes,
    jobFinalizer: true,
    hasReceiver: true,
    retentionSeconds: { success: 3600, failure: 86_400 },
    deadlines: { schedule: 120, pull: 600, prepare: 600, create: 60, run: 28_800, sidecarGrace: 30, stopConfirm: 1800 },
    ...more,
  }
}

export const OZ: Partial<JobSpecOptions> = { profile: 'oz', oz: { server_root_url: 'https://oz.example' } }

export function assignment(more: Partial<Assignment> = {}): Assignment {
  return { task_id: 't-42', execution_id: 'e-1', docker_image: 'registry.example/dev:1.4', command: ['/bin/true'], ...more }
}

export function built(asked: Partial<Assignment> = {}, given: JobSpecOptions = options(), context: Partial<BuildContext> = {}): Built {
  const result = buildTask(assignment(asked), given, { ...CONTEXT, ...context })
  assert.ok(result.ok, JSON.stringify(result))
  return result
}

export function refused(asked: Partial<Assignment> = {}, given: JobSpecOptions = options()): FieldError[] {
  const result = buildTask(assignment(asked), given, CONTEXT)
  assert.equal(result.ok, false, 'expected a refusal')
  return result.ok ? [] : result.errors
}

export function podOf(result: Built): V1PodSpec {
  const spec = result.job.spec?.template.spec
  assert.ok(spec)
  return spec
}

export function taskOf(result: Built): V1Container {
  const task = podOf(result).containers.find((container) => container.name === 'task')
  assert.ok(task)
  return task
}

export function initOf(result: Built, name: string): V1Container {
  const found = podOf(result).initContainers?.find((container) => container.name === name)
  assert.ok(found, `no init container ${name}`)
  return found
}

export function envOf(container: V1Container, name: string): V1EnvVar | undefined {
  return container.env?.find((entry) => entry.name === name)
}

export function secretText(result: Built, key: string): string | undefined {
  const value = result.secret?.data?.[key]
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8')
}

/** Names, references and secrets: true of every manifest. */
export function holdsAlways(result: Built, secrets: Readonly<Record<string, string>>): void {
  const pod = podOf(result)
  const task = taskOf(result)
  const all = [...(pod.initContainers ?? []), ...pod.containers]
  const volumes = (pod.volumes ?? []).map((volume) => volume.name)
  unique(all.map((container) => container.name))
  unique(volumes)
  unique((task.env ?? []).map((entry) => entry.name))
  unique((task.volumeMounts ?? []).map((mount) => mount.mountPath))
  for (const container of all) {
    assert.ok(container.image, `${container.name} has an image`)
    for (const mount of container.volumeMounts ?? []) assert.ok(volumes.includes(mount.name), `volume ${mount.name} exists`)
  }
  for (const entry of task.env ?? []) {
    const key = entry.valueFrom?.secretKeyRef?.key
    if (key !== undefined) assert.notEqual(secretText(result, key), undefined, `the Secret has ${key}`)
  }
  const elsewhere = JSON.stringify(result.job)
  for (const value of Object.values(secrets))
    if (value.length > 3) assert.ok(!elsewhere.includes(JSON.stringify(value)), 'no secret value in the Job')
  assert.equal(pod.restartPolicy, 'Never')
  assert.deepEqual(JSON.parse(elsewhere), result.job, 'plain JSON: no undefined, nothing lost on the way')
}

function unique(names: readonly string[]): void {
  assert.equal(new Set(names).size, names.length, `a name is there twice: ${names.join(', ')}`)
}

/** What Kubernetes makes of a command, an argument or a value: $$ is $, $(NAME) is the variable's value, any other $ stays. */
export function kubernetesExpands(text: string, env: Readonly<Record<string, string>> = {}): string {
  let out = ''
  for (let index = 0; index < text.length; index++) {
    const here = text.charAt(index)
    if (here !== '$' || index + 1 === text.length) {
      out += here
      continue
    }
    index++
    const next = text.charAt(index)
    if (next === '$') out += '$'
    else if (next !== '(') out += `$${next}`
    else {
      const end = text.indexOf(')', index)
      if (end === -1) {
        out += '$('
        continue
      }
      const name = text.slice(index + 1, end)
      out += Object.hasOwn(env, name) ? env[name] : `$(${name})`
      index = end
    }
  }
  return out
}
