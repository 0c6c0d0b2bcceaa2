// Accepting a task: the one use case behind webhook, REST, long poll and socket. The Secret first, then the Job: the Job is the commit point.
// The Job's name follows from worker, task and execution, so creating it twice is AlreadyExists, whoever tries, however often.
import type { Actor, Audit } from '../lib/audit.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type Tracer, traced, traceField } from '../lib/trace.ts'
import type { Assignment, TaskIdentity } from '../model/assignment.ts'
import { ANNOTATIONS, SCHEMA_VERSION } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import { type FieldError, type Refusal, refusal } from '../model/problem.ts'
import { annotationsOf } from '../model/project.ts'
import type { Admission } from './admission.ts'
import { invalid } from './parse.ts'
import { refusedBy } from './refused.ts'

export interface SubmitContext {
  via: 'webhook' | 'rest' | 'poll' | 'socket'
  traceparent: string | null
  by: Actor
}

/** What is known of a task whose Job is gone: that it finished, how, and whether this is the same request. */
export interface FinishedTask {
  digest: string
  schema: string
  kind: 'completed' | 'failed' | 'cancelled'
  closedSeconds: number
}

/** What a Job says of its task: the one in the cluster, or the one that we have just made. */
type TaskJob = Pick<JobView, 'name' | 'annotations'>

type Created = { ok: true; job: TaskJob; duplicate: boolean; identity: TaskIdentity } | { ok: false; refusal: Refusal }

export type Submitted =
  | Created
  /** Done before, and cleaned up since. */
  | { ok: true; job: { name: string }; duplicate: true; identity: TaskIdentity; finished: FinishedTask }
export type Submit = (assignment: Assignment, context: SubmitContext) => Promise<Submitted>

/** What jobspec makes of an assignment, as far as submit cares. */
export type Build = (
  assignment: Assignment,
  context: { jobName: string; nonce: string; callbackUrl: string | null; traceparent: string | null },
) =>
  | {
      ok: true
      job: { metadata?: { annotations?: Record<string, string> } }
      secret: { metadata?: { name?: string } } | null
      warnings: string[]
    }
  | { ok: false; errors: FieldError[] }

export interface SubmitDeps {
  workerId: string
  build: Build
  jobName: (identity: TaskIdentity) => string
  digests: (assignment: Assignment) => Record<string, string>
  differingFields: (stored: Record<string, string>, storedSchema: string, current: Record<string, string>) => string[]
  /** null: this URL may be used; else why not. */
  callbackUrlProblem: (url: string) => string | null
  /** The Job as the cache knows it, or null. */
  cached: (name: string) => JobView | null
  /** A task that finished, also when its Job is gone; null: not known. */
  finished: (name: string) => Promise<FinishedTask | null>
  /** One digest over those of all fields, as `finished` has it. */
  digestSummary: (digests: Record<string, string>) => string
  createSecret: (secret: unknown) => Promise<KubeResult<unknown>>
  deleteSecret: (name: string) => Promise<KubeResult<null>>
  createJob: (job: unknown) => Promise<KubeResult<unknown>>
  getJob: (name: string) => Promise<KubeResult<KubeObject>>
  projectJob: (raw: unknown) => JobView
  /** Whether one more task may be taken now. */
  admission: Pick<Admission, 'reserve' | 'pressed'>
  tracer: Tracer
  nonce: () => string
  audit: Audit
  clock: Clock
  log: Logger
  metrics: Metrics
}

export function createSubmit(deps: SubmitDeps): Submit {
  /** Submissions under way by Job name: the same assignment at the same instant waits for the first instead of racing it. */
  const underWay = new Map<string, Promise<Created>>()

  async function submit(assignment: Assignment, context: SubmitContext): Promise<Submitted> {
    const started = performance.now()
    const identity: TaskIdentity = {
      workerId: deps.workerId,
      taskId: assignment.task_id,
      executionId: assignment.execution_id ?? assignment.task_id,
    }
    const problems = unpaired(assignment, '/data')
    const urlProblem = assignment.callback_url === undefined ? null : deps.callbackUrlProblem(assignment.callback_url)
    if (urlProblem) problems.push({ pointer: '/data/callback_url', detail: urlProblem })
    if (problems.length > 0) return counted(invalid(problems), identity, context, started)

    const name = deps.jobName(identity)
    const finished = deps.cached(name) ? null : await deps.finished(name)
    if (finished) return counted(compareFinished(name, finished, assignment, identity), identity, context, started)
    const first = underWay.get(name)
    if (first) {
      const result = await first
      if (result.ok) return counted(compare(result.job, assignment, identity), identity, context, started)
    }
    const attempt = create(name, assignment, identity, context)
    underWay.set(name, attempt)
    try {
      return counted(await attempt, identity, context, started)
    } finally {
      if (underWay.get(name) === attempt) underWay.delete(name)
    }
  }

  async function create(name: string, assignment: Assignment, identity: TaskIdentity, context: SubmitContext): Promise<Created> {
    const known = deps.cached(name)
    if (known) return compare(known, assignment, identity)
    const admitted = deps.admission.reserve(name)
    if (!admitted.ok) return admitted
    // Whether a Job of this name exists or may exist: such a task keeps its place.
    let mayExist = false
    try {
      const made = await make()
      if (!made.ok && (made.refusal.code === 'cluster_busy' || made.refusal.code === 'quota_exceeded')) deps.admission.pressed(made.refusal)
      return made
    } finally {
      admitted.place.settle(mayExist)
    }

    /** A write to the cluster, as a span of its own. */
    function write<T>(span: string, call: () => Promise<KubeResult<T>>): Promise<KubeResult<T>> {
      const about = { parent: context.traceparent, kind: 'client', attributes: { 'k8s.job.name': name } } as const
      return traced(deps.tracer, span, about, call, (result) => (result.ok ? '' : result.error.reason))
    }

    async function make(): Promise<Created> {
      const built = deps.build(assignment, {
        jobName: name,
        nonce: deps.nonce(),
        callbackUrl: assignment.callback_url ?? null,
        traceparent: context.traceparent,
      })
      if (!built.ok) return invalid(built.errors)
      if (built.secret) {
        const { secret: manifest } = built
        const secret = await write('create Secret', () => deps.createSecret(manifest))
        // AlreadyExists under our own nonce: an earlier try of this very request went through.
        if (!secret.ok && secret.error.status !== 409) return { ok: false, refusal: refusedBy(secret.error, 'Secret') }
      }
      const created = await write('create Job', () => deps.createJob(built.job))
      mayExist = created.ok || created.error.status === 409 || created.error.outcomeUnknown
      if (created.ok)
        return { ok: true, job: { name, annotations: annotationsOf(built.job.metadata?.annotations) }, duplicate: false, identity }
      const { error } = created
      if (error.status === 409) return adopt(name, built.secret?.metadata?.name ?? null, assignment, identity)
      // A definite no: nothing will ever name this Secret. An unknown outcome deletes nothing; the sweeper looks later.
      if (!error.outcomeUnknown && built.secret) await dropSecret(built.secret.metadata?.name ?? '')
      return { ok: false, refusal: refusedBy(error, 'Job') }
    }
  }

  /** The Job exists. If it names our Secret it is ours after all (a retried create); else another delivery was first and our Secret goes. */
  async function adopt(name: string, ownSecret: string | null, assignment: Assignment, identity: TaskIdentity): Promise<Created> {
    const live = await deps.getJob(name)
    if (!live.ok) {
      return {
        ok: false,
        refusal: refusal('outcome_unknown', 'the task exists but cannot be read now; send it again', {
          retryAfterSeconds: 5,
          cause: live.error.cause,
        }),
      }
    }
    const job = deps.projectJob(live.value)
    if (ownSecret && job.annotations[ANNOTATIONS.secret] === ownSecret) return { ok: true, job, duplicate: false, identity }
    if (ownSecret) await dropSecret(ownSecret)
    return compare(job, assignment, identity)
  }

  function compareFinished(name: string, finished: FinishedTask, assignment: Assignment, identity: TaskIdentity): Submitted {
    const same = finished.schema !== SCHEMA_VERSION || finished.digest === deps.digestSummary(deps.digests(assignment))
    if (same) return { ok: true, job: { name }, duplicate: true, identity, finished }
    const { taskId, executionId } = identity
    return {
      ok: false,
      refusal: refusal(
        'conflict',
        `task ${JSON.stringify(taskId)}, execution ${JSON.stringify(executionId)} was accepted with other content and has finished: send a new execution_id for a new run`,
      ),
    }
  }

  function compare(job: TaskJob, assignment: Assignment, identity: TaskIdentity): Created {
    const { taskId, executionId } = identity
    if (job.annotations[ANNOTATIONS.taskId] !== taskId || job.annotations[ANNOTATIONS.executionId] !== executionId) {
      return {
        ok: false,
        refusal: refusal('conflict', `a Job named ${job.name} exists that jobhook did not make for this task: rename or delete it`),
      }
    }
    const differing = deps.differingFields(storedDigests(job), job.annotations[ANNOTATIONS.schema] ?? '', deps.digests(assignment))
    if (differing.length === 0) return { ok: true, job, duplicate: true, identity }
    const errors = differing.map((field) => ({ pointer: `/data/${field}`, detail: 'differs from what was accepted first' }))
    return {
      ok: false,
      refusal: refusal(
        'conflict',
        `task ${JSON.stringify(taskId)}, execution ${JSON.stringify(executionId)} was accepted with another ${differing.join(', ')}: send a new execution_id for a new run`,
        { errors },
      ),
    }
  }

  async function dropSecret(name: string): Promise<void> {
    const deleted = await deps.deleteSecret(name)
    if (!deleted.ok)
      deps.log.warn({ secret: name, cause: deleted.error.message }, 'a Secret that is not needed could not be deleted; the sweeper will')
  }

  function counted(result: Submitted, identity: TaskIdentity, context: SubmitContext, started: number): Submitted {
    const word = result.ok ? (result.duplicate ? 'duplicate' : 'claimed') : result.refusal.code
    deps.metrics.submissions.inc({ via: context.via, result: word })
    if (result.ok && !result.duplicate) deps.metrics.submitSeconds.observe((performance.now() - started) / 1000)
    const fields = {
      task_id: identity.taskId,
      execution_id: identity.executionId,
      via: context.via,
      result: word,
      ...traceField(context.traceparent),
    }
    if (result.ok && !result.duplicate)
      deps.audit({
        ...context.by,
        action: 'submit',
        via: context.via,
        task_id: identity.taskId,
        execution_id: identity.executionId,
        job: result.job.name,
      })
    if (result.ok) deps.log.info({ ...fields, job: result.job.name }, 'assignment accepted')
    else deps.log.warn({ ...fields, detail: result.refusal.detail }, 'assignment refused')
    return result
  }

  return (assignment, context) =>
    traced(
      deps.tracer,
      'submit',
      { parent: context.traceparent, attributes: { 'jobhook.via': context.via, 'jobhook.task_id': assignment.task_id } },
      (traceparent) => submit(assignment, { ...context, traceparent }),
      (result) => (result.ok ? '' : result.refusal.code),
    )
}

/** Strings with lone surrogates cannot be written as UTF-8, so they could never reach the cluster as they are. */
function unpaired(value: unknown, pointer: string): FieldError[] {
  if (wellFormed(value)) return []
  if (typeof value === 'string') return [{ pointer, detail: 'has a lone surrogate, which is no character: send well-formed Unicode' }]
  return Object.entries(value as object).flatMap(([key, member]) =>
    key.isWellFormed()
      ? unpaired(member, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      : [{ pointer, detail: 'has a key with a lone surrogate, which is no character' }],
  )
}

/** Whether every string and key is; where one is not is only looked for then. */
function wellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed() || !wellFormed((value as Record<string, unknown>)[key])) return false
  }
  return true
}

function storedDigests(job: TaskJob): Record<string, string> {
  try {
    return JSON.parse(job.annotations[ANNOTATIONS.digest] ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}
