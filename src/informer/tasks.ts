// Jobs and Pods joined: one TaskView a Job. Also the indexes the API needs (task id → Jobs). Pure memory; fed by the two stores' changes.
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, PodView, TaskView, Uids } from '../model/kube.ts'
import type { Change } from './store.ts'

export interface TaskCache {
  /** By Job name. */
  get(name: string): TaskView | null
  /** Every Job of a task_id, oldest first. */
  byTaskId(taskId: string): TaskView[]
  all(): IterableIterator<TaskView>
  /** Of the Jobs that are there. */
  uids: Uids
  size(): number
  applyJob(change: Change<JobView>): void
  applyPod(change: Change<PodView>): void
  /** Calls `listener` with the Job's name after each change; the returned function ends that. Listeners must not throw or wait. */
  onChange(listener: (name: string) => void): () => void
}

interface Entry {
  job: JobView
  view: TaskView | null
}

/** The kubelet's last deletion overwrites when the Pod was asked to end: what was seen first stays. */
function keepDeletion(before: PodView | undefined, pod: PodView): PodView {
  if (!before || before.deletedMs === null) return pod
  const { deletionGraceSeconds } = before
  return { ...pod, deletedMs: before.deletedMs, ...(deletionGraceSeconds === undefined ? {} : { deletionGraceSeconds }) }
}

const NO_PODS: PodView[] = []

export function createTaskCache(): TaskCache {
  const jobs = new Map<string, Entry>()
  const nameByUid = new Map<string, string>()
  const namesByTaskId = new Map<string, Set<string>>()
  const podsByJobUid = new Map<string, PodView[]>()
  const listeners = new Set<(name: string) => void>()

  const notify = (name: string): void => {
    for (const listener of listeners) listener(name)
  }

  function viewOf(entry: Entry): TaskView {
    entry.view ??= { job: entry.job, pods: podsByJobUid.get(entry.job.uid) ?? [] }
    return entry.view
  }

  function removeJob(job: JobView): void {
    const known = jobs.get(job.name)
    if (known?.job.uid === job.uid) jobs.delete(job.name)
    nameByUid.delete(job.uid)
    // Pods that still exist stay until their own DELETED; what was only remembered of them goes with the Job.
    const alive = (podsByJobUid.get(job.uid) ?? []).filter((pod) => !pod.gone)
    if (alive.length > 0) podsByJobUid.set(job.uid, alive)
    else podsByJobUid.delete(job.uid)
    const taskId = job.annotations[ANNOTATIONS.taskId]
    const names = taskId === undefined ? undefined : namesByTaskId.get(taskId)
    if (taskId !== undefined && names && !jobs.has(job.name)) {
      names.delete(job.name)
      if (names.size === 0) namesByTaskId.delete(taskId)
    }
  }

  function putJob(job: JobView): void {
    jobs.set(job.name, { job, view: null })
    nameByUid.set(job.uid, job.name)
    const taskId = job.annotations[ANNOTATIONS.taskId]
    if (taskId === undefined) return
    const names = namesByTaskId.get(taskId)
    if (names) names.add(job.name)
    else namesByTaskId.set(taskId, new Set([job.name]))
  }

  function putPod(seen: PodView): void {
    const known = podsByJobUid.get(seen.jobUid) ?? NO_PODS
    const pod = keepDeletion(
      known.find((other) => other.uid === seen.uid),
      seen,
    )
    const others = known.length === 0 ? known : known.filter((other) => other.uid !== pod.uid)
    const name = nameByUid.get(pod.jobUid)
    // A Pod that is gone is remembered as long as its Job is there: its last state may hold the only exit code.
    const kept = pod.gone && name === undefined ? others : others.length === 0 ? [pod] : [...others, pod].sort(byAge)
    if (kept.length > 0) podsByJobUid.set(pod.jobUid, kept)
    else podsByJobUid.delete(pod.jobUid)
    if (name === undefined) return
    const entry = jobs.get(name)
    if (entry) entry.view = null
    notify(name)
  }

  return {
    get(name) {
      const entry = jobs.get(name)
      return entry ? viewOf(entry) : null
    },
    byTaskId(taskId) {
      const views: TaskView[] = []
      for (const name of namesByTaskId.get(taskId) ?? []) {
        const entry = jobs.get(name)
        if (entry) views.push(viewOf(entry))
      }
      return views.sort((a, b) => a.job.createdMs - b.job.createdMs)
    },
    *all() {
      for (const entry of jobs.values()) yield viewOf(entry)
    },
    uids: {
      has(uid) {
        const name = nameByUid.get(uid)
        return name !== undefined && jobs.get(name)?.job.uid === uid
      },
    },
    size: () => jobs.size,
    applyJob(change) {
      if (change.type === 'deleted') removeJob(change.object)
      else putJob(change.object)
      notify(change.object.name)
    },
    applyPod(change) {
      putPod(change.type === 'deleted' ? { ...change.object, gone: true } : change.object)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Those of one second by name: every replica must read the same off two Pods, whichever its watch brought first. */
function byAge(a: PodView, b: PodView): number {
  return a.createdMs - b.createdMs || (a.name < b.name ? -1 : 1)
}
