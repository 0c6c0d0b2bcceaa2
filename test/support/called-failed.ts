// What the Job controller was seen to say of a Job whose Pod it has lost sight of: its last word, while the Pod runs on.

/** A patch of the status of a running Job (`kubectl patch job NAME --subresource=status -p …`). */
export function calledFailed(): string {
  const word = { status: 'True', reason: 'BackoffLimitExceeded', message: 'planted', lastTransitionTime: new Date().toISOString() }
  const conditions = ['FailureTarget', 'Failed'].map((type) => ({ type, ...word }))
  return JSON.stringify({ status: { active: 0, ready: 0, terminating: 0, failed: 1, conditions } })
}
