// Jobs and Pods as the API sends them, from a few words, and an outcome as one line: so that a table's row can be checked by eye.
// Everything happens on one day: '12:00:05' is a time of it, as Kubernetes writes it; the Job is created at 12:00:00.
import type { PodView, TaskView } from '../../src/model/kube.ts'
import { projectJob, projectPod } from '../../src/model/project.ts'
import type { Outcome } from '../../src/model/verdict.ts'
import { classify, type OutcomeHint, type OutcomeOptions } from '../../src/outcome/index.ts'

const DAY = '2026-11-24'
export const CREATED = '12:00:00'

export const deadlines: OutcomeOptions['deadlines'] = {
  scheduleSeconds: 120,
  pullSeconds: 600,
  prepareSeconds: 300,
  createSeconds: 60,
  runSeconds: 3600,
  sidecarGraceSeconds: 30,
  stopConfirmSeconds: 1800,
}

/** '12:00:05' or '12:00:05.250' → RFC 3339. */
export const at = (time: string): string => `${DAY}T${time}Z`
export const ms = (time: string): number => Date.parse(at(time))

export type Raw = Record<string, unknown>

// Container states.
export const waiting = (reason: string, message?: string): Raw => ({ waiting: { reason, ...(message === undefined ? {} : { message }) } })
export const running = (since = '12:00:10'): Raw => ({ running: { startedAt: at(since) } })
export const exited = (exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error', finished = '12:00:20', more: Raw = {}): Raw => ({
  terminated: { exitCode, reason, startedAt: at('12:00:10'), finishedAt: at(finished), containerID: 'containerd://c', ...more },
})
/** As containerd reports a command it could not start. */
export const startError = (message: string): Raw => ({
  terminated: { exitCode: 128, reason: 'StartError', message, startedAt: '1970-01-01T00:00:00Z', finishedAt: at('12:00:10') },
})
/** As the kubelet reports a container it finds no trace of. */
export const lost: Raw = {
  terminated: {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
    startedAt: null,
    finishedAt: null,
  },
}

export const condition = (type: string, status: 'True' | 'False', since: string, reason = '', message = ''): Raw => ({
  type,
  status,
  lastProbeTime: null,
  lastTransitionTime: at(since),
  ...(reason ? { reason } : {}),
  ...(message ? { message } : {}),
})
export const scheduled = condition('PodScheduled', 'True', '12:00:02')
export const unschedulable = condition(
  'PodScheduled',
  'False',
  '12:00:01',
  'Unschedulable',
  '0/3 nodes are available: 3 Insufficient cpu. preemption: not eligible.',
)
export const disrupted = (reason: string, message = '', since = '12:00:15'): Raw =>
  condition('DisruptionTarget', 'True', since, reason, message)

export interface PodSketch {
  phase?: string
  /** State of the container `task`, and the one before, if it was restarted in place. */
  task?: Raw
  taskBefore?: Raw
  /** States of init containers by name, in order; a name with `*` in front is a native sidecar. */
  init?: Record<string, Raw | null>
  /** States of other main containers by name. */
  others?: Record<string, Raw | null>
  conditions?: Raw[]
  reason?: string
  message?: string
  node?: string | null
  nominated?: string
  created?: string
  /** When its deletion was asked for, and the grace period it was given. */
  deleted?: string
  grace?: number
  /** The watch said DELETED. */
  gone?: boolean
  name?: string
}

export function rawPod(sketch: PodSketch): Raw {
  const init = Object.entries(sketch.init ?? {})
  const others = Object.entries(sketch.others ?? {})
  const bare = (name: string): string => name.replace('*', '')
  const status = ([name, state]: [string, Raw | null | undefined]) =>
    state
      ? [
          {
            name: bare(name),
            image: 'registry.example/i:1',
            state,
            lastState: (name === 'task' && sketch.taskBefore) || {},
            restartCount: name === 'task' && sketch.taskBefore ? 1 : 0,
            ready: false,
          },
        ]
      : []
  const grace = sketch.grace ?? 30
  const name = sketch.name ?? 'pod-1'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '7',
      creationTimestamp: at(sketch.created ?? '12:00:01'),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'job-1', uid: 'uid-job-1', controller: true }],
      ...(sketch.deleted === undefined
        ? {}
        : {
            deletionTimestamp: new Date(ms(sketch.deleted) + grace * 1000).toISOString().replace('.000', ''),
            deletionGracePeriodSeconds: grace,
          }),
    },
    spec: {
      ...(sketch.node === null ? {} : { nodeName: sketch.node ?? 'n1' }),
      ...(init.length === 0
        ? {}
        : {
            initContainers: init.map(([each]) => ({
              name: bare(each),
              image: `registry.example/${bare(each)}:1`,
              ...(each.startsWith('*') ? { restartPolicy: 'Always' } : {}),
            })),
          }),
      containers: [
        { name: 'task', image: 'registry.example/i:1' },
        ...others.map(([each]) => ({ name: each, image: 'registry.example/o:1' })),
      ],
    },
    status: {
      phase: sketch.phase ?? 'Running',
      conditions: sketch.conditions ?? [scheduled],
      ...(sketch.reason === undefined ? {} : { reason: sketch.reason }),
      ...(sketch.message === undefined ? {} : { message: sketch.message }),
      ...(sketch.nominated === undefined ? {} : { nominatedNodeName: sketch.nominated }),
      ...(init.length === 0 ? {} : { initContainerStatuses: init.flatMap(status) }),
      containerStatuses: [...others.flatMap(status), ...status(['task', sketch.task])],
    },
  }
}

export interface JobSketch {
  /** The stop mark: reason, time (may have milliseconds), message. */
  stop?: [reason: string, time: string, message?: string]
  annotations?: Record<string, string>
  labels?: Record<string, string>
  deleted?: string
  suspended?: boolean
  retriesDisruption?: boolean
  managedBy?: string
  /** status.startTime; null while the controller has not served it. */
  started?: string | null
  /** The Job controller's words: type, reason, time. */
  says?: [type: string, reason: string, time?: string, message?: string][]
  resumed?: string
  active?: number
  failed?: number
  succeeded?: number
}

export const COMPLETE: [string, string, string] = ['Complete', 'CompletionsReached', '12:00:21']
export const FAILED: [string, string, string, string] = [
  'Failed',
  'BackoffLimitExceeded',
  '12:00:45',
  'Job has reached the specified backoff limit',
]
export const PAST_DEADLINE: [string, string, string, string] = [
  'Failed',
  'DeadlineExceeded',
  '12:00:45',
  'Job was active longer than specified deadline',
]

export function rawJob(sketch: JobSketch): Raw {
  const annotations: Record<string, string> = { 'jobhook.dev/task-id': 't-1', ...sketch.annotations }
  if (sketch.stop) {
    const [reason, time, message] = sketch.stop
    annotations['jobhook.dev/stop'] = JSON.stringify({ reason, at: at(time), ...(message === undefined ? {} : { message }) })
  }
  const counts = Object.fromEntries(
    Object.entries({ active: sketch.active, failed: sketch.failed, succeeded: sketch.succeeded }).filter(
      ([, count]) => count !== undefined,
    ),
  )
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'job-1',
      uid: 'uid-job-1',
      resourceVersion: '9',
      generation: 1,
      creationTimestamp: at(CREATED),
      labels: { 'app.kubernetes.io/managed-by': 'jobhook', ...sketch.labels },
      annotations,
      finalizers: ['jobhook.dev/report'],
      ...(sketch.deleted === undefined ? {} : { deletionTimestamp: at(sketch.deleted), deletionGracePeriodSeconds: 0 }),
    },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      ...(sketch.suspended ? { suspend: true } : {}),
      ...(sketch.managedBy ? { managedBy: sketch.managedBy } : {}),
      ...(sketch.retriesDisruption
        ? { podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] } }
        : {}),
    },
    status: {
      ...(sketch.started === null ? {} : { startTime: at(sketch.started ?? CREATED) }),
      ...counts,
      conditions: [
        ...(sketch.suspended ? [condition('Suspended', 'True', CREATED, 'JobSuspended')] : []),
        ...(sketch.resumed ? [condition('Suspended', 'False', sketch.resumed, 'JobResumed')] : []),
        ...(sketch.says ?? []).map(([type, reason, time, message]) => condition(type, 'True', time ?? '12:00:45', reason, message)),
      ],
    },
  }
}

export function viewPod(sketch: PodSketch): PodView {
  return { ...projectPod(rawPod(sketch)), gone: sketch.gone ?? false }
}

export function taskOf(job: JobSketch, ...pods: PodSketch[]): TaskView {
  return { job: projectJob(rawJob(job)), pods: pods.map(viewPod) }
}

export interface Look {
  job?: JobSketch
  pod?: PodSketch
  pods?: PodSketch[]
  /** The time it is now. Default 12:01:00. */
  now?: string
  hint?: OutcomeHint
  deadlines?: Partial<OutcomeOptions['deadlines']>
}

export function look({ job = {}, pod, pods = pod ? [pod] : [], now = '12:01:00', hint, deadlines: own }: Look): Outcome {
  const options: OutcomeOptions = { deadlines: { ...deadlines, ...own }, ...(hint === undefined ? {} : { hint }) }
  return classify(taskOf(job, ...pods), options, ms(now))
}

/**
 * An outcome as one line: `running until 13:00:10`, `stop image_pull`, `completed 0`, `failed container_exit 7`, `cancelled 143`.
 * `retryable` and `stored` (its evidence can vanish) are said when they hold; an exit code that is not known is `-`.
 */
export function line(outcome: Outcome): string {
  if (outcome.kind === 'stop') return `stop ${outcome.reason}`
  if (outcome.kind === 'live') {
    const ends = outcome.leftPods === undefined ? '' : ` ends ${outcome.leftPods.map(({ name }) => name).join(', ')}`
    return outcome.wakeAtMs === null
      ? outcome.state
      : `${outcome.state} until ${new Date(outcome.wakeAtMs).toISOString().slice(11, 23).replace('.000', '')}${ends}`
  }
  const { kind, reason, exitCode, retryable, detail } = outcome.verdict
  return [
    kind,
    kind === 'failed' ? reason : '',
    exitCode ?? '-',
    retryable ? 'retryable' : '',
    detail.stopped === false ? 'unstopped' : '',
    outcome.evidenceCanVanish ? 'stored' : '',
  ]
    .filter((word) => word !== '')
    .join(' ')
}
