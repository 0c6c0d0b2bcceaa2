// Judges the demo, purely: what each task shows now, whether it got its expected verdict exactly once under one id, and the times in sum.
import type { State, TaskRecord, Verdict } from '../../../examples/control-plane/ledger.ts'
import type { Observed } from './observe.ts'
import type { DemoTask, Expectation } from './scenario.ts'

/** What is known of one task: the control plane's record of it and what was seen on the cluster. */
export interface Known {
  task: DemoTask
  record: TaskRecord | undefined
  observed: Observed | undefined
}

export type RowState = 'waiting' | 'sent' | 'refused' | 'accepted' | 'running' | 'ended' | 'reported'

export interface Row {
  id: string
  what: string
  state: RowState
  /** Assignment sent → answered 202: the Job is stored by then. */
  acceptMs: number | null
  /** Container seen running → seen ended, or until now. */
  ranMs: number | null
  /** Container seen ended → verified verdict callback. */
  reportMs: number | null
  verdict: string
  /** Whether the verdict is the expected one; null while there is none. */
  good: boolean | null
}

export function known(scenario: readonly DemoTask[], state: State, observed: (taskId: string) => Observed | undefined): Known[] {
  return scenario.map((task) => ({ task, record: state.tasks.find((record) => record.task_id === task.id), observed: observed(task.id) }))
}

export function rowOf({ task, record, observed }: Known, nowMs: number): Row {
  const verdict = record?.verdict ?? null
  const { runningMs = null, endedMs = null } = observed ?? {}
  return {
    id: task.id,
    what: task.what,
    state: stateOf(record, observed),
    acceptMs: record?.accepted ? record.accepted.answered_ms - record.accepted.sent_ms : null,
    ranMs: runningMs === null ? null : (endedMs ?? verdict?.received_ms ?? nowMs) - runningMs,
    reportMs: verdict && endedMs !== null ? Math.max(verdict.received_ms - endedMs, 0) : null,
    verdict: verdict ? describeVerdict(verdict) : (record?.refused?.detail ?? ''),
    good: verdict ? matches(verdict, task.expected) : record?.refused ? false : null,
  }
}

function stateOf(record: TaskRecord | undefined, observed: Observed | undefined): RowState {
  if (!record?.sent_ms) return 'waiting'
  if (record.verdict) return 'reported'
  if (!record.accepted) return record.refused ? 'refused' : 'sent'
  if (observed?.endedMs) return 'ended'
  return record.started || observed?.runningMs ? 'running' : 'accepted'
}

/** Nothing more will come: each task is refused, or reported and let go of by jobhook. */
export function settled(all: readonly Known[]): boolean {
  return all.every(({ record, observed }) => (record?.verdict ? (observed?.closed ?? false) : Boolean(record?.refused && !record.accepted)))
}

/** What is wrong with a task's outcome, in words; null when it is exactly as promised. */
export function fault({ task, record, observed }: Known): string | null {
  if (!record?.accepted) return record?.refused ? `was refused: ${record.refused.status} ${record.refused.detail}` : 'was never accepted'
  if (!record.verdict) return `got no verdict (expected ${describeExpectation(task.expected)})`
  if (!matches(record.verdict, task.expected)) {
    return `got ${describeVerdict(record.verdict)} (expected ${describeExpectation(task.expected)}): ${record.verdict.message}`
  }
  const verdicts = record.deliveries.filter((delivery) => delivery.type !== 'task_started')
  const ids = new Set(verdicts.map((delivery) => delivery.webhook_id))
  if (ids.size !== 1) return `got verdicts under ${ids.size} ids: ${[...ids].join(', ')}`
  if (task.twist === 'loses_first_answer' && verdicts.length < 2)
    return 'was reported only once, although the first report was answered 500'
  if (task.twist === 'redeliver' && record.repeats_recognised === 0) return 'was delivered twice, but the repeat was not recognised'
  if (record.started && record.started.received_ms > record.verdict.received_ms) return 'was reported as started after its verdict'
  if (observed && observed.jobs.size !== 1) return `has ${observed.jobs.size} Jobs`
  return null
}

export interface Summary {
  counts: Record<Verdict['kind'], number>
  verdictIds: number
  deliveries: number
  repeats: number
  acceptMs: Percentiles | null
  reportMs: Percentiles | null
  faults: { id: string; what: string; fault: string }[]
}

export interface Percentiles {
  count: number
  p50: number
  p99: number
}

export function summarise(all: readonly Known[]): Summary {
  const counts = { completed: 0, failed: 0, cancelled: 0 }
  for (const { record } of all) if (record?.verdict) counts[record.verdict.kind] += 1
  const deliveries = all.flatMap(({ record }) => record?.deliveries ?? []).filter((delivery) => delivery.type !== 'task_started')
  const rows = all.map((each) => rowOf(each, 0))
  return {
    counts,
    verdictIds: new Set(deliveries.map((delivery) => delivery.webhook_id)).size,
    deliveries: deliveries.length,
    repeats: deliveries.filter((delivery) => delivery.repeat).length,
    acceptMs: percentiles(rows.flatMap((row) => row.acceptMs ?? [])),
    reportMs: percentiles(rows.flatMap((row) => row.reportMs ?? [])),
    faults: all.flatMap((each) => {
      const found = fault(each)
      return found ? [{ id: each.task.id, what: each.task.what, fault: found }] : []
    }),
  }
}

/** By nearest rank: always a value that was measured. */
export function percentiles(values: readonly number[]): Percentiles | null {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (percent: number): number => sorted[Math.max(Math.ceil((percent / 100) * sorted.length) - 1, 0)] ?? 0
  return sorted.length === 0 ? null : { count: sorted.length, p50: at(50), p99: at(99) }
}

function matches(verdict: Verdict, expected: Expectation): boolean {
  if (verdict.kind !== expected.kind) return false
  if (expected.reason !== undefined && verdict.failure_reason !== expected.reason) return false
  return expected.exitCode === undefined || verdict.exit_code === expected.exitCode
}

function describeVerdict(verdict: Verdict): string {
  return describe(verdict.kind, verdict.failure_reason, verdict.kind === 'failed' ? verdict.exit_code : null)
}

function describeExpectation(expected: Expectation): string {
  return describe(expected.kind, expected.reason ?? null, expected.kind === 'failed' ? (expected.exitCode ?? null) : null)
}

function describe(kind: string, reason: string | null, exitCode: number | null): string {
  return [kind, reason, exitCode === null ? null : `(${exitCode})`].filter((part) => part !== null).join(' ')
}
