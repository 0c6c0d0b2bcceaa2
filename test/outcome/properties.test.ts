// What must hold whatever happens: late, repeated and lost events end in the same verdict, no verdict ever changes, none comes while something
// still runs, and no state of the world, however odd, is without an answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { reasonOf } from '../../src/model/reasons.ts'
import type { Verdict } from '../../src/model/verdict.ts'
import { classify, type OutcomeOptions, SIDECAR_GRACE } from '../../src/outcome/index.ts'
import {
  COMPLETE,
  condition,
  deadlines,
  disrupted,
  exited,
  FAILED,
  type JobSketch,
  line,
  lost,
  ms,
  PAST_DEADLINE,
  type PodSketch,
  running,
  scheduled,
  startError,
  taskOf,
  unschedulable,
  waiting,
} from './raw.ts'
import { type Cache, hear, type Life, lifeOf, type Script, START_MS, viewOf, type Watch } from './world.ts'

const OPTIONS: OutcomeOptions = { deadlines }
const RUNS = Number(process.env.JOBHOOK_PROPERTY_RUNS ?? 1500)

const span = (max: number) => fc.integer({ min: 0, max })
const script: fc.Arbitrary<Script> = fc.record({
  create: span(3_000),
  schedule: span(3_000),
  prepare: span(4_000),
  run: span(15_000),
  end: fc.constantFrom('exit', 'exit', 'exit', 'oom', 'start', 'setup', 'evicted'),
  exitCode: fc.constantFrom(0, 0, 0, 1, 3, 137, 143, 255),
  kubeletLag: span(900),
  controllerLag: span(15_000),
  stop: fc.option(
    fc.record({
      reason: fc.constantFrom('task_cancelled', 'task_timeout', 'deleted'),
      afterMs: span(30_000),
      politeExit: fc.constantFrom(0, 143, 137),
      takesMs: span(5_000),
    }),
  ),
})
const watch: fc.Arbitrary<Watch> = fc.record({
  delays: fc.array(span(4_000), { minLength: 1, maxLength: 5 }),
  repeats: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  brokenAtMs: span(30_000),
  brokenForMs: fc.constantFrom(0, 0, 2_000, 10_000, 25_000),
})

interface First {
  verdict: Verdict
  line: string
  stored: boolean
}

/**
 * Lives one life in front of a cache; asks after everything it hears and two minutes after the end. What is said first is what counts, as in the
 * reconcile loop. `changes`: what would have been said differently later, by a replica that had heard more.
 */
function live(life: Life, watches: { job: Watch; pod: Watch }): { verdict: Verdict; changes: string[] } {
  const cache: Cache = { job: null, pod: null }
  const heard = hear(life, watches)
  const changes: string[] = []
  let first: First | null = null
  const ask = (nowMs: number): void => {
    const task = viewOf(cache)
    if (!task || first?.stored) return
    const outcome = classify(task, OPTIONS, nowMs)
    assert.notEqual(outcome.kind, 'stop', `a task without fault was stopped: ${line(outcome)}`)
    if (outcome.kind !== 'ended') return
    assert.ok(nowMs >= life.quietMs, 'a verdict while the container still ran')
    const said = line({ ...outcome, evidenceCanVanish: false })
    first ??= { verdict: outcome.verdict, line: said, stored: outcome.evidenceCanVanish }
    if (said !== first.line) changes.push(`${first.line}, then ${said}`)
  }
  for (const { atMs, apply } of heard) {
    apply(cache)
    ask(atMs)
  }
  ask((heard.at(-1)?.atMs ?? START_MS) + 120_000)
  const said = first as First | null
  assert.ok(said, 'no verdict at the end')
  return { verdict: said.verdict, changes }
}

function assertSaid(verdict: Verdict, { kind, reason, or }: Life, allowOther: boolean): void {
  const other = allowOther && or !== undefined && verdict.kind === or.kind && verdict.reason === or.reason
  if (!other) assert.deepEqual([verdict.kind, verdict.reason], [kind, reason])
}

const PROMPT: Watch = { delays: [0], repeats: [false], brokenAtMs: 0, brokenForMs: 0 }

test('a life that is watched without any loss ends in its verdict', () => {
  fc.assert(
    fc.property(script, (plan) => {
      const life = lifeOf(plan)
      const { verdict } = live(life, { job: PROMPT, pod: PROMPT })
      assertSaid(verdict, life, false)
      assert.equal(verdict.exitCode, life.exitCode)
    }),
    { numRuns: RUNS },
  )
})

test('any delay, repetition or loss of events ends in the same type and reason; at most the exit code is lost', () => {
  fc.assert(
    fc.property(script, watch, watch, (plan, job, pod) => {
      const life = lifeOf(plan)
      const { verdict, changes } = live(life, { job, pod })
      assertSaid(verdict, life, true)
      assert.ok(verdict.exitCode === life.exitCode || (verdict.exitCode === null && plan.stop !== null), `exit code ${verdict.exitCode}`)
      assert.deepEqual(changes, [])
    }),
    { numRuns: RUNS },
  )
})

test('a replica that starts only at the end says the same as one that saw it all', () => {
  fc.assert(
    fc.property(script, (plan) => {
      const life = lifeOf(plan)
      const job = life.versions.findLast((version) => version.job)?.job ?? {}
      const pod = life.versions.findLast((version) => version.pod)?.pod
      const outcome = classify(taskOf(job, ...(pod && !pod.gone ? [pod] : [])), OPTIONS, START_MS + 300_000)
      assert.ok(outcome.kind === 'ended')
      assertSaid(outcome.verdict, life, true)
    }),
    { numRuns: RUNS },
  )
})

// Any state that the API could show, sense or nonsense.
const containerState = fc.constantFrom(
  null,
  {},
  waiting(''),
  waiting('ContainerCreating'),
  waiting('PodInitializing'),
  waiting('ErrImagePull', 'not found'),
  waiting('ImagePullBackOff', 'connection refused'),
  waiting('InvalidImageName'),
  waiting('CreateContainerConfigError', 'secret not found'),
  waiting('CrashLoopBackOff'),
  waiting('QuantumFlux'),
  running(),
  { running: {} },
  exited(0),
  exited(0, 'OOMKilled'),
  exited(7),
  exited(137, 'OOMKilled'),
  exited(143, 'Error', '12:00:32'),
  startError('nope'),
  lost,
)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const podSketch: fc.Arbitrary<PodSketch> = fc
  .record({
    phase: fc.constantFrom('', 'Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
    task: containerState,
    init: maybe(fc.dictionary(fc.constantFrom('setup', 'copy-sidecar-0', 'wait', '*proxy'), containerState)),
    others: maybe(fc.dictionary(fc.constantFrom('helper'), containerState)),
    conditions: fc.subarray([
      scheduled,
      unschedulable,
      disrupted('TerminationByKubelet'),
      disrupted('EvictionByEvictionAPI'),
      condition('PodReadyToStartContainers', 'False', '12:00:02'),
    ]),
    reason: maybe(fc.constantFrom('Evicted', 'Terminated', 'NodeShutdown', 'OutOfcpu', 'DeadlineExceeded', 'Odd')),
    node: fc.constantFrom('n1', null),
    nominated: maybe(fc.constant('n2')),
    deleted: maybe(fc.constantFrom('12:00:20', '12:00:30')),
    grace: fc.constantFrom(0, 30),
    gone: fc.boolean(),
  })
  .map(clean)
const jobSketch: fc.Arbitrary<JobSketch> = fc
  .record({
    stop: maybe(
      fc.tuple(
        fc.constantFrom('task_cancelled', 'task_timeout', SIDECAR_GRACE, 'image_pull', 'newer_word'),
        fc.constantFrom('12:00:10', '12:00:30.500'),
      ),
    ),
    annotations: maybe(fc.constant({ 'jobhook.dev/timeout-seconds': '20' })),
    labels: maybe(fc.constant({ 'kueue.x-k8s.io/queue-name': 'q' })),
    deleted: maybe(fc.constant('12:00:25')),
    suspended: fc.boolean(),
    retriesDisruption: fc.boolean(),
    managedBy: maybe(fc.constant('other')),
    started: fc.constantFrom('12:00:00', null),
    says: fc.constantFrom(
      [],
      [],
      [COMPLETE],
      [FAILED],
      [PAST_DEADLINE],
      [['FailureTarget', 'DeadlineExceeded']],
      [['SuccessCriteriaMet', 'CompletionsReached']],
    ),
    active: maybe(fc.constant(1)),
    failed: maybe(fc.constant(1)),
    succeeded: maybe(fc.constant(1)),
  })
  .map((sketch) => clean(sketch) as unknown as JobSketch)
const moment = fc.constantFrom('12:00:31', '12:00:45', '12:01:30', '12:12:00', '13:00:00', '23:00:00')

function clean<T extends object>(sketch: T): { [K in keyof T]: Exclude<T[K], undefined | null> } {
  const kept = Object.entries(sketch).filter(
    ([key, value]) => value !== undefined && (value !== null || key === 'node' || key === 'started'),
  )
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined | null> }
}

test('no state of the world is without an answer, and every answer keeps the rules', () => {
  fc.assert(
    fc.property(jobSketch, fc.array(podSketch, { maxLength: 2 }), moment, (job, sketches, now) => {
      const task = taskOf(job, ...sketches.map((sketch, index) => ({ ...sketch, name: `pod-${index}` })))
      const nowMs = ms(now)
      const outcome = classify(task, OPTIONS, nowMs)
      assert.deepEqual(classify(task, OPTIONS, nowMs), outcome, 'pure')
      const finished = task.job.conditions.some(({ type }) => type === 'Complete' || type === 'Failed')
      const said = outcome.kind === 'ended' ? outcome.verdict.detail.pod : undefined
      const touched =
        job.stop !== undefined ||
        job.deleted !== undefined ||
        task.pods.some((pod) => pod.name === said && (pod.deletedMs !== null || pod.gone))
      if (outcome.kind === 'live') {
        assert.ok(outcome.wakeAtMs === null || outcome.wakeAtMs > nowMs, 'it would be woken in the past')
        assert.ok(outcome.state === 'running' || (outcome.waitingFor ?? '').length > 3, 'nobody knows what it waits for')
        return
      }
      if (outcome.kind === 'stop') {
        assert.equal(job.stop, undefined, 'stopped twice')
        assert.ok(!finished, 'stopped although it had ended')
        assert.ok(outcome.reason === SIDECAR_GRACE || reasonOf(outcome.reason), outcome.reason)
        assert.ok(outcome.message.length > 10)
        return
      }
      const { verdict, evidenceCanVanish } = outcome
      if (verdict.kind === 'completed') assert.equal(verdict.exitCode, 0)
      if (verdict.kind === 'failed') assert.ok(reasonOf(verdict.reason ?? '') || verdict.reason === 'newer_word', String(verdict.reason))
      if (verdict.kind === 'cancelled') assert.equal(job.stop?.[0], 'task_cancelled')
      if (touched) assert.ok(evidenceCanVanish, 'its evidence can vanish')
      assert.match(verdict.message, /^[A-Z].*[.!?…]$/)
      assert.doesNotMatch(verdict.message, /undefined|null|NaN|\[object/)
      const alone = !finished && job.stop === undefined && job.deleted === undefined && (job.says ?? []).length === 0
      if (alone) assert.equal(task.pods.find((pod) => pod.name === said)?.deletedMs, null, 'a deleted Pod is never a verdict alone')
      const runs = task.pods.some(
        (pod) =>
          !pod.gone &&
          !(pod.phase === 'Succeeded' || pod.phase === 'Failed') &&
          pod.containers.some(({ role, state }) => role === 'task' && state?.kind === 'running'),
      )
      if (runs) assert.ok(finished || verdict.detail.stopped === false, 'a verdict while the container runs')
    }),
    { numRuns: 4 * RUNS },
  )
})

test('once the workload has ended, time alone changes nothing', () => {
  fc.assert(
    fc.property(jobSketch, podSketch, moment, moment, (job, pod, one, other) => {
      const task = taskOf(job, pod)
      const [early, late] = [ms(one), ms(other)].sort((a, b) => a - b) as [number, number]
      const before = classify(task, OPTIONS, early)
      if (before.kind === 'ended') assert.deepEqual(classify(task, OPTIONS, late), before)
    }),
    { numRuns: 2 * RUNS },
  )
})
