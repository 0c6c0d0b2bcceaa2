// A small model of the cluster: one task's life as the versions its Job and Pod go through, and of the cache that hears of them by two watches
// which may be late, repeat themselves or break down for a while. It knows what the verdict must be without asking classify.
import type { JobView, PodView, TaskView } from '../../src/model/kube.ts'
import { projectJob } from '../../src/model/project.ts'
import { disrupted, exited, type JobSketch, type PodSketch, rawJob, running, scheduled, startError, viewPod, waiting } from './raw.ts'

export const START_MS = Date.parse('2026-11-24T12:00:00Z')

export interface Script {
  /** Milliseconds each step takes. */
  create: number
  schedule: number
  prepare: number
  run: number
  end: 'exit' | 'oom' | 'start' | 'setup' | 'evicted'
  exitCode: number
  /** From the container's end to the Pod's status, and from there to the Job's. */
  kubeletLag: number
  controllerLag: number
  stop: { reason: 'task_cancelled' | 'task_timeout' | 'deleted'; afterMs: number; politeExit: number; takesMs: number } | null
}

export interface Version {
  atMs: number
  job?: JobSketch
  pod?: PodSketch
}

export interface Life {
  versions: Version[]
  /** When the last container had ended. */
  quietMs: number
  kind: 'completed' | 'failed' | 'cancelled'
  reason: string | null
  exitCode: number | null
  /** Where end and stop met: the other verdict that is right as well. The end came first by a hair, and the only object that says so may be lost. */
  or?: Said
}

type Said = Pick<Life, 'kind' | 'reason' | 'exitCode'>

/** Whole seconds, as Kubernetes writes it. */
const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19)
const fine = (ms: number): string => new Date(ms).toISOString().slice(11, 23)

export function lifeOf(script: Script): Life {
  const versions: Version[] = []
  const createdMs = START_MS + script.create
  const scheduledMs = createdMs + script.schedule
  const startMs = scheduledMs + script.prepare
  const endMs = startMs + (script.end === 'start' ? 0 : script.run)
  const shownMs = endMs + script.kubeletLag
  const spokenMs = shownMs + script.controllerLag
  const base: JobSketch = { started: clock(createdMs), active: 1 }
  const pod: PodSketch = { created: clock(createdMs), phase: 'Pending', node: null, conditions: [] }
  const placed: PodSketch = { ...pod, conditions: [{ ...scheduled, lastTransitionTime: new Date(scheduledMs).toISOString() }], node: 'n1' }
  const isSetup = script.end === 'setup'
  const started: PodSketch = isSetup
    ? { ...placed, task: waiting('PodInitializing'), init: { setup: running(clock(startMs)) } }
    : { ...placed, phase: 'Running', task: running(clock(startMs)) }
  const natural = naturalEnd(script, placed, startMs, endMs)

  versions.push({ atMs: START_MS, job: { started: null } })
  versions.push({ atMs: createdMs, pod })
  versions.push({ atMs: createdMs, job: base })
  versions.push({ atMs: scheduledMs, pod: placed })
  if (script.end !== 'start') versions.push({ atMs: startMs, pod: started })

  const { stop } = script
  const stopMs = stop === null ? Number.POSITIVE_INFINITY : START_MS + stop.afterMs
  if (stop === null || stopMs >= spokenMs) {
    versions.push({ atMs: shownMs, pod: natural.pod })
    versions.push({ atMs: spokenMs, job: { ...base, active: 0, ...natural.word } })
    return { versions: inOrder(versions), quietMs: endMs, ...natural.verdict }
  }
  // What the API shows at the stop decides what the Job controller deletes: a Pod that is shown as ended stays.
  const marked: JobSketch = { ...base, stop: [stop.reason, fine(stopMs)] }
  const deadline = (type: string): [string, string, string] => [type, 'DeadlineExceeded', clock(stopMs + 1000)]
  const kept = versions.filter(({ atMs }) => atMs <= stopMs)
  kept.push({ atMs: stopMs, job: marked })
  if (stopMs >= shownMs) {
    kept.push({ atMs: shownMs, pod: natural.pod })
    kept.push({ atMs: stopMs + 1000, job: { ...marked, active: 0, failed: 1, says: [deadline('FailureTarget'), deadline('Failed')] } })
    return { versions: inOrder(kept), quietMs: endMs, ...natural.verdict }
  }
  const deletedMs = stopMs + 1000
  // Both times are cut to seconds.
  const isSure = Math.floor(endMs / 1000) + 1 <= Math.floor(deletedMs / 1000)
  if (stopMs < createdMs) {
    kept.push({
      atMs: deletedMs,
      job: { ...marked, started: clock(createdMs), active: 0, says: [deadline('FailureTarget'), deadline('Failed')] },
    })
    return { versions: inOrder(kept), quietMs: START_MS, ...stoppedVerdict(stop.reason, null) }
  }
  kept.push({ atMs: deletedMs, job: { ...marked, active: 0, failed: 1, says: [deadline('FailureTarget')] } })
  const wasRunning = startMs <= stopMs && script.end !== 'start'
  const killedMs = deletedMs + stop.takesMs
  const exitCode = endMs <= deletedMs ? natural.verdict.exitCode : stop.politeExit
  const lastMs = endMs <= deletedMs ? endMs : killedMs
  const before = wasRunning ? started : stopMs >= scheduledMs ? placed : pod
  const dying: PodSketch = { ...before, deleted: clock(deletedMs), grace: 30 }
  const over: PodSketch =
    endMs <= deletedMs && wasRunning
      ? { ...natural.pod, deleted: clock(deletedMs), grace: 30 }
      : {
          ...dying,
          phase: exitCode === 0 ? 'Succeeded' : 'Failed',
          ...(wasRunning && !isSetup
            ? { task: exited(exitCode ?? 143, undefined, clock(lastMs), { startedAt: new Date(startMs).toISOString() }) }
            : {}),
          ...(wasRunning && isSetup ? { init: { setup: exited(143, 'Error', clock(lastMs)) } } : {}),
        }
  kept.push({ atMs: deletedMs, pod: dying })
  kept.push({ atMs: killedMs + 100, pod: over })
  kept.push({ atMs: killedMs + 200, pod: { ...over, gone: true } })
  kept.push({ atMs: killedMs + 500, job: { ...marked, active: 0, failed: 1, says: [deadline('FailureTarget'), deadline('Failed')] } })
  const stopped = stoppedVerdict(stop.reason, wasRunning && !isSetup ? exitCode : null)
  return { versions: inOrder(kept), quietMs: lastMs, ...(isSure && wasRunning ? { ...natural.verdict, or: stopped } : stopped) }
}

function inOrder(versions: Version[]): Version[] {
  return versions.sort((a, b) => a.atMs - b.atMs)
}

function stoppedVerdict(reason: string, exitCode: number | null): Said {
  return { kind: reason === 'task_cancelled' ? 'cancelled' : 'failed', reason, exitCode }
}

function naturalEnd(script: Script, placed: PodSketch, startMs: number, endMs: number) {
  const { end, exitCode } = script
  const times = { startedAt: new Date(startMs).toISOString() }
  const at = clock(endMs)
  const failure: JobSketch = {
    failed: 1,
    says: [['Failed', 'BackoffLimitExceeded', clock(endMs + script.kubeletLag + script.controllerLag)]],
  }
  const success: JobSketch = {
    succeeded: 1,
    says: [['Complete', 'CompletionsReached', clock(endMs + script.kubeletLag + script.controllerLag)]],
  }
  const failed = (pod: PodSketch, reason: string, code: number | null) => ({
    pod: { ...placed, phase: 'Failed', ...pod },
    word: failure,
    verdict: { kind: 'failed' as const, reason, exitCode: code },
  })
  if (end === 'oom') return failed({ task: exited(137, 'OOMKilled', at, times) }, 'container_oom', 137)
  if (end === 'start') return failed({ task: startErrorAt(at) }, 'container_start', 128)
  if (end === 'setup')
    return failed(
      { task: waiting('PodInitializing'), init: { setup: exited(exitCode || 1, 'Error', at, times) } },
      'setup_command',
      exitCode || 1,
    )
  if (end === 'evicted') {
    const conditions = [...(placed.conditions ?? []), disrupted('TerminationByKubelet', '', at)]
    return failed(
      { reason: 'Evicted', message: 'The node was low on resource: memory.', conditions, task: exited(137, 'Error', at, times) },
      'evicted',
      137,
    )
  }
  if (exitCode !== 0) return failed({ task: exited(exitCode, 'Error', at, times) }, 'container_exit', exitCode)
  return {
    pod: { ...placed, phase: 'Succeeded', task: exited(0, 'Completed', at, times) },
    word: success,
    verdict: { kind: 'completed' as const, reason: null, exitCode: 0 },
  }
}

function startErrorAt(time: string): Record<string, unknown> {
  const state = startError('exec: "nope": executable file not found in $PATH') as { terminated: Record<string, unknown> }
  return { terminated: { ...state.terminated, finishedAt: `2026-11-24T${time}Z` } }
}

/** One watch: events come late and twice; while it is broken nothing comes, and then a list says what is there. */
export interface Watch {
  delays: number[]
  repeats: boolean[]
  brokenAtMs: number
  brokenForMs: number
}

export interface Heard {
  atMs: number
  apply(cache: Cache): void
}

export interface Cache {
  job: JobView | null
  pod: PodView | null
}

export function viewOf({ job, pod }: Cache): TaskView | null {
  return job && { job, pods: pod ? [pod] : [] }
}

/** What the cache hears, in order; after the last version both resources are listed once more. */
export function hear(life: Life, watches: { job: Watch; pod: Watch }): Heard[] {
  const lastMs = Math.max(...life.versions.map(({ atMs }) => atMs))
  const heard: Heard[] = []
  for (const which of ['pod', 'job'] as const) {
    const versions = life.versions.filter((version) => version[which] !== undefined)
    const { delays, repeats, brokenAtMs, brokenForMs } = watches[which]
    const backMs = START_MS + brokenAtMs + brokenForMs
    const listAt = (atMs: number): void => {
      const now = versions.findLast((version) => version.atMs <= atMs)
      heard.push({ atMs, apply: (cache) => list(cache, which, now) })
    }
    let earliestMs = 0
    for (const [index, version] of versions.entries()) {
      if (version.atMs >= START_MS + brokenAtMs && version.atMs < backMs) continue
      earliestMs = Math.max(earliestMs, version.atMs + (delays[index % delays.length] ?? 0))
      const event = { atMs: earliestMs, apply: (cache: Cache) => watchEvent(cache, version) }
      heard.push(event)
      if (repeats[index % repeats.length]) heard.push(event)
    }
    if (brokenForMs > 0) listAt(Math.max(backMs, earliestMs))
    listAt(Math.max(lastMs, earliestMs, backMs) + 100)
  }
  return heard.sort((a, b) => a.atMs - b.atMs)
}

function watchEvent(cache: Cache, { job, pod }: Version): void {
  if (job) cache.job = projectJob(rawJob(job))
  if (pod) cache.pod = viewPod(pod)
}

/** Replace semantics: what is not listed is gone, with the last state that was heard of it. */
function list(cache: Cache, which: 'job' | 'pod', now: Version | undefined): void {
  if (which === 'job') {
    if (now?.job) cache.job = projectJob(rawJob(now.job))
  } else if (now?.pod && !now.pod.gone) cache.pod = viewPod(now.pod)
  else if (cache.pod) cache.pod = { ...cache.pod, gone: true }
}
