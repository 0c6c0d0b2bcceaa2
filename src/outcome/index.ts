// What became of a task, and what it waits for: pure decisions on what Kubernetes says of its Job and Pods. No clock, no network, no Events needed.

export { classify } from './classify.ts'
export type { OutcomeHint, OutcomeOptions } from './options.ts'
export { terminationReason } from './pod-verdict.ts'
export { exitCodeOf, signalName } from './signals.ts'
export { type TaskTimes, taskState } from './state.ts'
export { isClosed, readStopMark, SIDECAR_GRACE, stopMarkJson } from './stop-mark.ts'
