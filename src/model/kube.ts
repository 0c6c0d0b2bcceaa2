// The few fields of Jobs and Pods that jobhook keeps in memory: what a decision may be based on. Raw objects are dropped after projection.
// Times are epoch milliseconds (Kubernetes gives whole seconds); absent is null.

export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  atMs: number | null
}

/** Why we stopped a task: annotation jobhook.dev/stop, written in the same patch that stops it. */
export interface StopMark {
  reason: string
  atMs: number
  message: string | null
}

export interface JobView {
  name: string
  uid: string
  resourceVersion: string
  generation: number
  createdMs: number
  /** metadata.deletionTimestamp: someone deleted the Job; with our finalizer it stays until we let go. */
  deletedMs: number | null
  labels: Readonly<Record<string, string>>
  /** Only jobhook's own annotations (jobhook.dev/…), by the part after the slash. */
  annotations: Readonly<Record<string, string>>
  /** Whether our finalizer jobhook.dev/report is on it. */
  held: boolean
  suspended: boolean
  parallelism: number
  activeDeadlineSeconds: number | null
  ttlSecondsAfterFinished: number | null
  managedByOther: boolean
  /** spec.podFailurePolicy ignores disruptions: an evicted Pod is replaced, so its end alone is no verdict. Absent means no. */
  retriesDisruption?: boolean
  startMs: number | null
  completionMs: number | null
  active: number
  succeeded: number
  failed: number
  conditions: readonly Condition[]
}

export type ContainerRole = 'task' | 'init' | 'sidecar' | 'other'

export type ContainerState =
  | { kind: 'waiting'; reason: string; message: string }
  | { kind: 'running'; startedMs: number | null }
  | {
      kind: 'terminated'
      exitCode: number
      signal: number | null
      reason: string
      /** The termination message (terminationMessagePath), or the runtime's error. */
      message: string
      startedMs: number | null
      finishedMs: number | null
    }

export interface ContainerView {
  name: string
  /** task: the container named `task`; sidecar: an init container with restartPolicy Always; other: any other main container. */
  role: ContainerRole
  state: ContainerState | null
  lastState: ContainerState | null
  restarts: number
  image: string
}

export interface PodView {
  name: string
  uid: string
  resourceVersion: string
  jobUid: string
  createdMs: number
  /** When its deletion was asked for: metadata.deletionTimestamp, which lies in the future, less the grace period. */
  deletedMs: number | null
  /** metadata.deletionGracePeriodSeconds. 0 where the Pod had ended before, and for every Pod after the kubelet's last deletion. Absent while it is not deleted. */
  deletionGraceSeconds?: number
  /** Pending, Running, Succeeded, Failed, Unknown. */
  phase: string
  reason: string
  message: string
  node: string | null
  nominatedNode: string | null
  conditions: readonly Condition[]
  containers: readonly ContainerView[]
  /** True once the watch said DELETED: this is the last that was seen of it. */
  gone: boolean
}

/** One task as the cache knows it: its Job and every Pod seen of it, oldest first (normally one). */
export interface TaskView {
  job: JobView
  pods: readonly PodView[]
}

/** Which Jobs there are, by uid. Asked and not copied: a copy of ten thousand every half minute is garbage that lives long. */
export type Uids = Pick<ReadonlySet<string>, 'has'>
