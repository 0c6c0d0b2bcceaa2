// A look past the cache. Before a task is failed for waiting too long: a live read of its Job and Pods (the cache may be behind), and one list of its Events, which say why
// (quota, admission, volumes, an autoscaler at work). For a Job that ended without its Pod ever being seen: one live list of its Pods. Never needed
// for a verdict: when the API does not answer in time, the first look stands.
import type { Clock } from '../lib/clock.ts'
import { sleep } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, PodView, TaskView, Uids } from '../model/kube.ts'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import { podThatCounts } from '../model/task-pod.ts'
import type { Outcome } from '../model/verdict.ts'

/** What Events told about a task, for people and for deadlines. */
export interface EventHint {
  jobEventMessage?: string
  podEventMessage?: string
  /** Epoch ms of the latest TriggeredScaleUp. */
  scaleUpAtMs?: number
  noPods?: true
}

export interface EventView {
  reason: string
  message: string
  type: string
  involvedUid: string
  atMs: number
}

type Live = Extract<Outcome, { kind: 'live' }>

export interface SecondLook {
  /** `outcome` is a stop. Resolves with what is true now: the same stop (perhaps with a better message), or that the task lives after all. */
  confirm(task: TaskView, outcome: Extract<Outcome, { kind: 'stop' }>): Promise<Outcome>
  /** `outcome` waits for a Pod that was never seen. Resolves with what a live list of the Job's Pods makes of it, or with when to try again. */
  findPods(task: TaskView, outcome: Live): Promise<{ task: TaskView; outcome: Outcome }>
  /** What Events told about this Job, once somebody has looked. */
  hintOf(jobUid: string): EventHint | undefined
  retain(uids: Uids): void
}

/** An Event list scans the whole namespace on the server and takes fairness seats: few at once, and once a task. */
const LISTS_AT_ONCE = 4
const PATIENCE_MS = 3_000
/** After a watch that was away for long, many Jobs may ask at once. */
const FINDS_AT_ONCE = 8
const FIND_AGAIN_MS = 1_000

export function createSecondLook(deps: {
  getJob: (name: string) => Promise<KubeResult<KubeObject>>
  listPods: (jobName: string) => Promise<KubeResult<PodView[]>>
  listEvents: (involvedName: string) => Promise<KubeResult<EventView[]>>
  projectJob: (raw: unknown) => JobView
  overlay: (job: JobView) => JobView
  classify: (task: TaskView, nowMs: number, hint: EventHint | undefined) => Outcome
  clock: Clock
  log: Logger
}): SecondLook {
  const hints = new Map<string, EventHint>()
  let listing = 0
  let finding = 0

  async function live(task: TaskView): Promise<TaskView> {
    const [job, pods] = await Promise.all([deps.getJob(task.job.name), deps.listPods(task.job.name)])
    if (!job.ok || !pods.ok) return task
    const view = deps.projectJob(job.value)
    if (view.uid !== task.job.uid) return task
    // What is gone from the API is known only from the watch.
    const gone = task.pods.filter((pod) => pod.gone && !pods.value.some((other) => other.uid === pod.uid))
    const ours = pods.value.filter((pod) => pod.jobUid === view.uid)
    return { job: deps.overlay(view), pods: [...gone, ...ours].sort((a, b) => a.createdMs - b.createdMs) }
  }

  async function readHint(task: TaskView): Promise<void> {
    const { uid, name } = task.job
    if (hints.has(uid) || listing >= LISTS_AT_ONCE) return
    listing++
    try {
      const counts = podThatCounts(task.pods)
      const pod = counts?.gone === false ? counts : null
      const involved = pod ?? { name, uid }
      const events = await deps.listEvents(involved.name)
      if (!events.ok) return
      const about = events.value.filter((event) => event.involvedUid === involved.uid).sort((a, b) => b.atMs - a.atMs)
      const warning = about.find((event) => event.type === 'Warning')
      const scaleUp = about.find((event) => event.reason === 'TriggeredScaleUp')
      const told = warning ? `${warning.reason}: ${warning.message}` : null
      hints.set(uid, {
        ...(told === null ? {} : pod ? { podEventMessage: told } : { jobEventMessage: told }),
        ...(scaleUp ? { scaleUpAtMs: scaleUp.atMs } : {}),
      })
    } finally {
      listing--
    }
  }

  return {
    hintOf: (uid) => hints.get(uid),
    retain(uids) {
      for (const uid of hints.keys()) if (!uids.has(uid)) hints.delete(uid)
    },
    async findPods(task, outcome) {
      const nextMs = deps.clock.now() + FIND_AGAIN_MS
      const later = { task, outcome: { ...outcome, wakeAtMs: Math.min(outcome.wakeAtMs ?? nextMs, nextMs) } }
      if (finding >= FINDS_AT_ONCE) return later
      finding++
      try {
        const pods = await deps.listPods(task.job.name)
        if (!pods.ok) return later
        const ours = pods.value.filter((pod) => pod.jobUid === task.job.uid).sort((a, b) => a.createdMs - b.createdMs)
        const hint = hints.get(task.job.uid)
        const found: TaskView = { job: task.job, pods: ours }
        return { task: found, outcome: deps.classify(found, deps.clock.now(), ours.length === 0 ? { ...hint, noPods: true } : hint) }
      } finally {
        finding--
      }
    },
    async confirm(task, outcome) {
      let now = task
      const look = async (): Promise<void> => {
        const [seen] = await Promise.all([live(task), readHint(task)])
        now = seen
      }
      await Promise.race([
        look().catch((error: unknown) => deps.log.debug({ err: error }, 'second look failed')),
        sleep(deps.clock, PATIENCE_MS),
      ])
      const again = deps.classify(now, deps.clock.now(), hints.get(task.job.uid))
      if (again.kind === 'live') {
        const taskId = task.job.annotations[ANNOTATIONS.taskId]
        deps.log.info(
          { task_id: taskId, job: task.job.name, reason: outcome.reason, waiting_for: again.waitingFor },
          'not failed after all: it looks different live',
        )
      }
      return again
    },
  }
}
