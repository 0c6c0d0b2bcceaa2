// One step of the loop at a time, with a scripted receiver and scripted writes: what the tests of this folder look at.
import { createMessageBuilder, nextAttemptAtMs } from '../../src/callback/index.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { DeliveryResult, OwedMessage } from '../../src/model/callback.ts'
import type { JobView, TaskView } from '../../src/model/kube.ts'
import type { KubeResult } from '../../src/model/kube-api.ts'
import type { Outcome, Verdict } from '../../src/model/verdict.ts'
import { createMemory, createReconcile } from '../../src/reconcile/index.ts'
import { jobView } from '../support/job-view.ts'

export const NOW_MS = Date.parse('2026-11-24T03:00:00Z')
export const CALLBACK_URL = 'https://control.example/hooks/tasks'

export const completed: Verdict = {
  kind: 'completed',
  message: 'done',
  reason: null,
  retryable: null,
  phase: null,
  exitCode: 0,
  startedAt: '2026-11-24T02:59:00Z',
  finishedAt: '2026-11-24T02:59:30Z',
  output: null,
  detail: {},
}
export const failed: Verdict = {
  ...completed,
  kind: 'failed',
  reason: 'container_exit',
  retryable: false,
  phase: 'run',
  exitCode: 3,
  message: 'exit 3',
  detail: { container: 'task', pod: 'pod-1' },
}
export const cancelled: Verdict = { ...completed, kind: 'cancelled', reason: 'task_cancelled', exitCode: 143 }
export const ended = (verdict: Verdict, evidenceCanVanish = false): Outcome => ({
  kind: 'ended',
  verdict,
  evidenceCanVanish,
  startedMs: Date.parse('2026-11-24T02:59:00Z'),
})
export const live = (startedMs: number | null, wakeAtMs: number | null = null): Outcome => ({
  kind: 'live',
  state: 'running',
  startedMs,
  wakeAtMs,
  waitingFor: null,
})

export function job(annotations: Record<string, string> = {}): JobView {
  const own = { 'task-id': 't-1', 'execution-id': 'e-1', secret: 'task-t-1-abc-n0', ...annotations }
  return jobView({ createdMs: NOW_MS - 60_000, annotations: own })
}

/** A replica with a scripted receiver; everything it does, in order, is in `did`. `restart` is another replica on the same Job. */
export function world(options: {
  outcome: Outcome
  answers?: DeliveryResult[]
  callbackUrl?: string | null
  failWrites?: string[]
  /** So many records meet somebody else's write. */
  conflicts?: number
  metrics?: ReturnType<typeof createMetrics>
}) {
  const did: string[] = []
  const sent: OwedMessage[] = []
  const patches: { kind: string; patch: Record<string, Record<string, unknown>> }[] = []
  const answers = [...(options.answers ?? [])]
  const failWrites = [...(options.failWrites ?? [])]
  let conflicts = options.conflicts ?? 0
  const state = {
    outcome: options.outcome,
    nowMs: NOW_MS,
    live: null as Outcome | null,
    /** What a live read shows. */
    now: job(),
    apiAnswers: true,
    logTail: 'the end of the log',
    task: { job: job(), pods: [{ name: 'pod-1', gone: false, node: 'n1' }] } as unknown as TaskView,
  }
  const refuse = (what: string): { ok: false; error: never } | null => {
    if (failWrites[0] !== what) return null
    failWrites.shift()
    did.push(`${what} FAILED`)
    return {
      ok: false,
      error: { status: 500, reason: 'InternalError', message: 'etcd', retryAfterMs: null, retryable: true, outcomeUnknown: true } as never,
    }
  }
  const memory = createMemory()
  const replica = (own = createMemory()) =>
    createReconcile(
      {
        getTask: () => state.task,
        classify: () => state.outcome,
        stopper: {
          stop: async (_job, reason) => {
            did.push(`stop ${reason}`)
            return { kind: 'stopping', job: state.task.job }
          },
        },
        secondLook: {
          confirm: async (_task, outcome) => {
            did.push('look again')
            return state.live ?? outcome
          },
          findPods: async (task, outcome) => {
            did.push('find its Pods')
            return { task, outcome: state.live ?? outcome }
          },
        },
        endLeftPods: async () => {
          did.push('end its Pods')
          return state.apiAnswers ? 'done' : 'again'
        },
        messages: createMessageBuilder(),
        deliver: async (message) => {
          sent.push(message)
          did.push(`send ${message.type}`)
          return answers.shift() ?? { kind: 'acknowledged', status: 200 }
        },
        nextAttemptAtMs: (failures, id, nowMs, retryAfterMs) => nextAttemptAtMs([0, 5, 30], failures, id, nowMs, retryAfterMs),
        patchJob: async (_name, kind, patch): Promise<KubeResult<never>> => {
          const what = kind === 'strategic' ? 'close' : 'record'
          const refused = refuse(what)
          if (refused) return refused
          if (what === 'record' && conflicts-- > 0) {
            did.push('record CONFLICT')
            return { ok: false, error: { status: 409, reason: 'Conflict', message: 'modified', retryable: false } as never }
          }
          did.push(what)
          patches.push({ kind, patch: patch as never })
          return { ok: true, value: {} as never }
        },
        deleteSecret: async () => {
          const refused = refuse('secret')
          if (refused) return refused
          did.push('secret')
          return { ok: true, value: null }
        },
        readJob: async () => ({ ok: true, value: state.now }),
        complete: async (_task, verdict) => ({
          ...verdict,
          detail: { ...verdict.detail, ...(verdict.kind === 'failed' && state.logTail !== null ? { log_tail: state.logTail } : {}) },
        }),
        memory: own,
        clock: { now: () => state.nowMs, after: () => () => {} },
        log: createLog({ level: 'silent', workerId: 'w' }),
        metrics: options.metrics ?? createMetrics(),
        wake: () => {},
      },
      {
        workerId: 'w1',
        callbackUrl: options.callbackUrl === undefined ? CALLBACK_URL : options.callbackUrl,
        callbackTypes: ['task_started', 'task_completed', 'task_failed'],
        retentionSeconds: { success: 100, failure: 200, deadLetter: 300 },
      },
    )
  return { did, sent, patches, state, memory, replica, step: replica(memory) }
}

export const annotationOf = (patch: Record<string, Record<string, unknown>> | undefined, name: string): Record<string, unknown> =>
  JSON.parse(((patch?.metadata?.annotations ?? {}) as Record<string, string>)[`jobhook.dev/${name}`] ?? 'null')
