// Builds a verdict from a reason and the evidence: message, times, output, detail. No decision is taken here.
import { TEARDOWN_NOTE } from '../model/pod-settings.ts'
import { reasonOf } from '../model/reasons.ts'
import type { Verdict, VerdictDetail } from '../model/verdict.ts'
import type { Evidence } from './evidence.ts'
import { isRetryable } from './retryable.ts'
import { describeExit, exitCodeOf, signalOf } from './signals.ts'
import { parseObject } from './stop-mark.ts'

export interface Finding {
  /** failure_reason; null when completed. */
  reason: string | null
  /** What happened and where, full sentences, without the remedy. */
  what: string
  /** Kubernetes' own word for it. */
  cause?: string
  /** Kubernetes' own text, for what the reason alone does not say. */
  text?: string
  /** The container it is about, when it is not the task's. */
  container?: string
  /** Where not that of the task's container. */
  exitCode?: number | null
  finishedMs?: number | null
  /** False when the Pod's end could not be seen. */
  stopped?: false
  detail?: VerdictDetail
}

/** The kubelet cuts it to this length too (terminationMessagePath); a longer one is no output of ours. */
const OUTPUT_LIMIT_BYTES = 4_096
const TEXT_LIMIT = 400

export function compose(seen: Evidence, kind: Verdict['kind'], finding: Finding): Verdict {
  const { pod, end } = seen
  const exitCode = finding.exitCode !== undefined ? finding.exitCode : end ? exitCodeOf(end) : null
  const finishedMs = finding.finishedMs !== undefined ? finding.finishedMs : (end?.finishedMs ?? null)
  const reason = finding.reason === null ? null : reasonOf(finding.reason)
  const teardown = teardownExitCode(end?.message ?? '')
  const signal = exitCode === null ? null : signalOf(exitCode)
  return {
    kind,
    message: [
      finding.what,
      kind === 'failed' ? reason?.remedy : undefined,
      teardown === null ? undefined : `The teardown command ended with exit code ${teardown}.`,
    ]
      .filter((sentence) => sentence !== undefined && sentence !== '')
      .join(' '),
    reason: finding.reason,
    retryable: finding.reason === null ? null : isRetryable(finding.reason, `${finding.cause ?? ''} ${finding.text ?? ''}`),
    phase: phaseOf(seen, finding.reason),
    exitCode,
    startedAt: isoOf(seen.startedMs),
    finishedAt: isoOf(finishedMs),
    // Of a cancelled task it is sent to nobody, so it is kept nowhere either.
    output: kind === 'cancelled' ? null : outputOf(end?.message ?? ''),
    detail: {
      container: finding.container ?? seen.main?.name ?? 'task',
      ...(pod ? { pod: pod.name } : {}),
      ...(pod?.node ? { node: pod.node } : {}),
      ...(finding.cause ? { cause: finding.cause } : {}),
      ...(signal === null ? {} : { signal }),
      ...(finding.stopped === false ? { stopped: false } : {}),
      ...(teardown === null ? {} : { teardown_exit_code: teardown }),
      ...finding.detail,
    },
  }
}

/** “… ended with exit code 143 (SIGTERM)”, or that it is not known. */
export function describeEnd({ end, startedMs, pod }: Evidence): string {
  if (end && startedMs !== null) return `Its container ended with ${describeExit(exitCodeOf(end))}.`
  if (startedMs !== null) return 'Its exit code could not be known.'
  return pod ? 'Its container had not started.' : 'It had no Pod.'
}

/** A text of Kubernetes as part of a sentence: one line, not endless, without its own full stop. */
export function quote(text: string): string {
  const line = text
    .slice(0, 4 * TEXT_LIMIT)
    .replace(/\s+/g, ' ')
    .replace(/[. ]+$/, '')
    .trim()
  return line.length > TEXT_LIMIT ? `${line.slice(0, TEXT_LIMIT)}…` : line
}

export function isoOf(ms: number | null): string | null {
  return ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString()
}

/** Reasons that can hit a task at any time tell by its container how far it was. */
const ANY_TIME: ReadonlySet<string> = new Set(['task_cancelled', 'deleted', 'evicted', 'preempted', 'node_shutdown', 'node_lost'])

function phaseOf({ startedMs, end }: Evidence, reason: string | null): Verdict['phase'] {
  if (reason === null) return null
  if (ANY_TIME.has(reason) && startedMs === null && !end) return 'pend'
  return reasonOf(reason)?.phase ?? 'run'
}

function outputOf(message: string): Record<string, unknown> | null {
  const note = message.lastIndexOf(TEARDOWN_NOTE)
  const text = (note < 0 ? message : message.slice(0, note)).trim()
  if (!text.startsWith('{') || Buffer.byteLength(text) > OUTPUT_LIMIT_BYTES) return null
  return parseObject(text)
}

function teardownExitCode(message: string): number | null {
  const note = message.lastIndexOf(TEARDOWN_NOTE)
  if (note < 0) return null
  const code = Number.parseInt(message.slice(note + TEARDOWN_NOTE.length), 10)
  return Number.isNaN(code) ? null : code
}
