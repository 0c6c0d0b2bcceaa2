// Whether a load run kept its promises, and what it measured, as text. Pure.
import { median, percentile } from '../../bench/lib/statistics.ts'
import { ALLOWED, type Answered, type Kind, type Loaded, type Phase, type Seen } from './model.ts'

export interface Promised {
  name: string
  kept: boolean
  /** What was seen. */
  saw: string
}

/** Over the idle 99th percentile. */
const SLOWER_MS = 100
/** Of the middle third's median: garbage collection breathes. */
const GROWTH = { factor: 1.1, mb: 24 }
/** The server gives headers 10 s and a whole request 30 s, and looks every second; under load a little more. */
const SLOW_LIVES_SECONDS = { headers: 30, body: 50 }
/** A short run cannot tell growth from warm-up. */
const LEAST_SAMPLES = 60

export function judge(loaded: Loaded, seen: Seen, options: { latency: boolean }): Promised[] {
  const tasks = Object.entries(loaded.tasks)
  const accepted = tasks.filter(([, answers]) => answers.includes(202)).map(([id]) => id)
  const lost = accepted.filter((id) => seen.verdicts[id] === undefined)
  const twice = tasks.map(([id]) => id).filter((id) => (seen.jobs[id] ?? 0) > 1 || (seen.pods[id] ?? 0) > 1)
  const several = Object.entries(seen.verdicts).filter(([, { ids }]) => ids > 1)
  const wrong = Object.entries(seen.verdicts).filter(([, { type, verified }]) => type !== 'task_completed' || !verified)
  const refused = tasks.filter(([, answers]) => answers.every((status) => status >= 400 && status < 500))
  const ran = refused.filter(([id]) => (seen.jobs[id] ?? 0) > 0)
  const odd = loaded.answered.filter((answer) => !isAllowed(answer))
  const later = loaded.answered.filter(({ status }) => status === 429 || status === 503)
  const mute = later.filter(({ retryAfter }) => !retryAfter)
  const refusals = (during: Phase['name'], because: string): number =>
    loaded.answered.filter(({ phase, code }) => phase === during && code === because).length
  const atCapacity = refusals('load', 'at_capacity')
  const overloaded = refusals('storm', 'overloaded')
  const uncut = loaded.slow.filter(({ part, seconds }) => seconds > SLOW_LIVES_SECONDS[part])
  const recovery = loaded.answered.filter(({ phase, kind }) => phase === 'recovery' && kind === 'assignment')
  const taken = recovery.filter(({ status }) => status === 202).length

  return [
    promise(
      'nothing accepted is lost',
      lost.length === 0 && accepted.length > 0,
      `${accepted.length} accepted, ${lost.length} without a verdict${some(lost)}`,
    ),
    promise('no task runs twice', twice.length === 0, `${twice.length} of ${tasks.length} with a second Job or Pod${some(twice)}`),
    promise(
      'one verdict a task, signed, and the right one',
      several.length + wrong.length === 0,
      `${several.length} under two ids, ${wrong.length} wrong or unsigned${some([...several, ...wrong].map(([id]) => id))}`,
    ),
    promise(
      'what is refused runs nothing',
      ran.length === 0,
      `${ran.length} of ${refused.length} refused tasks have a Job${some(ran.map(([id]) => id))}`,
    ),
    promise(
      'every answer is one that its request may get',
      odd.length === 0,
      `${odd.length} others${some(odd.map(({ kind, status, code }) => `${kind} ${status} ${code}`))}`,
    ),
    promise('429 and 503 say when to come back', mute.length === 0, `${later.length} such answers, ${mute.length} without Retry-After`),
    promise(
      'it was an overload',
      atCapacity > 0 && overloaded > 0,
      `${atCapacity} at capacity; ${overloaded} beyond the requests in flight in the storms`,
    ),
    promise(
      'slow connections are cut',
      uncut.length === 0 && loaded.slow.length > 0,
      `${loaded.slow.length} cut, the longest after ${Math.max(0, ...loaded.slow.map(({ seconds }) => seconds)).toFixed(1)} s`,
    ),
    promise(
      'it recovers',
      recovery.length > 0 && taken === recovery.length,
      `${taken} of ${recovery.length} assignments taken after the load`,
    ),
    promise(
      'SIGTERM ends it with 0',
      seen.exitCode === 0,
      `exit code ${seen.exitCode}, settled ${seen.settledSeconds?.toFixed(0) ?? 'not'} s after the load`,
    ),
    ...(options.latency ? [latency(loaded)] : []),
    ...(seen.residentMb.length >= LEAST_SAMPLES ? [memory(seen.residentMb)] : []),
  ]
}

function isAllowed({ kind, status, code }: Answered): boolean {
  // It hung up itself.
  if (kind === 'aborted' && status === 0) return true
  // Headers that are too large are answered and the connection closed while the client may still be writing.
  if (kind === 'malformed' && status === 0) return /UND_ERR_SOCKET|ECONNRESET|EPIPE/.test(code)
  return ALLOWED[kind].includes(status) || status === 429 || status === 503
}

/** Answers that came, of every kind; one that was hung up on has none. */
function times(answered: readonly Answered[], phase: Phase['name'], kind?: Kind): number[] {
  return answered
    .filter((each) => each.phase === phase && each.status !== 0 && (kind === undefined || each.kind === kind))
    .map(({ ms }) => ms)
}

function latency({ answered, latestMs }: Loaded): Promised {
  const idle = percentile(times(answered, 'idle'), 99)
  const load = percentile(times(answered, 'load'), 99)
  const late = latestMs > SLOWER_MS ? `; the load itself was up to ${latestMs.toFixed(0)} ms late` : ''
  return promise(
    `p99 of answers at most ${SLOWER_MS} ms over idle`,
    load <= idle + SLOWER_MS,
    `${idle.toFixed(1)} ms idle, ${load.toFixed(1)} ms under load${late}`,
  )
}

function memory(samples: readonly number[]): Promised {
  const third = Math.floor(samples.length / 3)
  const before = median(samples.slice(third, 2 * third))
  const after = median(samples.slice(2 * third))
  return promise(
    'memory is flat',
    after <= before * GROWTH.factor + GROWTH.mb,
    `${before.toFixed(0)} MB in the middle third of the load, ${after.toFixed(0)} MB in the last, ${Math.max(...samples).toFixed(0)} MB at most`,
  )
}

function promise(name: string, kept: boolean, saw: string): Promised {
  return { name, kept, saw }
}

function some(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (${[...new Set(names)].slice(0, 5).join(', ')})`
}

/** Requests by phase and kind: how many, with which answers, how fast. */
export function requestTable({ answered }: Loaded): string {
  const rows = [['phase', 'kind', 'requests', 'p50 ms', 'p99 ms', 'max ms', 'answers']]
  for (const phase of ['idle', 'load', 'storm', 'recovery'] as const) {
    for (const kind of Object.keys(ALLOWED) as Kind[]) {
      const these = answered.filter((each) => each.phase === phase && each.kind === kind)
      if (these.length === 0) continue
      const ms = times(answered, phase, kind)
      const figures =
        ms.length === 0 ? ['', '', ''] : [percentile(ms, 50), percentile(ms, 99), percentile(ms, 100)].map((each) => each.toFixed(1))
      const byAnswer = Object.entries(
        Object.groupBy(these, ({ status, code }) => `${status || 'none'}${status >= 200 && code === '' ? '' : ` ${code}`}`),
      )
      const answers = byAnswer.map(([answer, list]) => `${answer}: ${list?.length}`).sort()
      rows.push([phase, kind, String(these.length), ...figures, answers.join(', ')])
    }
  }
  return text(rows)
}

export function promiseTable(promised: readonly Promised[]): string {
  return text(promised.map(({ name, kept, saw }) => [kept ? 'kept' : 'BROKEN', name, saw]))
}

function text(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return `${rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`
}
