/** Manifests, paths and waiting for the contract suite. No assertion about the API lives here. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Answer, Json, Target } from './target.ts'

export const MERGE = 'application/merge-patch+json'
export const STRATEGIC = 'application/strategic-merge-patch+json'
export const JSON_PATCH = 'application/json-patch+json'

const DEADLINE_MS = 60_000
const POLL_MS = 50

export function jobsPath(target: Target, name = ''): string {
  return `/apis/batch/v1/namespaces/${target.namespace}/jobs${name === '' ? '' : `/${name}`}`
}

export function leasesPath(target: Target, name = ''): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${target.namespace}/leases${name === '' ? '' : `/${name}`}`
}

export function corePath(target: Target, plural: string, name = ''): string {
  return `/api/v1/namespaces/${target.namespace}/${plural}${name === '' ? '' : `/${name}`}`
}

export interface JobOptions {
  command?: string[]
  container?: Json
  pod?: Json
  spec?: Json
  metadata?: Json
}

/** One Pod, no retry, as jobhook makes its Jobs. */
export function job(target: Target, name: string, options: JobOptions = {}): Json {
  const task = {
    name: 'task',
    image: target.image,
    imagePullPolicy: 'IfNotPresent',
    command: options.command ?? ['sh', '-c', 'exit 0'],
    ...options.container,
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, ...options.metadata },
    spec: {
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      ...options.spec,
      template: { spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 5, containers: [task], ...options.pod } },
    },
  }
}

/** A Job that nothing runs for: for tests of objects, not of containers. */
export function suspendedJob(target: Target, name: string, metadata: Json = {}): Json {
  return job(target, name, { spec: { suspend: true }, metadata })
}

export function configMap(name: string, data: Json = {}, metadata: Json = {}): Json {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }
}

export async function create(target: Target, path: string, body: unknown): Promise<Answer> {
  const answer = await target.call('POST', path, { body })
  assert.equal(answer.status, 201, answer.text)
  return answer
}

export async function patch(target: Target, path: string, body: unknown, contentType: string = MERGE): Promise<Answer> {
  const answer = await target.call('PATCH', path, { body, contentType })
  assert.equal(answer.status, 200, answer.text)
  return answer
}

/** Polls until `look` gives something other than null or undefined; a deadline passed is a failure that says what was awaited and what was seen last. */
export async function until<T>(what: string, look: () => Promise<T | null | undefined>, seen: () => unknown = () => ''): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined) return found
    if (Date.now() > deadline) assert.fail(`waited ${DEADLINE_MS} ms for ${what}; last seen: ${JSON.stringify(seen())}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

// biome-ignore lint/suspicious/noExplicitAny: objects of the API under test, looked at field by field
export type Loose = any

/** Waits until the object satisfies `holds`, and gives it. */
export function untilObject(target: Target, path: string, what: string, holds: (object: Loose) => boolean): Promise<Loose> {
  let last: Loose = null
  const look = async (): Promise<Loose> => {
    const { status, body } = await target.call('GET', path)
    last = body.status ?? body.metadata ?? body
    return status === 200 && holds(body) ? body : null
  }
  return until(what, look, () => last)
}

export function untilGone(target: Target, path: string): Promise<boolean> {
  return until(`${path} to be gone`, async () => ((await target.call('GET', path)).status === 404 ? true : null))
}

export async function podsOf(target: Target, jobName: string): Promise<Loose[]> {
  const { body } = await target.call('GET', `${corePath(target, 'pods')}?labelSelector=batch.kubernetes.io/job-name%3D${jobName}`)
  return body.items
}

/** Waits for the Job's Pod to satisfy `holds`. */
export function untilPod(target: Target, jobName: string, what: string, holds: (pod: Loose) => boolean): Promise<Loose> {
  let last: Loose[] = []
  const look = async (): Promise<Loose> => {
    last = await podsOf(target, jobName)
    return last.find(holds)
  }
  return until(`a Pod of ${jobName}: ${what}`, look, () => last.map((pod) => pod.status))
}

export function untilRunning(target: Target, jobName: string): Promise<Loose> {
  return untilPod(target, jobName, 'its container running', (pod) => pod.status.containerStatuses?.[0]?.state.running !== undefined)
}

/** Waits until the Pod's log has this line: a shell counts as running before it has set its traps. */
export function untilSays(target: Target, podName: string, line: string): Promise<boolean> {
  let last = ''
  const look = async (): Promise<true | null> => {
    last = (await target.call('GET', `${corePath(target, 'pods', podName)}/log`)).text
    return last.split('\n').includes(line) ? true : null
  }
  return until(`${podName} to say ${line}`, look, () => last)
}

export function condition(object: Loose, type: string): Loose {
  return object.status?.conditions?.find((item: Loose) => item.type === type && item.status === 'True')
}

export function untilFinished(target: Target, name: string): Promise<Loose> {
  let last: Loose = null
  const look = async (): Promise<Loose> => {
    const { body } = await target.call('GET', jobsPath(target, name))
    if (condition(body, 'Complete') !== undefined || condition(body, 'Failed') !== undefined) return body
    last = { job: body.status, pods: (await podsOf(target, name)).map((pod) => pod.status) }
    return null
  }
  return until(`Job ${name} Complete or Failed`, look, () => last)
}

/** False, with the reason in the report, where no container runs. */
export function needsContainers(t: TestContext, target: Target): boolean {
  if (!target.runsContainers) t.skip(target.why)
  return target.runsContainers
}

/** False, with the reason in the report, where nothing acts on Jobs and owners. */
export function needsControllers(t: TestContext, target: Target): boolean {
  if (!target.hasControllers) t.skip('JOBHOOK_TEST_CONTROLLERS is 0: no controller acts on Jobs and owners')
  return target.hasControllers
}

export function assertStatus(answer: Answer, code: number, reason: string): void {
  assert.equal(answer.status, code, answer.text)
  assert.equal(answer.body.kind, 'Status')
  assert.equal(answer.body.apiVersion, 'v1')
  assert.equal(answer.body.status, 'Failure')
  assert.equal(answer.body.reason, reason)
  assert.equal(answer.body.code, code)
}
