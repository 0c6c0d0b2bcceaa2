/** Starts an embedded cluster for one test file and gives the few calls these tests make. Its log goes to the test's own output. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { type EmbeddedCluster, type EmbeddedOptions, startEmbedded } from '../../src/embedded/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
type Loose = any

export interface Started {
  cluster: EmbeddedCluster
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<{ status: number; body: Loose; text: string }>
}

export async function start(options: EmbeddedOptions = {}): Promise<Started> {
  const cluster = await startEmbedded({ log: (line) => process.stderr.write(`embedded: ${line}\n`), ...options })
  return {
    cluster,
    async call(method, path, body, contentType = 'application/json') {
      const headers = body === undefined ? {} : { 'content-type': contentType }
      const answer = await request(`${cluster.url}${path}`, {
        method: method as 'GET',
        headers,
        body: body === undefined ? null : JSON.stringify(body),
      })
      const text = await answer.body.text()
      return { status: answer.statusCode, body: text.startsWith('{') ? JSON.parse(text) : {}, text }
    },
  }
}

export const JOBS = '/apis/batch/v1/namespaces/default/jobs'
export const PODS = '/api/v1/namespaces/default/pods'

export function job(name: string, command: string[], container: object = {}): object {
  const spec = { restartPolicy: 'Never', containers: [{ name: 'task', image: 'any:1', command, ...container }] }
  return { metadata: { name }, spec: { backoffLimit: 0, template: { spec } } }
}

export async function until<T>(what: string, look: () => Promise<T | null | undefined> | T | null | undefined): Promise<T> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Waits for the Job's Pod to be as wanted. */
export function untilPod(started: Started, jobName: string, holds: (pod: Loose) => boolean): Promise<Loose> {
  return until(`the Pod of ${jobName}`, async () => {
    const { body } = await started.call('GET', `${PODS}?labelSelector=job-name%3D${jobName}`)
    return body.items.find(holds)
  })
}

export const hasEnded = (pod: Loose): boolean => pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed'
export const isRunning = (pod: Loose): boolean => pod.status.containerStatuses?.[0]?.state.running !== undefined

export async function logOf(started: Started, jobName: string): Promise<string> {
  const pod = await untilPod(started, jobName, hasEnded)
  return (await started.call('GET', `${PODS}/${pod.metadata.name}/log`)).text
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'jobhook-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
