// What a load run is told and what it records. Types only, and the table of what each kind of request may be answered with.

export interface Plan {
  url: string
  webhookSecret: string
  token: string
  /** What every assignment runs, besides its task_id. */
  assignment: Record<string, unknown>
  /** Keep-alive connections, one a client. */
  clients: number
  /** Connections that send their headers, or their body, a byte a second. */
  slowClients: number
  phases: Phase[]
}

export interface Phase {
  name: 'warm-up' | 'idle' | 'load' | 'storm' | 'recovery'
  seconds: number
  /** New assignments a second; everything else comes in proportion. */
  assignmentsPerSecond: number
  /** Besides assignments: shares of their rate. */
  mix: Partial<Record<'repeat' | 'read' | 'malformed' | 'aborted', number>>
  /** Every so many seconds all clients send at once, each this many requests back to back, in turn assignments and strays; null: never. */
  storm: { everySeconds: number; requestsEach: number } | null
}

/** `stray`: the cancellation of a task that nobody knows, which costs a read of the Kubernetes API before it is answered. */
export type Kind = 'assignment' | 'repeat' | 'read' | 'malformed' | 'aborted' | 'storm' | 'stray'

/** What may be answered. 429 and 503 are always allowed: they say "later". */
export const ALLOWED: Readonly<Record<Kind, readonly number[]>> = {
  assignment: [202],
  storm: [202],
  stray: [202],
  repeat: [202],
  read: [200],
  malformed: [400, 401, 413, 415, 422, 431],
  aborted: [202],
}

export interface Answered {
  phase: Phase['name']
  kind: Kind
  /** 0: no answer. */
  status: number
  /** The problem's code, or what went wrong with the connection; empty where there is none. */
  code: string
  ms: number
  retryAfter: boolean
}

export interface Loaded {
  answered: Answered[]
  /** Every answer each task got, in order; 0 for none. */
  tasks: Record<string, number[]>
  /** How long the slow connections lived, in seconds, and what they were told. */
  slow: { part: 'headers' | 'body'; seconds: number; status: number }[]
  /** New connections besides each client's first: a keep-alive connection that was closed shows here. */
  reconnects: number
  /** How late requests were sent, at most: more than a little and the load was not what was asked for. */
  latestMs: number
}

/** What the cluster and the receiver showed. */
export interface Seen {
  /** Distinct Jobs and Pods by task. */
  jobs: Record<string, number>
  pods: Record<string, number>
  /** Distinct ids of verdicts by task, and the type of the last. */
  verdicts: Record<string, { ids: number; type: string; verified: boolean }>
  /** Resident memory of the service, once a second while the load lasted. */
  residentMb: number[]
  connectionsMost: number
  /** The service's exit code after SIGTERM. */
  exitCode: number | null
  /** Seconds from the end of the load until the last verdict; null: it did not settle. */
  settledSeconds: number | null
}
