// A task whose container runs, or has ended while the Pod goes on.
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { Evidence } from './evidence.ts'
import type { OutcomeOptions } from './options.ts'
import { sidecarMessage } from './stopped.ts'

/** Native sidecars are ended by the kubelet, with a grace period of their own, after everything else has ended. */
const KUBELET_SLACK_SECONDS = 60

/** Seconds a task may run: its own wish, within the operator's limit. */
export function runLimit(job: JobView, { deadlines }: OutcomeOptions): { seconds: number; own: boolean } {
  const wished = Number(job.annotations[ANNOTATIONS.timeoutSeconds])
  const own = Number.isFinite(wished) && wished > 0 && wished <= deadlines.runSeconds
  return { seconds: own ? wished : deadlines.runSeconds, own }
}

export function timeoutMessage({ seconds, own }: { seconds: number; own: boolean }): string {
  return `the task ran longer than ${seconds} s (${own ? 'its timeout_seconds' : 'the operator’s deadlines.run'})`
}

/** The task's container has ended, others have not: when they must have, and what is said if they have not. */
export function waitForOthers(
  seen: Evidence,
  finishedMs: number,
  { deadlines }: OutcomeOptions,
): { for: string; dueMs: number; message: string } {
  const running = seen.pod?.containers.filter(({ role, state }) => role !== 'task' && state?.kind !== 'terminated') ?? []
  const others = running.filter(({ role }) => role === 'other').map(({ name }) => name)
  const natives = running.filter(({ role }) => role === 'sidecar').map(({ name }) => name)
  const seconds = deadlines.sidecarGraceSeconds + (others.length > 0 ? 0 : KUBELET_SLACK_SECONDS)
  const names = others.length > 0 ? others : natives.length > 0 ? natives : ['the Pod']
  return {
    for: `${names.join(', ')} to end, after the task’s container has`,
    dueMs: finishedMs + seconds * 1000,
    message: sidecarMessage(seen, names, seconds),
  }
}
