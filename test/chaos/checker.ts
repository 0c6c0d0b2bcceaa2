// Judges a recorded run: every promise that can be seen from the control plane's side and from the API's. Pure; it knows nothing of how jobhook works.
import { type Callback, type History, holdsSecret, type Intent, type ObjectEvent, outcomeOf } from './history.ts'

export interface Violation {
  /** A short name, stable: tests and docs use it. */
  promise: string
  /** "task/execution", or null where it is about no single task. */
  task: string | null
  detail: string
}

export const keyOf = (of: { taskId: string; executionId: string }): string => `${of.taskId}/${of.executionId}`

const isVerdict = (callback: Callback): boolean => callback.type !== 'task_started'
const isAcknowledged = (callback: Callback): boolean => callback.answered !== null && callback.answered >= 200 && callback.answered < 300
/** Answers that promise that nothing runs because of this delivery; 429 and 503 ask for another. */
const isRefusal = (status: number | null): boolean => status !== null && status >= 400 && status < 500 && status !== 429

export function check(history: History): Violation[] {
  const callbacks = groupBy(history.callbacks, keyOf)
  const deliveries = groupBy(history.deliveries, keyOf)
  const jobEvents = groupBy(
    history.events.filter((event) => event.resource === 'jobs'),
    keyOf,
  )
  const podEvents = groupBy(
    history.events.filter((event) => event.resource === 'pods'),
    (event) => event.jobUid,
  )
  const known = new Set(history.intents.map(keyOf))
  return [
    ...history.intents.flatMap((intent) => {
      const key = keyOf(intent)
      const jobs = jobEvents.get(key) ?? []
      const pods = [...new Set(jobs.map((job) => job.uid))].map((uid) => podEvents.get(uid) ?? [])
      const about = (found: Omit<Violation, 'task'>[]): Violation[] => found.map((each) => ({ ...each, task: key }))
      return about([
        ...checkJobs(intent, jobs, deliveries.get(key) ?? []),
        ...pods.flatMap((events) => checkPods(events, history.apiDeaths)),
        ...checkCallbacks(
          intent,
          callbacks.get(key) ?? [],
          deliveries.get(key) ?? [],
          history.deaths,
          timesOf(pods.flat()),
          pods.some((events) => isControllersRetry(events, history.apiDeaths)),
        ),
      ])
    }),
    ...checkIds(history.callbacks),
    ...[...new Set([...callbacks.keys(), ...jobEvents.keys()])]
      .filter((key) => !known.has(key))
      .map((key) => ({ promise: 'no task out of nothing', task: key, detail: 'nobody sent this task' })),
    ...checkSecrets(history),
    ...checkLeftovers(history),
  ]
}

function checkJobs(intent: Intent, jobs: ObjectEvent[], deliveries: History['deliveries']): Omit<Violation, 'task'>[] {
  const found: Omit<Violation, 'task'>[] = []
  const uids = new Set(jobs.map((job) => job.uid))
  const assignments = deliveries.filter((delivery) => delivery.what === 'assignment')
  if (uids.size > 1) found.push({ promise: 'one Job an execution', detail: `${uids.size} Jobs: ${[...uids].join(', ')}` })
  const accepted = new Set(assignments.flatMap(({ status, content }) => (status === 202 ? [content] : [])))
  if (accepted.size > 0 && uids.size === 0)
    found.push({ promise: '2xx means durable', detail: 'it was accepted and there was never a Job' })
  if (accepted.size > 1) found.push({ promise: 'one content an execution', detail: `accepted: ${[...accepted].join(' and ')}` })
  for (const content of new Set(jobs.map((job) => job.content))) {
    const refused = assignments.find((delivery) => delivery.content === content && isRefusal(delivery.status))
    if (refused)
      found.push({ promise: '4xx means that nothing runs', detail: `content ${content} was refused (${refused.status}) and has a Job` })
    if (!assignments.some((delivery) => delivery.content === content))
      found.push({ promise: 'no task out of nothing', detail: `a Job runs content ${content}, which nobody sent` })
  }
  if (intent.outcomes.length === 0 && uids.size > 0)
    found.push({ promise: '4xx means that nothing runs', detail: 'it could not be accepted and has a Job' })
  return found
}

/** So long after the API server's end a create that it did not answer is tried again. */
const API_DEATH_MS = 10_000

/**
 * Two Pods made around the end of an API server are the Job controller's: its create went through unheard, so it made another, and deletes one. jobhook
 * makes no Pods; what it does about them (no verdict while one runs, one verdict) is judged as ever.
 */
function isControllersRetry(events: ObjectEvent[], apiDeaths: History['apiDeaths']): boolean {
  const madeMs = events.filter(({ type }) => type === 'ADDED').map(({ atMs }) => atMs)
  return apiDeaths.some((death) => madeMs.length === 2 && madeMs.every((atMs) => Math.abs(atMs - death.atMs) < API_DEATH_MS))
}

function checkPods(events: ObjectEvent[], apiDeaths: History['apiDeaths']): Omit<Violation, 'task'>[] {
  if (isControllersRetry(events, apiDeaths)) return []
  const found: Omit<Violation, 'task'>[] = []
  const alive = new Set<string>()
  for (const event of events) {
    if (event.alive && event.type !== 'DELETED') alive.add(event.name)
    else alive.delete(event.name)
    if (alive.size > 1) {
      found.push({ promise: 'one Pod at a time', detail: [...alive].join(' and ') })
      break
    }
  }
  const names = new Set(events.map((event) => event.name))
  // Nothing in a chaos run disrupts a Pod, so there is no reason for a second one.
  if (names.size > 1) found.push({ promise: 'nothing runs twice', detail: `Pods ${[...names].join(', ')}` })
  return found
}

type Times = Record<'started' | 'finished', string[]>

/** When the API said that the task's container had started and ended: kwok, in a hurry, plays a stage twice; a kubelet says each once. */
function timesOf(pods: ObjectEvent[]): Times {
  const all = (name: string): string[] => [
    ...new Set(pods.flatMap(({ state }) => [...state.matchAll(new RegExp(`"${name}":"([^".]+?)Z?"`, 'g'))].map(([, at]) => at ?? ''))),
  ]
  return { started: all('startedAt'), finished: all('finishedAt') }
}

function withOneTime(body: string, times: Times): string {
  let text = body
  for (const end of ['started', 'finished'] as const)
    if (times[end].length > 1) for (const at of times[end]) text = text.replace(`"${end}_at":"${at}`, `"${end}_at":"`)
  return text
}

/** Which of two Pods that both run a replica sees first is up to its watch. */
function withoutPod(body: string): string {
  return body.replace(/"(pod|node|started_at)":"[^"]*"/g, '"$1":""')
}

function checkCallbacks(
  intent: Intent,
  callbacks: Callback[],
  deliveries: History['deliveries'],
  deaths: History['deaths'],
  times: Times,
  twoPods: boolean,
): Omit<Violation, 'task'>[] {
  const found: Omit<Violation, 'task'>[] = []
  const verdicts = callbacks.filter(isVerdict)
  const started = callbacks.filter((callback) => !isVerdict(callback))
  const accepted = deliveries.some((delivery) => delivery.what === 'assignment' && delivery.status === 202)
  if (accepted && !verdicts.some(isAcknowledged)) {
    const detail = `it was accepted; ${verdicts.length} verdicts were sent and none was acknowledged`
    found.push({ promise: '2xx means reported in the end', detail })
  }
  if (!callbacks.every((callback) => callback.verified)) found.push({ promise: 'signed callbacks', detail: 'a signature does not verify' })
  const ids = new Set(verdicts.map((verdict) => verdict.id))
  if (ids.size > 1) found.push({ promise: 'one verdict id', detail: [...ids].join(' and ') })
  const bodies = [...new Set(verdicts.map(({ body }) => withOneTime(twoPods ? withoutPod(body) : body, times)))]
  if (bodies.length > 1) found.push({ promise: 'one verdict', detail: `different bodies: ${bodies.join('\n  and ')}` })
  const startedBodies = [...new Set(started.map(({ body }) => withOneTime(twoPods ? withoutPod(body) : body, times)))]
  if (startedBodies.length > 1) found.push({ promise: 'one task_started', detail: `different bodies: ${startedBodies.join('\n  and ')}` })
  const firstVerdict = verdicts.at(0)
  const firstStarted = started.at(0)
  // A task_started that was on its way when its sender was killed is seen by nobody; the next leader cannot know of it and sends it again.
  const senderDied = deaths.some(({ atMs, replica }) => {
    // A busy machine hears the last words of a process after it has killed it.
    return replica === firstVerdict?.replica && atMs > firstVerdict.atMs - 3_000 && atMs < (firstStarted?.atMs ?? 0)
  })
  if (firstVerdict && firstStarted && firstStarted.atMs > firstVerdict.atMs && !senderDied) {
    const lateMs = firstStarted.atMs - firstVerdict.atMs
    found.push({ promise: 'started before the verdict', detail: `task_started was first sent ${lateMs} ms after the verdict` })
  }
  for (const verdict of verdicts) {
    if (verdict.alivePods.length > 0)
      found.push({ promise: 'no verdict while a Pod runs', detail: `${outcomeOf(verdict.body)} while ${verdict.alivePods.join(', ')}` })
    const outcome = outcomeOf(verdict.body)
    if (!intent.outcomes.some((expected) => outcome === expected || outcome.startsWith(`${expected} `))) {
      found.push({ promise: 'the expected verdict', detail: `${outcome} instead of ${intent.outcomes.join(' or ') || 'nothing'}` })
      break
    }
  }
  return found
}

/** An id belongs to one message of one task. */
function checkIds(callbacks: Callback[]): Violation[] {
  return [...groupBy(callbacks, (callback) => callback.id)].flatMap(([id, same]) => {
    const meanings = new Set(same.map((callback) => `${keyOf(callback)} ${isVerdict(callback) ? 'verdict' : 'started'}`))
    if (meanings.size === 1) return []
    return [{ promise: 'one meaning an id', task: null, detail: `${id} is ${[...meanings].join(' and ')}` }]
  })
}

function checkSecrets(history: History): Violation[] {
  const violation = (task: string | null, where: string): Violation => ({ promise: 'no secret anywhere', task, detail: where })
  return [
    ...history.texts.filter(({ text }) => holdsSecret(text)).map(({ source }) => violation(null, source)),
    ...history.callbacks.filter(({ body }) => holdsSecret(body)).map((callback) => violation(keyOf(callback), `callback ${callback.id}`)),
    ...history.events.filter(({ leaks }) => leaks).map((event) => violation(null, `${event.resource} ${event.name}`)),
  ]
}

function checkLeftovers({ leftovers, exits, auditedJobs, apiDeaths, events }: History): Violation[] {
  const left = (names: string[], what: string): Violation[] =>
    names.length === 0 ? [] : [{ promise: 'nothing is left over', task: null, detail: `${what}: ${names.join(', ')}` }]
  const jobs = new Set(events.filter((event) => event.resource === 'jobs').map((event) => event.uid))
  return [
    ...left(leftovers.held, 'Jobs with our finalizer'),
    ...left(leftovers.open, 'Jobs that are not closed'),
    ...left(leftovers.namedSecrets, 'Secrets of closed tasks'),
    ...exits
      .filter(({ code }) => code !== 0)
      .map(({ replica, code }) => ({ promise: 'SIGTERM ends with 0', task: null, detail: `${replica} ended with ${code}` })),
    // An API server that is killed takes the last lines of its audit log with it: then there may be fewer, never more.
    ...(auditedJobs !== null && (apiDeaths.length > 0 ? auditedJobs > jobs.size : auditedJobs !== jobs.size)
      ? [{ promise: 'one Job an execution', task: null, detail: `the audit log has ${auditedJobs} created Jobs, the watch ${jobs.size}` }]
      : []),
  ]
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group) group.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}
