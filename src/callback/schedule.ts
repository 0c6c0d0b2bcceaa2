// When the next attempt is due. Pure; jitter is derived from the message id, so that every replica and restart computes the same time.
import { createHash } from 'node:crypto'

/** Gaps before each attempt in seconds (27 h 35 min in all), as Standard Webhooks' senders commonly space them. */
export const DEFAULT_SCHEDULE_SECONDS = [0, 5, 30, 300, 1_800, 7_200, 18_000, 36_000, 36_000] as const

const JITTER = 0.2

/**
 * After `failures` recorded failed attempts: when to try again (epoch ms), or null when the schedule is used up (dead letter).
 * Counted from now, not from the first attempt: an outage of ours uses up no attempt.
 */
export function nextAttemptAtMs(
  schedule: readonly number[],
  failures: number,
  messageId: string,
  nowMs: number,
  retryAfterMs: number | null,
): number | null {
  const gapSeconds = schedule[failures]
  if (gapSeconds === undefined) return null
  const gapMs = gapSeconds * 1000 * jitterFactor(messageId, failures)
  return Math.round(nowMs + Math.max(gapMs, retryAfterMs ?? 0))
}

/** 0.8 to 1.2, the same for the same message and attempt. */
export function jitterFactor(messageId: string, failures: number): number {
  const fraction = createHash('sha256').update(`${messageId}#${failures}`).digest().readUInt32BE(0) / 2 ** 32
  return 1 - JITTER + 2 * JITTER * fraction
}
