// What is recorded of a chaos run: what the control plane sent and heard, what the API held, and what was said in logs. The checker knows nothing else.

/** One execution of a task, as planned. */
export interface Intent {
  taskId: string
  executionId: string
  /** What the control plane does with it; for the summary and the timeline. */
  scenario: string
  /**
   * Verdicts that may come: "completed 0", "cancelled", "failed container_exit 7", "failed task_timeout". Empty: nothing of it may ever run.
   * A word more in the verdict than here (an exit code) is allowed.
   */
  outcomes: string[]
}

/** One request of the control plane about a task. */
export interface Delivery {
  taskId: string
  executionId: string
  /** assignment or cancellation */
  what: 'assignment' | 'cancellation'
  /** Which content of this task was sent: the Job shows the same word. */
  content: string
  replica: string
  atMs: number
  answeredMs: number
  /** null: no answer came. */
  status: number | null
}

/** One callback request as it left jobhook, whatever became of it then. */
export interface Callback {
  id: string
  type: string
  taskId: string
  executionId: string
  body: string
  verified: boolean
  replica: string
  atMs: number
  /** The fault it met on its way. */
  fault: string
  /** Pods of the task that had not ended, read from the API while this request was held; for verdicts. */
  alivePods: string[]
  /** What the control plane answered; null: it never saw the request, or gave no answer. */
  answered: number | null
}

/** One event of the recorder's own watch of the API. */
export interface ObjectEvent {
  atMs: number
  resource: 'jobs' | 'pods' | 'secrets'
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  name: string
  uid: string
  /** Jobs: from the annotations. */
  taskId: string
  executionId: string
  /** Jobs: the word for the content that it runs. */
  content: string
  /** Pods: uid of the Job. */
  jobUid: string
  /** Pods: a container runs, or may still start. */
  alive: boolean
  /** In words, for the timeline. */
  state: string
  /** A secret's value stands in the object (never looked for in Secrets themselves). */
  leaks: boolean
}

/** How things stand in the API when all has settled. */
export interface Leftovers {
  /** Jobs that still bear our finalizer. */
  held: string[]
  /** Jobs whose task is not closed. */
  open: string[]
  /** Secrets that a Job names. */
  namedSecrets: string[]
  /** Secrets that no Job names: what an unknown outcome or a kill leaves, and the sweeper takes. */
  orphanSecrets: string[]
}

export interface History {
  seed: number
  intents: Intent[]
  deliveries: Delivery[]
  callbacks: Callback[]
  events: ObjectEvent[]
  leftovers: Leftovers
  /** Logs, metrics, problem bodies: whatever a person or a machine might read. */
  texts: { source: string; text: string }[]
  /** Kills, restarts, freezes: for the timeline. */
  incidents: { atMs: number; what: string }[]
  /** Replicas that were killed: what one sent last may have died with it. */
  deaths: { atMs: number; replica: string }[]
  /** When the API server, or etcd under it, was ended: what was on its way then may have happened and never been answered, nor audited. */
  apiDeaths: { atMs: number }[]
  /** Replicas that were asked to end (SIGTERM), and their exit codes. */
  exits: { replica: string; code: number | null }[]
  /** Jobs created according to the apiserver's audit log; null where there is none. */
  auditedJobs: number | null
}

/** Every secret value of a run contains this, so that one search finds any of them. */
export const SECRET_MARK = 'chaosSecretValue'

/** Whether a secret value stands in this text, plain or in base64 at any of its three alignments. */
export function holdsSecret(text: string): boolean {
  return NEEDLES.some((needle) => text.includes(needle))
}

const NEEDLES = [
  SECRET_MARK,
  ...[0, 1, 2].map((shift) => {
    const encoded = Buffer.from('x'.repeat(shift) + SECRET_MARK).toString('base64')
    // The first and last characters also hold bits of the neighbours.
    return encoded.slice(shift === 0 ? 0 : 4, Math.floor(((shift + SECRET_MARK.length) * 8) / 6) - 1)
  }),
]

/** A verdict's body as the words that Intent.outcomes uses. */
export function outcomeOf(body: string): string {
  const { type, data } = JSON.parse(body) as {
    type: string
    data: { task_state?: string; failure_reason?: string; exit_code?: number | null }
  }
  if (data.task_state === 'CANCELLED') return 'cancelled'
  if (type === 'task_completed') return `completed ${data.exit_code}`
  return `failed ${data.failure_reason} ${data.exit_code}`
}
