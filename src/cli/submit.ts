// `jobhook submit`: a task by hand, from options or a file, to a running jobhook; with --wait it ends as the task does.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { describeError } from '../lib/log.ts'
import { dropNulls } from '../model/drop-nulls.ts'
import type { TaskRecord } from '../model/task.ts'
import { type Client, complain, createClient, readTarget, TARGET_NOTE, TARGET_OPTIONS } from './client.ts'
import { type Arguments, type CommandSpec, EXIT, readInteger, runWith, usageError } from './options.ts'
import { stopSignal } from './stop-signal.ts'
import { printable } from './text.ts'
import { endLine, exitCodeOf, pause, waitForEnd } from './wait.ts'

export const SPEC: CommandSpec = {
  name: 'submit',
  summary: 'Submits a task to a running jobhook; with --wait it ends as the task does.',
  usage: '[FILE|-] [options] [-- COMMAND ARGUMENTS…]',
  positionals: { min: 0, max: 1 },
  options: {
    image: { value: 'IMAGE', description: 'Container image. Default: the service’s default_image.' },
    'task-id': { value: 'ID', description: 'The same id again is the same task. Default: a new one.' },
    'execution-id': { value: 'ID', description: 'Tells one run of a task from the next.' },
    title: { value: 'TEXT', description: 'For people.' },
    env: {
      value: 'NAME=VALUE',
      multiple: true,
      description: 'A variable of the task, kept in a Secret. NAME alone takes its value from here.',
    },
    label: { value: 'NAME=VALUE', multiple: true, description: 'For filters.' },
    timeout: { value: 'DURATION', description: 'How long it may run: 90s, 10m, 2h, or seconds.' },
    priority: { value: 'NUMBER', description: 'Order in the queue: higher goes first.' },
    'callback-url': { value: 'URL', description: 'Where its callbacks go, if the service allows that origin.' },
    wait: { description: 'Waits for its end; the exit code is then the task’s.' },
    json: { description: 'Prints the task as JSON (with --wait: as it ended).' },
    ...TARGET_OPTIONS,
  },
  notes: [
    'FILE holds an assignment message ({"type": "task_assignment", "data": {…}}) or its data alone, as JSON or YAML; - reads standard input. Options win over what it says.',
    'Printed is the task’s id alone, for scripts: ID=$(jobhook submit -- echo hello). How it goes is said on standard error.',
    TARGET_NOTE,
  ],
  exits: [
    ['0', 'Accepted; with --wait: completed.'],
    ['1', 'Refused, or the service was not reached; with --wait also: the task failed and its exit code is not known or was 0.'],
    ['130', 'Interrupted; a task that was accepted runs on.'],
    ['other', 'With --wait: the exit code of the task, which failed.'],
  ],
}

const ATTEMPTS = 4
const LONGEST_RETRY_SECONDS = 10

export function submit(argv: string[]): Promise<number> {
  const split = argv.indexOf('--')
  const command = split < 0 ? [] : argv.slice(split + 1)
  return runWith(SPEC, split < 0 ? argv : argv.slice(0, split), async (args) => {
    if (split >= 0 && command.length === 0) return usageError(SPEC, 'a command is missing after --')
    const target = readTarget(args, process.env)
    if (!target.ok) return usageError(SPEC, target.problem)
    const read = readTask(args, command, process.env)
    if (!read.ok) return read.usage ? usageError(SPEC, read.problem) : fail(read.problem)
    const client = createClient(target.target)
    const stop = stopSignal()
    try {
      return await run(client, read.task, args, stop.signal)
    } catch (error) {
      if (!stop.signal.aborted) throw error
      process.stderr.write('jobhook submit: interrupted; the task may have been accepted\n')
      return EXIT.interrupted
    } finally {
      stop.release()
      await client.close()
    }
  })
}

async function run(client: Client, assignment: Record<string, unknown>, args: Arguments, signal: AbortSignal): Promise<number> {
  const accepted = await submitOnce(client, assignment, signal)
  if (!accepted.ok) return complain('submit', accepted.failure)
  let task = accepted.value
  const repeat = accepted.headers['jobhook-duplicate'] === 'true'
  process.stderr.write(`${printable(task.task_id)}: ${repeat ? 'had been accepted before' : 'accepted'}\n`)
  if (!args.has('json')) process.stdout.write(`${printable(task.id)}\n`)
  if (!args.has('wait')) {
    if (args.has('json')) process.stdout.write(`${JSON.stringify(task, null, 2)}\n`)
    return EXIT.ok
  }
  const waited = await waitForEnd(client, task, signal)
  if (waited.kind === 'failed') return complain('submit', waited.failure)
  if (waited.kind === 'interrupted') {
    process.stderr.write(`jobhook submit: not waiting any more; the task runs on. To stop it: jobhook cancel ${task.id}\n`)
    return EXIT.interrupted
  }
  task = waited.task
  process.stderr.write(`${endLine(task)}\n`)
  if (args.has('json')) process.stdout.write(`${JSON.stringify(task, null, 2)}\n`)
  return exitCodeOf(task)
}

/** Repeats what is safe to repeat: with a task_id, or a key of this call's own, twice is once. */
async function submitOnce(client: Client, assignment: Record<string, unknown>, signal: AbortSignal) {
  const headers: Record<string, string> = 'task_id' in assignment ? {} : { 'idempotency-key': randomUUID() }
  for (let tries = 1; ; tries++) {
    const called = await client.call<TaskRecord>('POST', '/v1/tasks', { body: assignment, headers, signal })
    if (called.ok || tries === ATTEMPTS) return called
    const { status, code, retryAfterSeconds } = called.failure
    const mayPass = status === 503 || (status === 0 && code !== 'ECONNREFUSED' && code !== 'ENOTFOUND')
    if (!mayPass || (retryAfterSeconds ?? 0) > LONGEST_RETRY_SECONDS) return called
    await pause((retryAfterSeconds ?? tries) * 1000, signal)
  }
}

type Read = { ok: true; task: Record<string, unknown> } | { ok: false; usage: boolean; problem: string }

const wrong = (problem: string): Read => ({ ok: false, usage: true, problem })

/** Options go over what the file says. What it means is for the service to judge: it answers with every mistake at once. */
function readTask(args: Arguments, command: string[], env: NodeJS.ProcessEnv): Read {
  const file = args.positionals[0]
  const from = file === undefined ? { ok: true as const, task: {} } : readFile(file)
  if (!from.ok) return from
  const task: Record<string, unknown> = { ...from.task }
  const set = (field: string, value: unknown): void => {
    if (value !== undefined) task[field] = value
  }
  set('docker_image', args.text('image'))
  set('task_id', args.text('task-id'))
  set('execution_id', args.text('execution-id'))
  set('callback_url', args.text('callback-url'))
  const title = args.text('title')
  if (title !== undefined) task.task = { ...recordOf(task.task), title }
  if (command.length > 0) {
    task.command = command.slice(0, 1)
    task.args = command.slice(1)
  }
  const priority = args.text('priority')
  if (priority !== undefined) {
    if (!/^[+-]?[0-9]{1,7}$/.test(priority)) return wrong('--priority must be a whole number')
    task.priority = Number(priority)
  }
  const timeout = args.text('timeout')
  if (timeout !== undefined) {
    const seconds = secondsOf(timeout)
    if (seconds === null) return wrong('--timeout must be like 90s, 10m, 2h, or a number of seconds, at least 1')
    task.timeout_seconds = seconds
  }
  for (const [option, field] of [
    ['env', 'env_vars'],
    ['label', 'labels'],
  ] as const) {
    const pairs: Record<string, unknown> = { ...recordOf(task[field]) }
    for (const given of args.list(option)) {
      const equals = given.indexOf('=')
      const name = equals < 0 ? given : given.slice(0, equals)
      const value = equals >= 0 ? given.slice(equals + 1) : option === 'env' ? env[name] : undefined
      // Never the value: it may be a secret.
      if (name === '' || value === undefined)
        return wrong(
          option === 'env' && name !== '' ? `--env ${name}: there is no variable of this name here` : `--${option} must be NAME=VALUE`,
        )
      pairs[name] = value
    }
    if (args.list(option).length > 0) task[field] = pairs
  }
  if (file === undefined && command.length === 0 && args.text('image') === undefined)
    return wrong('there is nothing to run: give a FILE, a command after --, or --image')
  return { ok: true, task }
}

function readFile(file: string): Read {
  const name = file === '-' ? 'standard input' : file
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    return { ok: false, usage: false, problem: `${printable(name)} cannot be read: ${describeError(error)}` }
  }
  const document = parseDocument(text, { prettyErrors: false })
  const [error] = document.errors
  // The parser's own text quotes what is around the error, which may be a secret: only the place is told.
  if (error)
    return {
      ok: false,
      usage: false,
      problem: `${printable(name)} is neither JSON nor YAML: there is an error at character ${error.pos[0]}`,
    }
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  const data = typeof value === 'object' && value !== null && 'type' in value && 'data' in value ? value.data : value
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return { ok: false, usage: false, problem: `${printable(name)} holds no assignment: it must be an object` }
  return { ok: true, task: recordOf(dropNulls(data)) }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600 }

function secondsOf(text: string): number | null {
  const [, amount = '', unit = 's'] = /^([0-9]+)([smh])?$/.exec(text) ?? []
  const number = readInteger(amount, 1, 31_536_000)
  return number === null ? null : number * (UNIT_SECONDS[unit] ?? 1)
}

function fail(problem: string): number {
  process.stderr.write(`jobhook submit: ${problem}\n`)
  return EXIT.failed
}
