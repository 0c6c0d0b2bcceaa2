// The names jobhook writes on objects in the cluster: labels, annotations, the finalizer. Declared once.

export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  name: 'app.kubernetes.io/name',
  worker: 'jobhook.dev/worker',
  task: 'jobhook.dev/task',
} as const

export const MANAGED_BY = 'jobhook'
export const TASK_APP_NAME = 'jobhook-task'

/** An assignment's own labels appear under this prefix, so that no assignment can set a label that means something to the cluster. */
export const TASK_LABEL_PREFIX = 'labels.jobhook.dev/'

export const ANNOTATION_PREFIX = 'jobhook.dev/'
/** Annotation names without the prefix. */
export const ANNOTATIONS = {
  taskId: 'task-id',
  executionId: 'execution-id',
  title: 'title',
  schema: 'schema',
  digest: 'digest',
  callbackUrl: 'callback-url',
  traceparent: 'traceparent',
  stop: 'stop',
  verdict: 'verdict',
  delivery: 'delivery',
  secret: 'secret',
  timeoutSeconds: 'timeout-seconds',
  priority: 'priority',
} as const

export const FINALIZER = 'jobhook.dev/report'

/** Version of what an annotation means; raised when a newer jobhook writes something an older one would misread. */
export const SCHEMA_VERSION = '1'

/** The task's container in every Pod. */
export const TASK_CONTAINER = 'task'

/** The full name of one of our annotations. */
export function annotation(name: keyof typeof ANNOTATIONS): string {
  return ANNOTATION_PREFIX + ANNOTATIONS[name]
}
