// What buildTask is given and what it gives back. Types only.
import type { V1Job, V1Secret } from '@kubernetes/client-node'
import type { KubernetesBackend, OzSettings } from '../model/pod-settings.ts'
import type { FieldError } from '../model/problem.ts'

/** Plain JSON objects; client-node's types name their fields, its classes are not used. */
export type Job = V1Job
export type Secret = V1Secret

export type Profile = 'generic' | 'oz'

export interface JobSpecOptions {
  workerId: string
  namespace: string
  profile: Profile
  oz: OzSettings
  kubernetes: KubernetesBackend
  /** Values of variables that `backend.kubernetes.env` takes over by name from jobhook's own environment. */
  inheritedEnv?: Readonly<Record<string, string>>
  /** Whether the Job is held until its verdict was reported. */
  jobFinalizer: boolean
  /** False: there is nobody to report to, so no finalizer is set and the time to live is set at creation. */
  hasReceiver: boolean
  /** Seconds a finished Job is kept; null keeps all. */
  retentionSeconds: { success: number; failure: number } | null
  /** Seconds. */
  deadlines: {
    schedule: number
    pull: number
    prepare: number
    create: number
    run: number
    sidecarGrace: number
    stopConfirm: number
  }
  /** Profile oz: how long the agent stays when done, in the agent's own format, for example "45m". */
  idleOnComplete?: string
  overflow?: 'reject' | 'queue' | 'kueue'
  kueueQueue?: string
  /** Start the Pod again when the cluster took it away (drain, preemption). Then setup and task run again from the start. */
  retryOnDisruption?: boolean
}

export interface BuildContext {
  /** Makes the Secret's name unique to this attempt: lower-case letters and digits. */
  nonce: string
  /** This task's own callback URL, when it has one. */
  callbackUrl: string | null
  /** The sender's trace, for the callbacks: written down on the Job. */
  traceparent: string | null
  /** TRACEPARENT of the task's container; absent: the same. */
  taskTraceparent?: string | null
  /** Create it suspended: the queue releases it. */
  suspended?: boolean
}

/** Where a variable's value comes from, weakest first: each later one wins over the earlier. */
export type EnvOrigin = 'profile' | 'assignment' | 'configuration' | 'inherited' | 'reserved'

export interface EnvSource {
  name: string
  from: EnvOrigin
  /** Weaker sources that also set it. */
  overrides: EnvOrigin[]
}

export interface Built {
  ok: true
  job: Job
  secret: Secret | null
  /** Where each variable of the task's container comes from, sorted by name. */
  env: EnvSource[]
  /** For people: what was asked for and not done. Names, never values. */
  warnings: string[]
}

export type BuildResult = Built | { ok: false; errors: FieldError[] }

/** One thing wrong with the configuration: the key, and what is wrong with it and what to do, naming the other key of a clash. */
export interface SettingsProblem {
  key: string
  detail: string
}
