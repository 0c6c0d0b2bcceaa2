/** The one node of this cluster: takes Pods, runs them as processes through pod-worker.ts, writes their status, ends them when they are deleted. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../cluster.ts'
import { sameJson } from '../json.ts'
import { ApiError } from '../status.ts'
import { parseTime, timestamp } from '../time.ts'
import type { Container, KubeObject, Pod } from '../types.ts'
import type { LogFile } from './log-file.ts'
import { podStatus } from './pod-status.ts'
import { type PodWorker, startPodWorker } from './pod-worker.ts'
import { schedulingProblem } from './scheduling.ts'

export const NODE_NAME = 'embedded'

export interface Kubelet {
  log(podUid: string, container: string, previous: boolean): LogFile | undefined
  /** Ends every process this node started. */
  close(): Promise<void>
}

interface Held {
  pod: Pod
  worker: PodWorker
  failed: { reason: string; message: string } | null
  deadline: NodeJS.Timeout | undefined
  folder: string
}

export interface KubeletOptions {
  folder: string
  maxPods: number
  logLimitBytes: number
  baseEnvironment: Record<string, string>
  log(line: string): void
}

export function startKubelet(cluster: Cluster, options: KubeletOptions): Kubelet {
  const { store, registry, pods } = cluster
  const held = new Map<string, Held>() // by uid: from admission until the Pod object is gone, so that its logs stay readable
  const active = new Set<string>()
  const waiting = new Map<string, string>() // uid → key, in order of arrival
  let closed = false

  function current(pod: Pod): Pod | undefined {
    const found = store.get(pods.key, pod.metadata.namespace ?? '', pod.metadata.name) as Pod | undefined
    return found?.metadata.uid === pod.metadata.uid ? found : undefined
  }

  function admit(): void {
    for (const [uid, key] of waiting) {
      if (closed) return
      const [namespace = '', name = ''] = key.split('/')
      const pod = store.get(pods.key, namespace, name) as Pod | undefined
      if (pod?.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined) {
        waiting.delete(uid)
        continue
      }
      const problem = schedulingProblem(pod, { full: active.size >= options.maxPods, nodeName: NODE_NAME })
      if (problem === null) {
        waiting.delete(uid)
        start(pod)
      } else unschedulable(pod, problem)
    }
  }

  function unschedulable(pod: Pod, problem: { reason: string; message: string }): void {
    const known = pod.status.conditions?.find((condition) => condition.type === 'PodScheduled')
    if (known?.message === problem.message) return
    cluster.writeStatus(pods, pod, (copy) => {
      const condition = { type: 'PodScheduled', status: 'False' as const, lastProbeTime: null, lastTransitionTime: timestamp(), ...problem }
      ;(copy as Pod).status.conditions = [condition]
    })
    if (problem.reason === 'Unschedulable') {
      cluster.recordEvent(pod, { type: 'Warning', reason: 'FailedScheduling', message: problem.message, from: 'default-scheduler' })
    }
  }

  function start(pod: Pod): void {
    const { uid } = pod.metadata
    const folder = join(options.folder, uid)
    const event = (type: 'Normal' | 'Warning', reason: string, message: string, container?: Container): void => {
      const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container.name}}` }
      cluster.recordEvent(pod, { type, reason, message, from: 'kubelet', ...fieldPath })
    }
    const lookup = {
      secret: (name: string) => store.get('secrets', pod.metadata.namespace ?? '', name),
      configMap: (name: string) => store.get('configmaps', pod.metadata.namespace ?? '', name),
    }
    const bound: Pod = { ...pod, spec: { ...pod.spec, nodeName: NODE_NAME } }
    const worker = startPodWorker(bound, folder, { ...options, lookup, event, report: () => report(entry, false) })
    const entry: Held = { pod: bound, worker, failed: null, deadline: undefined, folder }
    held.set(uid, entry)
    active.add(uid)
    report(entry, false)
    cluster.recordEvent(pod, {
      type: 'Normal',
      reason: 'Scheduled',
      message: `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${NODE_NAME}`,
      from: 'default-scheduler',
    })
    armDeadline(entry)
    worker.done.then(
      () => ended(entry),
      (error: unknown) => {
        options.log(
          `pod ${pod.metadata.namespace}/${pod.metadata.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        )
        entry.failed = { reason: 'ContainerStatusUnknown', message: error instanceof Error ? error.message : String(error) }
        ended(entry)
      },
    )
  }

  function report(entry: Held, over: boolean): void {
    const pod = current(entry.pod)
    if (pod === undefined || closed) return
    const status = podStatus(pod, entry.worker.records, { over, ...(entry.failed === null ? {} : { failed: entry.failed }) })
    if (pod.spec.nodeName === NODE_NAME && sameJson(status, pod.status)) return
    const bind = (copy: KubeObject): KubeObject => ({ ...copy, spec: { ...(copy as Pod).spec, nodeName: NODE_NAME }, status })
    registry.update(pods, pod.metadata.namespace ?? '', pod.metadata.name, bind, { part: 'all' })
  }

  function ended(entry: Held): void {
    const { uid } = entry.pod.metadata
    clearTimeout(entry.deadline)
    active.delete(uid)
    report(entry, true)
    finishDeletion(entry.pod)
    if (current(entry.pod) === undefined) forget(uid)
    admit()
  }

  /** Once nothing runs any more, a Pod marked for deletion goes; finalizers of others may still hold it. */
  function finishDeletion(pod: Pod): void {
    const found = current(pod)
    if (found?.metadata.deletionTimestamp === undefined || closed) return
    try {
      registry.delete(pods, found.metadata.namespace ?? '', found.metadata.name, {
        gracePeriodSeconds: 0,
        preconditions: { uid: found.metadata.uid },
      })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error // somebody was faster
    }
  }

  function armDeadline(entry: Held): void {
    const seconds = entry.pod.spec.activeDeadlineSeconds
    const start = parseTime(current(entry.pod)?.status.startTime)
    clearTimeout(entry.deadline)
    if (seconds === undefined || Number.isNaN(start)) return
    const expire = (): void => {
      entry.failed = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' }
      entry.worker.stop((entry.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000)
    }
    entry.deadline = setTimeout(expire, Math.max(0, start + seconds * 1000 - Date.now()))
  }

  function forget(uid: string): void {
    const entry = held.get(uid)
    if (entry === undefined || active.has(uid)) return
    held.delete(uid)
    rmSync(entry.folder, { recursive: true, force: true })
  }

  /** A Pod that is deleted before any node took it is Failed, then gone: the real cluster's Pod garbage collector does this. */
  function endUnscheduled(pod: Pod): void {
    const found = current(pod)
    if (found === undefined || closed) return
    if (!isOver(found)) {
      cluster.writeStatus(pods, found, (copy) => {
        ;(copy as Pod).status.phase = 'Failed'
      })
    }
    finishDeletion(found)
  }

  function podChanged(pod: Pod, gone: boolean): void {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
    const entry = held.get(uid)
    if (gone) {
      waiting.delete(uid)
      entry?.worker.stop(0)
      forget(uid)
      return
    }
    if (entry === undefined) {
      if (deletionTimestamp !== undefined) setImmediate(() => endUnscheduled(pod))
      if (pod.status.phase !== 'Pending' || deletionTimestamp !== undefined || waiting.has(uid)) return
      waiting.set(uid, `${pod.metadata.namespace}/${pod.metadata.name}`)
      setImmediate(admit)
      return
    }
    if (deletionTimestamp !== undefined && active.has(uid)) entry.worker.stop((deletionGracePeriodSeconds ?? 0) * 1000)
    if (pod.spec.activeDeadlineSeconds !== entry.pod.spec.activeDeadlineSeconds) {
      entry.pod = pod
      armDeadline(entry)
    }
  }

  for (const pod of store.list(pods.key, '')) podChanged(pod as Pod, false)
  const unsubscribe = store.subscribe(pods.key, ({ type, object }) => podChanged(object as Pod, type === 'DELETED'))
  return {
    log: (podUid, container, previous) => held.get(podUid)?.worker.log(container, previous),
    async close() {
      closed = true
      unsubscribe()
      const entries = [...held.values()]
      for (const entry of entries) {
        clearTimeout(entry.deadline)
        entry.worker.stop(0)
      }
      await Promise.allSettled(entries.map((entry) => entry.worker.done))
    },
  }
}

function isOver(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed'
}
