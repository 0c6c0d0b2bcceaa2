// What the control plane of a chaos run wants done: tasks of every kind with what may come of each. A function of the seed; sends nothing itself.
import { type Intent, SECRET_MARK } from './history.ts'
import { between, type Random, randomFor, weighted } from './random.ts'

/** One request of the control plane, at a time after the run's start. */
export interface Step {
  atMs: number
  what: 'assignment' | 'cancellation'
  content: string
  /** Sent only after an earlier assignment of this task was answered 202, this long after. */
  afterAcceptedMs?: number
  /** Sent only after the task was heard to have started (or has ended), this long after. */
  afterStartedMs?: number
}

export interface PlannedTask extends Intent {
  steps: Step[]
  /** What each content's message is. `delivery` makes the tokens of each request fresh. */
  message(content: string, delivery: number): { type: string; data: Record<string, unknown> }
  /** For Pods that no kubelet runs: how they end; null: only when they are stopped. */
  scripted: { succeeds: boolean; afterMs: number } | null
}

interface Shape {
  scenario: string
  /** The same each time: other words would be other content. */
  script: () => string
  outcomes: string[]
  scripted: PlannedTask['scripted']
  fields?: Record<string, unknown>
  /** Steps beside the first assignment and its redeliveries. */
  more?: Omit<Step, 'atMs'>[]
  tokens?: boolean
}

/** Where nothing runs a command, every failure has exit code 1 and no log. */
export interface TaskOptions {
  tasks: number
  /** Assignments are spread over this time. */
  spreadMs: number
  containers: boolean
}

export function planTasks(seed: number, options: TaskOptions): PlannedTask[] {
  return Array.from({ length: options.tasks }, (_, index) => {
    const taskId = `chaos-${seed}-${String(index + 1).padStart(4, '0')}`
    return planTask(taskId, randomFor(seed, `task ${index}`), options)
  }).flat()
}

function planTask(taskId: string, random: Random, options: TaskOptions): PlannedTask[] {
  const shape = weighted(random, SHAPES)(random, options.containers)
  const atMs = between(random, 0, options.spreadMs)
  const first = plan(taskId, taskId, shape, atMs, random)
  if (shape.scenario !== 'follow-up') return [first]
  // A second run under the same task_id, which may overlap with the first.
  return [first, plan(taskId, `${taskId}-again`, shape, atMs + between(random, 0, 2_000), random)]
}

function plan(taskId: string, executionId: string, shape: Shape, atMs: number, random: Random): PlannedTask {
  const redeliveries = between(random, 0, 3)
  const rest = (shape.more ?? []).map((step) => ({ atMs, ...step }))
  const again = Array.from(
    { length: redeliveries },
    (): Step =>
      random() < 0.4
        ? { atMs, what: 'assignment', content: 'a' } // at the same instant, elsewhere
        : { atMs, what: 'assignment', content: 'a', afterAcceptedMs: between(random, 0, 6_000) },
  )
  return {
    taskId,
    executionId,
    scenario: shape.scenario,
    outcomes: shape.outcomes,
    scripted: shape.scripted,
    steps: [{ atMs, what: 'assignment', content: 'a' }, ...again, ...rest],
    message: (content, delivery) => ({
      type: 'task_assignment',
      data: {
        task_id: taskId,
        ...(executionId === taskId ? {} : { execution_id: executionId }),
        title: `${shape.scenario} of ${taskId}`,
        command: ['/bin/sh', '-c'],
        args: [`: content-${content}; ${shape.script()}`],
        ...(shape.tokens ? { env_vars: { TOKEN: `${SECRET_MARK}-${taskId}-${delivery}`, LEVEL: `${SECRET_MARK}-level-${delivery}` } } : {}),
        ...shape.fields,
      },
    }),
  }
}

const CANCELLED = 'cancelled'
const cancellation = (afterAcceptedMs: number): Omit<Step, 'atMs'> => ({ what: 'cancellation', content: '', afterAcceptedMs })
type Shaper = (random: Random, containers: boolean) => Shape

const ok: Shaper = (random) => {
  const afterMs = between(random, 50, 2_500)
  return { scenario: 'ok', script: () => sleep(afterMs), outcomes: ['completed 0'], scripted: { succeeds: true, afterMs } }
}

const followUp: Shaper = (random, containers) => ({ ...ok(random, containers), scenario: 'follow-up' })

const exit: Shaper = (random, containers) => {
  const code = containers ? between(random, 1, 120) : 1
  const afterMs = between(random, 50, 2_000)
  return {
    scenario: 'exit code',
    script: () => `${sleep(afterMs)}; echo leaving; exit ${code}`,
    outcomes: [`failed container_exit ${code}`],
    scripted: { succeeds: false, afterMs },
  }
}

const env: Shaper = (random) => {
  const afterMs = between(random, 50, 1_500)
  return {
    scenario: 'env vars',
    tokens: true,
    script: () => `${sleep(afterMs)}; test -n "$TOKEN" || exit 9`,
    outcomes: ['completed 0'],
    scripted: { succeeds: true, afterMs },
  }
}

/** Fails with its token in its log, of which the end goes into the report. */
const leak: Shaper = (random, containers) => {
  const afterMs = between(random, 50, 1_500)
  return {
    scenario: 'prints its token',
    tokens: true,
    script: () => `echo "token $TOKEN"; ${sleep(afterMs)}; echo "$TOKEN" >&2; exit 3`,
    outcomes: [`failed container_exit ${containers ? 3 : 1}`],
    scripted: { succeeds: false, afterMs },
  }
}

const cancelRunning: Shaper = (random) => {
  const script = random() < 0.3 ? 'trap "exit 0" TERM; sleep 600 & wait' : 'sleep 600'
  return {
    scenario: 'cancelled while running',
    tokens: random() < 0.5,
    script: () => script,
    outcomes: [CANCELLED],
    scripted: null,
    more: [{ what: 'cancellation', content: '', afterStartedMs: between(random, 0, 1_000) }],
  }
}

const cancelPending: Shaper = (random) => ({
  scenario: 'cancelled at once',
  script: () => 'sleep 600',
  outcomes: [CANCELLED],
  scripted: null,
  more: [cancellation(between(random, 0, 100)), cancellation(between(random, 100, 3_000))],
})

/** Many at the same instant, everywhere, while it starts or runs. */
const cancelStorm: Shaper = (random) => {
  const afterMs = between(random, 0, 2_000)
  return {
    scenario: 'cancelled by many',
    tokens: random() < 0.5,
    script: () => 'sleep 600',
    outcomes: [CANCELLED],
    scripted: null,
    more: Array.from({ length: between(random, 4, 10) }, () => cancellation(afterMs)),
  }
}

/** The cancellation and the task's own end race. */
const cancelLate: Shaper = (random) => {
  const afterMs = between(random, 300, 1_500)
  return {
    scenario: 'cancelled near its end',
    script: () => sleep(afterMs),
    outcomes: [CANCELLED, 'completed 0'],
    scripted: { succeeds: true, afterMs },
    more: [cancellation(between(random, 0, 2_500))],
  }
}

const timeout: Shaper = (random) => ({
  scenario: 'timeout',
  tokens: random() < 0.3,
  script: () => 'echo waiting; sleep 600',
  outcomes: ['failed task_timeout'],
  scripted: null,
  fields: { timeout_seconds: between(random, 1, 3) },
})

const conflict: Shaper = (random, containers) => ({
  ...ok(random, containers),
  scenario: 'other content later',
  more: [{ what: 'assignment', content: 'b', afterAcceptedMs: between(random, 0, 4_000) }],
})

const rivals: Shaper = (random, containers) => ({
  ...ok(random, containers),
  scenario: 'two contents at once',
  more: [{ what: 'assignment', content: 'b' }],
})

const invalid: Shaper = () => ({
  scenario: 'invalid',
  script: () => 'true',
  outcomes: [],
  scripted: { succeeds: true, afterMs: 50 },
  fields: { timeout_seconds: 'soon' },
})

const SHAPES: readonly (readonly [number, Shaper])[] = [
  [22, ok],
  [12, exit],
  [10, env],
  [8, leak],
  [11, cancelRunning],
  [8, cancelPending],
  [8, cancelLate],
  [4, cancelStorm],
  [9, timeout],
  [4, followUp],
  [4, conflict],
  [4, rivals],
  [3, invalid],
]

function sleep(ms: number): string {
  return `sleep ${(ms / 1000).toFixed(2)}`
}
