// `jobhook tasks`: what a running jobhook has, as a table or JSON, once or again and again.
import { TASK_STATES, type TaskList, type TaskRecord } from '../model/task.ts'
import { type Called, type Client, complain, createClient, readTarget, TARGET_NOTE, TARGET_OPTIONS, taskPath } from './client.ts'
import { painterFor } from './colour.ts'
import { type Arguments, type CommandSpec, columns, EXIT, readInteger, runWith, usageError } from './options.ts'
import { stopSignal } from './stop-signal.ts'
import { printable } from './text.ts'
import { ENDED, pause, stateStyle } from './wait.ts'

export const SPEC: CommandSpec = {
  name: 'tasks',
  summary: 'Lists tasks, newest first, or shows one.',
  usage: '[ID] [--state STATE] [--label NAME=VALUE] [--limit N] [--watch] [--json]',
  positionals: { min: 0, max: 1 },
  options: {
    state: { value: 'STATE', multiple: true, description: `Only these: ${TASK_STATES.join(', ')}; several by comma.` },
    label: { value: 'NAME=VALUE', description: 'Only tasks with this label.' },
    limit: { value: 'N', description: 'At most so many. Default 50.' },
    watch: { description: 'Asks again every two seconds, until Ctrl-C (or, with ID, until its end).' },
    json: { description: 'As the API gives it; with --watch one line for each change.' },
    ...TARGET_OPTIONS,
  },
  notes: ['ID is a task’s id or its task_id (then its newest execution).', TARGET_NOTE],
  exits: [['1', 'There is no such task, or the service was not reached.']],
}

const DEFAULT_LIMIT = 50
const PAGE = 500
const WATCH_MS = 2_000

export function tasks(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const target = readTarget(args, process.env)
    if (!target.ok) return usageError(SPEC, target.problem)
    const id = args.positionals[0]
    const query = readQuery(args)
    if ('problem' in query) return usageError(SPEC, query.problem)
    const client = createClient(target.target)
    const stop = stopSignal()
    const look = (): Promise<Called<TaskRecord[]>> => (id === undefined ? list(client, query, stop.signal) : one(client, id, stop.signal))
    try {
      if (args.has('watch')) return await watch(look, { json: args.has('json'), untilEnd: id !== undefined }, stop.signal)
      const called = await look()
      if (!called.ok) return complain('tasks', called.failure)
      print(called.value, { json: args.has('json'), single: id !== undefined })
      return EXIT.ok
    } catch (error) {
      if (stop.signal.aborted) return EXIT.ok
      throw error
    } finally {
      stop.release()
      await client.close()
    }
  })
}

interface Query {
  state: string | null
  label: string | null
  limit: number
}

function readQuery(args: Arguments): Query | { problem: string } {
  const states = args.list('state').flatMap((given) => given.split(','))
  const unknown = states.find((state) => !(TASK_STATES as readonly string[]).includes(state))
  if (unknown !== undefined) return { problem: `--state ${JSON.stringify(unknown)} is none of ${TASK_STATES.join(', ')}` }
  const label = args.text('label') ?? null
  if (label !== null && !label.includes('=')) return { problem: '--label must be NAME=VALUE' }
  const limit = readInteger(args.text('limit') ?? String(DEFAULT_LIMIT), 1, 1_000_000)
  if (limit === null) return { problem: '--limit must be a whole number, at least 1' }
  if (args.positionals[0] !== undefined && (states.length > 0 || label !== null))
    return { problem: 'with an ID there is nothing to filter' }
  return { state: states.length > 0 ? states.join(',') : null, label, limit }
}

async function one(client: Client, id: string, signal: AbortSignal): Promise<Called<TaskRecord[]>> {
  const called = await client.call<TaskRecord>('GET', taskPath(id), { signal })
  return called.ok ? { ...called, value: [called.value] } : called
}

async function list(client: Client, query: Query, signal: AbortSignal): Promise<Called<TaskRecord[]>> {
  const items: TaskRecord[] = []
  let cursor: string | null = null
  for (;;) {
    const parameters = new URLSearchParams({ limit: String(Math.min(PAGE, query.limit - items.length)) })
    if (query.state !== null) parameters.set('state', query.state)
    if (query.label !== null) parameters.set('label', query.label)
    if (cursor !== null) parameters.set('cursor', cursor)
    const called: Called<TaskList> = await client.call<TaskList>('GET', `/v1/tasks?${parameters}`, { signal })
    if (!called.ok) return called
    items.push(...called.value.items)
    cursor = called.value.next_cursor
    if (cursor === null || items.length >= query.limit) return { ...called, value: items }
  }
}

/** On a terminal the table is drawn anew; elsewhere, and as JSON, each change is a line. A short outage is told and waited out. */
async function watch(
  look: () => Promise<Called<TaskRecord[]>>,
  options: { json: boolean; untilEnd: boolean },
  signal: AbortSignal,
): Promise<number> {
  const live = !options.json && process.stdout.isTTY === true && process.env.TERM !== 'dumb'
  const seen = new Map<string, string>()
  let reached = false
  for (;;) {
    const called = await look()
    if (!called.ok) {
      const mayPass = called.failure.status === 0 || called.failure.status === 429 || called.failure.status >= 500
      if (!reached || !mayPass) return complain('tasks', called.failure)
      process.stderr.write(`jobhook tasks: ${called.failure.text}\n`)
    } else {
      reached = true
      if (live) process.stdout.write(`\u001b[H\u001b[2J${table(called.value)}`)
      else {
        for (const task of called.value.toReversed()) {
          const text = JSON.stringify(task)
          if (seen.get(task.id) === text) continue
          seen.set(task.id, text)
          process.stdout.write(options.json ? `${text}\n` : `${cells(task).map(printable).join('  ')}\n`)
        }
      }
      if (options.untilEnd && called.value.every((task) => ENDED.has(task.state))) return EXIT.ok
    }
    await pause(WATCH_MS, signal)
  }
}

function print(found: TaskRecord[], options: { json: boolean; single: boolean }): void {
  const [first] = found
  if (options.json) process.stdout.write(`${JSON.stringify(options.single ? first : { items: found }, null, 2)}\n`)
  else if (options.single && first) process.stdout.write(details(first))
  else if (found.length === 0) process.stderr.write('there are no such tasks\n')
  else process.stdout.write(table(found))
}

const HEADINGS = ['TASK', 'STATE', 'REASON', 'EXIT', 'AGE', 'DELIVERY', 'ID']
const STATE_COLUMN = 1

function cells(task: TaskRecord): string[] {
  return [
    task.task_id,
    task.state,
    task.reason ?? '-',
    task.exit_code === null ? '-' : String(task.exit_code),
    ageOf(task.times.created),
    task.delivery.state === 'owed' && task.delivery.attempts > 0 ? `owed (${task.delivery.attempts})` : task.delivery.state,
    task.id,
  ]
}

function table(found: TaskRecord[]): string {
  const rows = found.map((task) => cells(task).map(printable))
  const widths = HEADINGS.map((heading, index) => Math.max(heading.length, ...rows.map((row) => [...(row[index] ?? '')].length)))
  const line = (row: string[], painted: (text: string, index: number) => string): string =>
    `${row
      .map((text, index) => painted(index === row.length - 1 ? text : text + ' '.repeat((widths[index] ?? 0) - [...text].length), index))
      .join('  ')}\n`
  const paint = painterFor(process.stdout)
  return [
    line(HEADINGS, (text) => paint('bold', text)),
    ...rows.map((row, number) =>
      line(row, (text, index) => (index === STATE_COLUMN ? paint(stateStyle(found[number]?.state ?? ''), text) : text)),
    ),
  ].join('')
}

function details(task: TaskRecord): string {
  const rows: [string, string | null][] = [
    ['task_id', task.task_id],
    ['execution_id', task.execution_id],
    ['id', task.id],
    ['title', task.title],
    ['state', task.state],
    ['queue_position', task.queue_position === null ? null : String(task.queue_position)],
    ['reason', task.reason],
    ['message', task.message],
    ['exit_code', task.exit_code === null ? null : String(task.exit_code)],
    ['retryable', task.retryable === null ? null : String(task.retryable)],
    [
      'labels',
      Object.entries(task.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(', ') || null,
    ],
    ...Object.entries(task.times).map(([name, at]): [string, string | null] => [name, at]),
    ['pod', task.pod],
    ['node', task.node],
    ['delivery', `${task.delivery.state}, ${task.delivery.attempts} attempt${task.delivery.attempts === 1 ? '' : 's'}`],
    ['next attempt', task.delivery.next_at],
    ['last error', task.delivery.last_error],
  ]
  return `${columns(rows.flatMap(([name, value]) => (value === null ? [] : [[name, printable(value)] as const])))}\n`
}

const UNITS: [unit: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
]

/** 45s, 12m, 3h, 2d. */
function ageOf(time: string | null): string {
  if (time === null) return '-'
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000))
  const [unit, size] = UNITS.find(([, each]) => seconds >= 2 * each) ?? ['s', 1]
  return `${Math.floor(seconds / size)}${unit}`
}
