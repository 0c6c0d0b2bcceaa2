// What classify needs to know besides the task itself. Types only.

export interface OutcomeOptions {
  deadlines: {
    /** Until a node is found. */
    scheduleSeconds: number
    /** For one image. */
    pullSeconds: number
    /** For volumes, and for one init container. */
    prepareSeconds: number
    /** Until Kubernetes has created the Pod. */
    createSeconds: number
    /** The longest a task may run; its own timeout_seconds can only be shorter. */
    runSeconds: number
    /** For other containers to end after the task's. */
    sidecarGraceSeconds: number
    /** After a stop, until the Pod's end must have been seen. */
    stopConfirmSeconds: number
    /** How long a Pod may wait for a node while one is being made for it. Default 15 minutes. */
    autoscalerCapSeconds?: number
  }
  /** What Events say, where somebody has looked: absent means that nobody has. A verdict never waits for it. */
  hint?: OutcomeHint
}

export interface OutcomeHint {
  /** The latest FailedCreate Event of the Job: quota, admission. */
  jobEventMessage?: string
  /** The latest Warning Event of the Pod: FailedMount, FailedCreatePodSandBox, FailedScheduling. */
  podEventMessage?: string
  /** When the autoscaler last said TriggeredScaleUp (epoch ms). */
  scaleUpAtMs?: number
  /** A live list taken after the Job's end has no Pod of it: none will arrive. */
  noPods?: true
}
