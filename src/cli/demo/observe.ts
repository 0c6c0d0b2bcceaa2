// An independent observer: watches Jobs and Pods on the embedded cluster as `kubectl get -w` would, and notes when it saw what.
// Not for: deciding anything; the verdicts come from the callbacks alone.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { parse } from 'yaml'
import { annotation, FINALIZER, LABELS, MANAGED_BY, TASK_CONTAINER } from '../../model/keys.ts'
import { isObject } from '../receiver.ts'

export interface Observed {
  /** Names of every Job seen for the task: more than one would break a promise. */
  jobs: Set<string>
  /** When the task's container was first seen running, and first seen ended (epoch ms). */
  runningMs: number | null
  endedMs: number | null
  /** jobhook has let go of the Job: its verdict was acknowledged, no more callbacks follow. */
  closed: boolean
}

export interface Observer {
  task(taskId: string): Observed | undefined
  stop(): void
}

const REOPEN_AFTER_MS = 200

/** Watches until stopped. `kubeconfigFile` is the embedded cluster's: its server address has a secret path and needs no login. */
export function observe(kubeconfigFile: string, nowMs: () => number): Observer {
  const server = serverOf(readFileSync(kubeconfigFile, 'utf8'))
  const tasks = new Map<string, Observed>()
  const taskOfJob = new Map<string, string>()
  const stopping = new AbortController()

  function onJob(type: string, job: Record<string, unknown>): void {
    const metadata = member(job, 'metadata')
    const taskId = member(metadata, 'annotations')[annotation('taskId')]
    if (typeof taskId !== 'string' || typeof metadata.name !== 'string') return
    taskOfJob.set(metadata.name, taskId)
    const seen = entry(taskId)
    seen.jobs.add(metadata.name)
    const held = Array.isArray(metadata.finalizers) && metadata.finalizers.includes(FINALIZER)
    seen.closed = type === 'DELETED' || !held
  }

  function onPod(_type: string, pod: Record<string, unknown>): void {
    const labels = member(member(pod, 'metadata'), 'labels')
    const taskId = taskOfJob.get(String(labels['batch.kubernetes.io/job-name'] ?? labels['job-name']))
    const statuses = member(pod, 'status').containerStatuses
    const container = Array.isArray(statuses) ? statuses.find((status) => isObject(status) && status.name === TASK_CONTAINER) : undefined
    if (taskId === undefined || !isObject(container)) return
    const state = member(container, 'state')
    const seen = entry(taskId)
    if (state.running) seen.runningMs ??= nowMs()
    if (state.terminated) seen.endedMs ??= nowMs()
  }

  function entry(taskId: string): Observed {
    const known = tasks.get(taskId) ?? { jobs: new Set(), runningMs: null, endedMs: null, closed: false }
    tasks.set(taskId, known)
    return known
  }

  const selector = encodeURIComponent(`${LABELS.managedBy}=${MANAGED_BY}`)
  void keepWatching(`${server}/apis/batch/v1/jobs?watch=1&labelSelector=${selector}`, onJob, stopping.signal)
  void keepWatching(`${server}/api/v1/pods?watch=1&labelSelector=${selector}`, onPod, stopping.signal)
  return { task: (taskId) => tasks.get(taskId), stop: () => stopping.abort() }
}

/** A watch without resourceVersion begins with what is there; one that closes is opened again. */
async function keepWatching(
  url: string,
  onEvent: (type: string, object: Record<string, unknown>) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { body } = await request(url, { signal, bodyTimeout: 0 })
      let rest = ''
      body.setEncoding('utf8')
      for await (const chunk of body) {
        const lines = (rest + String(chunk)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const event: unknown = JSON.parse(line)
          if (isObject(event) && typeof event.type === 'string' && isObject(event.object)) onEvent(event.type, event.object)
        }
      }
    } catch {
      // the cluster is still starting, or is going: tried again until stopped
    }
    await delay(REOPEN_AFTER_MS, undefined, { signal }).catch(() => undefined)
  }
}

function serverOf(kubeconfig: string): string {
  const parsed: unknown = parse(kubeconfig)
  const clusters = isObject(parsed) ? parsed.clusters : null
  const first: unknown = Array.isArray(clusters) ? clusters[0] : null
  const server = isObject(first) ? member(first, 'cluster').server : null
  if (typeof server !== 'string') throw new Error('the embedded cluster’s kubeconfig names no server')
  return server.replace(/\/$/, '')
}

function member(object: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = object[name]
  return isObject(value) ? value : {}
}
