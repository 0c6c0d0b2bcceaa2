// What became of a task: the one thing jobhook must never lose, change or say twice under two ids.

/** Where in its life a task failed. */
export type Phase = 'accept' | 'pend' | 'pull' | 'prepare' | 'run' | 'teardown' | 'report'

export interface VerdictDetail {
  container?: string
  pod?: string
  node?: string
  /** Kubernetes' own word for it, for example OOMKilled or ImagePullBackOff. */
  cause?: string
  /** Name of the signal that ended the container, for example SIGKILL. */
  signal?: string
  /** False only when the Pod's end could not be seen: a lost node, or a Pod that has outlived its Job and could not be deleted. */
  stopped?: boolean
  /** The end of the task's log. */
  log_tail?: string
  /** Why there is no log tail, or why it is not the whole tail. */
  log_note?: string
  [extra: string]: unknown
}

/**
 * The final word on a task. `kind` cancelled is sent as task_completed with task_state CANCELLED, as the wire wants it.
 * Stored verbatim (annotation jobhook.dev/verdict) where its evidence can vanish, and then never recomputed.
 */
export interface Verdict {
  kind: 'completed' | 'failed' | 'cancelled'
  message: string
  /** failure_reason: the field's word; null when completed. */
  reason: string | null
  retryable: boolean | null
  phase: Phase | null
  /** Status normalised to 128+signal; null when it could not be known. */
  exitCode: number | null
  /** RFC 3339; null when the task's container never started. */
  startedAt: string | null
  finishedAt: string | null
  /** The container's termination message when it is a JSON object of at most 4 KiB. */
  output: Record<string, unknown> | null
  detail: VerdictDetail
}

/** What classify says of a task now. */
export type Outcome =
  | {
      kind: 'live'
      state: 'queued' | 'pending' | 'running' | 'stopping'
      /** When the task's container started (epoch ms), null while it has not: task_started is owed once it has. */
      startedMs: number | null
      /** When to look again even if nothing happens: the next deadline (epoch ms), or null. */
      wakeAtMs: number | null
      /** What it waits for, in words, for people; null when running. */
      waitingFor: string | null
      /** A container state this version does not know, by its reason: it is waited for, logged once and counted. */
      unknownState?: string
      /** The Job has ended, and its Pod was never seen: from then on (epoch ms) a live look may settle what the watch has not told. */
      lookAtMs?: number
      /** The Job has ended, and these Pods of it run on, because its controller has lost sight of them: nobody but us will end them. */
      leftPods?: readonly { name: string; uid: string }[]
    }
  /** Stop the workload first; the verdict follows from the stop mark once it has ended. */
  | { kind: 'stop'; reason: string; message: string }
  /** The workload has ended. */
  | { kind: 'ended'; verdict: Verdict; evidenceCanVanish: boolean; startedMs: number | null }
