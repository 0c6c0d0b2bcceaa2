// What a failed create means for the one who asked: refused for good, later, or not known. Pure.

import type { KubeError } from '../model/kube-api.ts'
import { type Refusal, refusal } from '../model/problem.ts'

/** Seconds; a sender that gets 503 or 429 without a better figure waits this long. */
const RETRY_AFTER_SECONDS = 5

/**
 * Source: the API's Status for a refused create. RBAC's refusals are the operator's to mend, so the sender may retry; admission's are about the Job.
 */
export function refusedBy(error: KubeError, what: 'Job' | 'Secret'): Refusal {
  const retryAfterSeconds = error.retryAfterMs === null ? RETRY_AFTER_SECONDS : Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  // First of all: a 4xx would promise that nothing runs.
  if (error.outcomeUnknown) {
    return refusal('outcome_unknown', 'the cluster did not answer in time, so whether the task was accepted is not known; send it again', {
      retryAfterSeconds,
      cause: error.cause,
    })
  }
  if (error.status === 429) return refusal('cluster_busy', 'the Kubernetes API asks to slow down', { retryAfterSeconds })
  if (error.status === 403 && /exceeded quota/.test(error.message)) {
    return refusal('quota_exceeded', `the namespace’s quota does not allow another ${what}: ${error.message}`, { retryAfterSeconds })
  }
  if (error.status === 401 || (error.status === 403 && /User ".*" cannot /.test(error.message))) {
    return refusal(
      'cluster_unavailable',
      `jobhook lacks the permission to create a ${what}; its operator finds out more with: jobhook doctor`,
      { retryAfterSeconds },
    )
  }
  if (error.status === 403 && /being terminated/.test(error.message)) {
    return refusal('cluster_unavailable', 'the namespace is being deleted', { retryAfterSeconds })
  }
  if (error.status === 404) return refusal('cluster_unavailable', 'the namespace of the tasks does not exist', { retryAfterSeconds })
  if (error.status === 400 || error.status === 403 || error.status === 413 || error.status === 422) {
    return refusal('refused_by_cluster', `the cluster refused the ${what}: ${error.message}`)
  }
  return refusal('cluster_unavailable', 'the cluster cannot be reached', { retryAfterSeconds, cause: error.cause })
}
