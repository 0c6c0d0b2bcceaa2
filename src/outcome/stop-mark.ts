// The annotation jobhook.dev/stop: why and when we stopped a task. Written in the same patch that stops it, read back by any replica.
import type { DeliveryRecord } from '../model/callback.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, StopMark } from '../model/kube.ts'

/** Only a reason to stop, never a verdict: the verdict is then the task container's own. */
export const SIDECAR_GRACE = 'sidecar_grace'

/** What a reason looks like, also one that a newer jobhook knows and this one does not. */
const WORD = /^[a-z][a-z_]{0,40}$/

const CLOSED: ReadonlySet<string> = new Set<DeliveryRecord['state']>(['delivered', 'gone', 'dead', 'none'])

export function stopMarkJson(reason: string, atMs: number, message: string | null): string {
  return JSON.stringify({ reason, at: new Date(atMs).toISOString(), ...(message === null ? {} : { message }) })
}

/**
 * Null only when there is no mark. One that cannot be read (somebody edited it) still says that the task was stopped: for an unknown reason,
 * at an unknown time, which is Infinity: then only the Pod's own deletion says what came first.
 */
export function readStopMark(job: JobView): StopMark | null {
  const text = job.annotations[ANNOTATIONS.stop]
  if (text === undefined) return null
  const mark = parseObject(text)
  const atMs = typeof mark?.at === 'string' ? Date.parse(mark.at) : Number.NaN
  return {
    reason: typeof mark?.reason === 'string' && WORD.test(mark.reason) ? mark.reason : 'unknown',
    atMs: Number.isNaN(atMs) ? Number.POSITIVE_INFINITY : atMs,
    message: typeof mark?.message === 'string' && mark.message !== '' ? mark.message : null,
  }
}

/** Nothing is owed for this task any more. */
export function isClosed(job: JobView): boolean {
  const state = parseObject(job.annotations[ANNOTATIONS.delivery])?.state
  return typeof state === 'string' && CLOSED.has(state)
}

/** When the control plane acknowledged the verdict, RFC 3339; null when it has not. */
export function reportedAt(job: JobView): string | null {
  const at = parseObject(job.annotations[ANNOTATIONS.delivery])?.reported_at
  return typeof at === 'string' ? at : null
}

export function parseObject(text: string | undefined): Record<string, unknown> | null {
  if (text === undefined) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
