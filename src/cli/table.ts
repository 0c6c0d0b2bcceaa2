// The table of commands: what each is for and where it is, loaded only when called. Help, docs/cli.md and shell completion are made from it.
import type { CommandSpec } from './options.ts'

export interface Command {
  spec: CommandSpec
  run(argv: string[]): Promise<number>
}

export interface CommandEntry {
  /** As in its specification (a test compares them): the list of commands must not load them all. */
  summary: string
  load(): Promise<Command>
}

const command = (summary: string, load: CommandEntry['load']): CommandEntry => ({ summary, load })

/** In the order of the help: what runs and tries jobhook, what talks to one, what a control plane’s developer needs, what an operator needs. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: command('Runs the service: webhooks in, Jobs out, callbacks back.', async () => {
    const { SPEC: spec, serve: run } = await import('./serve.ts')
    return { spec, run }
  }),
  demo: command('Shows the whole path in this terminal, without a cluster: 20 tasks, some of which fail on purpose.', async () => {
    const { SPEC: spec, demo: run } = await import('./demo/command.ts')
    return { spec, run }
  }),
  submit: command('Submits a task to a running jobhook; with --wait it ends as the task does.', async () => {
    const { SPEC: spec, submit: run } = await import('./submit.ts')
    return { spec, run }
  }),
  tasks: command('Lists tasks, newest first, or shows one.', async () => {
    const { SPEC: spec, tasks: run } = await import('./tasks.ts')
    return { spec, run }
  }),
  logs: command('Prints a task’s log, or follows it.', async () => {
    const { SPEC: spec, logs: run } = await import('./logs.ts')
    return { spec, run }
  }),
  cancel: command('Cancels tasks: each is stopped, then its end is reported.', async () => {
    const { SPEC: spec, cancel: run } = await import('./cancel.ts')
    return { spec, run }
  }),
  deliveries: command('Lists reports that are owed or dead, or sends them again.', async () => {
    const { SPEC: spec, deliveries: run } = await import('./deliveries.ts')
    return { spec, run }
  }),
  render: command('Prints the Job and the Secret an assignment would become.', async () => {
    const { SPEC: spec, render: run } = await import('./render.ts')
    return { spec, run }
  }),
  keys: command('Makes a webhook secret, or a pair of ed25519 keys.', async () => {
    const { SPEC: spec, keys: run } = await import('./keys.ts')
    return { spec, run }
  }),
  sign: command('Signs a message (Standard Webhooks) and prints the curl command that sends it.', async () => {
    const { SPEC: spec, sign: run } = await import('./sign.ts')
    return { spec, run }
  }),
  listen: command('Receives callbacks, verifies and prints them, or plays a sick receiver.', async () => {
    const { SPEC: spec, listen: run } = await import('./listen.ts')
    return { spec, run }
  }),
  try: command('Tries a running service: one signed webhook, one task, its signed callback.', async () => {
    const { SPEC: spec, tryOut: run } = await import('./try.ts')
    return { spec, run }
  }),
  config: command('Prints the settings as they take effect, each with its source.', async () => {
    const { SPEC: spec, config: run } = await import('./config-print.ts')
    return { spec, run }
  }),
  doctor: command(
    'Checks cluster, rights, namespace, secrets, callback URL and long poll, and says what puts right what is wrong.',
    async () => {
      const { SPEC: spec, doctor: run } = await import('./doctor.ts')
      return { spec, run }
    },
  ),
  release: command('For leaving: takes jobhook’s finalizer off every Job of a worker, and says what is not reported.', async () => {
    const { SPEC: spec, release: run } = await import('./release.ts')
    return { spec, run }
  }),
  completion: command('Prints what makes a shell complete commands and options.', async () => {
    const { SPEC: spec, completion: run } = await import('./completion.ts')
    return { spec, run }
  }),
}

/** Every specification, by name; loads every command. */
export async function allSpecs(): Promise<CommandSpec[]> {
  return Promise.all(Object.values(COMMANDS).map(async (entry) => (await entry.load()).spec))
}
