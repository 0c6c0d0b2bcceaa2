// Why a task can fail, as one table: the words of `failure_reason`, where in its life each belongs, who can fix it, whether the same assignment
// may succeed if it is sent again as it is, and the remedy in one sentence. Data only; how a reason is found is src/outcome.
import type { Phase } from './verdict.ts'

export type FixedBy = 'control_plane' | 'task_author' | 'operator' | 'cluster'

export interface Reason {
  phase: Phase
  fixedBy: FixedBy
  /** The usual case; a verdict may know better (an image that does not exist, a task that used up its own disk). */
  retryable: boolean
  /** What to do about it, a full sentence for the person who can. */
  remedy: string
}

export const REASONS = {
  // Before a Pod has a node.
  job_create: {
    phase: 'pend',
    fixedBy: 'operator',
    retryable: true,
    remedy: 'Look at the Job’s Events: a quota, an admission policy or a missing service account keeps Kubernetes from creating its Pod.',
  },
  unschedulable: {
    phase: 'pend',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'Add nodes, ask for less CPU, memory or devices, or check node selectors, affinity, taints and volumes.',
  },
  preempted: {
    phase: 'run',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'A Pod of higher priority took its place; send the task again, or give its Pods a higher priority class.',
  },
  // Images.
  invalid_image: {
    phase: 'pull',
    fixedBy: 'task_author',
    retryable: false,
    remedy: 'Correct the image reference; it cannot be read as [registry/]name[:tag][@digest].',
  },
  image_pull: {
    phase: 'pull',
    fixedBy: 'operator',
    retryable: true,
    remedy: 'Check that the image and tag exist, that the registry can be reached from the nodes, and that the pull secret may read it.',
  },
  // Everything between a node and the task's first instruction.
  volume_mount: {
    phase: 'prepare',
    fixedBy: 'operator',
    retryable: true,
    remedy:
      'Look at the Pod’s Events (FailedMount, FailedAttachVolume, FailedCreatePodSandBox) and check its volumes and the node’s network.',
  },
  container_create: {
    phase: 'prepare',
    fixedBy: 'operator',
    retryable: true,
    remedy: 'Check that the Secrets, ConfigMaps and keys the container names exist, and the node’s container runtime.',
  },
  sidecar_prep: {
    phase: 'prepare',
    fixedBy: 'operator',
    retryable: false,
    remedy: 'Check the sidecar image: it needs /bin/sh and cp, and room in the volume its files are copied to.',
  },
  setup_command: {
    phase: 'prepare',
    fixedBy: 'operator',
    retryable: false,
    remedy: 'Read the log of the container “setup” and correct backend.kubernetes.setup_command.',
  },
  workspace_setup: {
    phase: 'prepare',
    fixedBy: 'operator',
    retryable: true,
    remedy: 'Check the volume /workspace and its size limit.',
  },
  init_container: {
    phase: 'prepare',
    fixedBy: 'operator',
    retryable: false,
    remedy: 'Read the log of the init container that the configuration’s pod_template adds, and correct it.',
  },
  container_start: {
    phase: 'run',
    fixedBy: 'task_author',
    retryable: false,
    remedy: 'Check that the command exists in the image, is executable and fits the node’s architecture.',
  },
  agent_invocation: {
    phase: 'run',
    fixedBy: 'task_author',
    retryable: false,
    remedy: 'Check the agent’s arguments and its image.',
  },
  // The task itself.
  container_exit: {
    phase: 'run',
    fixedBy: 'task_author',
    retryable: false,
    remedy: 'Read the end of the task’s log: the command itself ended with an error.',
  },
  container_oom: {
    phase: 'run',
    fixedBy: 'task_author',
    retryable: false,
    remedy: 'Give the task more memory (instance_shape.memory_gb or the memory limit), or let it use less.',
  },
  task_timeout: {
    phase: 'run',
    fixedBy: 'task_author',
    retryable: false,
    remedy: 'Raise timeout_seconds (at most deadlines.run), or split the task.',
  },
  active_deadline: {
    phase: 'run',
    fixedBy: 'operator',
    retryable: false,
    remedy:
      'Kubernetes ended the Job at activeDeadlineSeconds while no jobhook acted; check that jobhook runs, and raise deadlines.run if needed.',
  },
  task_cancelled: {
    phase: 'run',
    fixedBy: 'control_plane',
    retryable: false,
    remedy: 'Nothing needs fixing: the task was cancelled on request.',
  },
  teardown_command: {
    phase: 'teardown',
    fixedBy: 'operator',
    retryable: false,
    remedy: 'Read the end of the task’s log and correct backend.kubernetes.teardown_command.',
  },
  // What others did to its Pod, Job or node.
  deleted: {
    phase: 'run',
    fixedBy: 'operator',
    retryable: true,
    remedy:
      'Somebody or something deleted the task’s Job or Pod; the audit log of the cluster says who. Send the task again if it is still wanted.',
  },
  evicted: {
    phase: 'run',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'The Pod had to leave its node (a drain, a taint, or scarce memory, disk or process ids); send the task again.',
  },
  node_shutdown: {
    phase: 'run',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'The node was shut down; send the task again.',
  },
  node_lost: {
    phase: 'run',
    fixedBy: 'cluster',
    retryable: true,
    remedy:
      'The node no longer answers; make sure that it is really down before the task is sent again, for it may still be running there.',
  },
  job_failed: {
    phase: 'run',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'Kubernetes calls the Job failed and its Pod could no longer be read; look at the Job’s conditions and Events.',
  },
  unknown: {
    phase: 'run',
    fixedBy: 'operator',
    retryable: false,
    remedy: 'Kubernetes gives no reason; look at the Pod’s status and Events.',
  },
  // Words of the wire that jobhook itself never sends; a control plane may know them from other workers.
  graceful_shutdown: {
    phase: 'accept',
    fixedBy: 'control_plane',
    retryable: true,
    remedy: 'The worker was shutting down; send the task again.',
  },
  container_wait: {
    phase: 'run',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'The end of the container could not be awaited; send the task again.',
  },
  job_watch: {
    phase: 'report',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'The Job could not be watched; check that the Kubernetes API can be reached.',
  },
  pod_watch: {
    phase: 'report',
    fixedBy: 'cluster',
    retryable: true,
    remedy: 'The Pod could not be watched; check that the Kubernetes API can be reached.',
  },
  cleanup: {
    phase: 'report',
    fixedBy: 'operator',
    retryable: false,
    remedy: 'What the task left behind could not be removed; check the service account’s rights.',
  },
} as const satisfies Record<string, Reason>

export type FailureReason = keyof typeof REASONS

/**
 * What a task is stopped for while it waits for its start. Before such a stop a live read and one look at the Events are worth their price: a hint
 * may show that an autoscaler is making a node, or say why a volume does not mount.
 */
export const WAITING_REASONS: ReadonlySet<string> = new Set<FailureReason>([
  'job_create',
  'unschedulable',
  'invalid_image',
  'image_pull',
  'volume_mount',
  'container_create',
  'container_start',
  'sidecar_prep',
  'setup_command',
  'init_container',
])

/** Null for a word that is not in the table: a newer jobhook, or a person, wrote it. */
export function reasonOf(word: string): Reason | null {
  return Object.hasOwn(REASONS, word) ? REASONS[word as FailureReason] : null
}
