// `jobhook deliveries`: lists reports that are owed or dead, and sends them again. Talks to a running jobhook by REST.
import { DELIVERY_STATES, type DeliveryItem, type DeliveryList, type ReplayResult } from '../model/delivery.ts'
import { type Client, complain, createClient, readTarget, TARGET_NOTE, TARGET_OPTIONS } from './client.ts'
import { type Arguments, type CommandSpec, EXIT, readDurationMs, runWith, usageError } from './options.ts'
import { fit, printable } from './text.ts'

export const SPEC: CommandSpec = {
  name: 'deliveries',
  summary: 'Lists reports that are owed or dead, or sends them again.',
  usage: '[--state STATES] [--json] | replay ID… [--json] | replay --since DURATION [--json]',
  positionals: { min: 0, max: 101 },
  options: {
    state: { value: 'STATES', description: `Comma-separated: ${DELIVERY_STATES.join(', ')}. Default: owed,dead.` },
    json: { description: 'Prints JSON, one report a line; after replay --since {"replayed": […], "failed": […]}.' },
    since: { value: 'DURATION', description: 'With replay: every dead letter that became one within it, such as 90m, 2h or 1d.' },
    ...TARGET_OPTIONS,
  },
  notes: [
    'A replay sends a dead report again, under the same id and with the same content, on a new schedule; one that is owed is tried at once.',
    'ID is a task’s id or its task_id. Listing needs the scope read, a replay admin.',
    TARGET_NOTE,
  ],
  exits: [['1', 'The service was not reached, refused, or at least one report could not be sent again.']],
}

const PAGE_LIMIT = 1_000

export function deliveries(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const problem = misuse(args)
    if (problem) return usageError(SPEC, problem)
    const target = readTarget(args, process.env)
    if (!target.ok) return usageError(SPEC, target.problem)
    const client = createClient(target.target)
    try {
      const [verb, ...ids] = args.positionals
      if (verb === undefined) return await list(client, args)
      const json = args.has('json')
      return ids.length > 0 ? await replay(client, ids, json) : await replaySince(client, sinceMs(args.text('since')) ?? 0, json)
    } finally {
      await client.close()
    }
  })
}

function misuse(args: Arguments): string | null {
  const [verb, ...ids] = args.positionals
  if (verb === undefined) return args.has('since') ? '--since belongs to replay' : null
  if (verb !== 'replay') return `unknown word ${JSON.stringify(verb)}: did you mean "replay"?`
  if (ids.length > 0 === args.has('since')) return 'replay needs either IDs or --since DURATION'
  if (args.has('since') && sinceMs(args.text('since')) === null) return '--since must be a duration such as 90m, 2h or 1d'
  return args.has('state') ? '--state belongs to the list' : null
}

async function list(client: Client, args: Arguments): Promise<number> {
  const items: DeliveryItem[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = new URLSearchParams({ limit: String(PAGE_LIMIT) })
    const state = args.text('state')
    if (state !== undefined) query.set('state', state)
    if (cursor !== '') query.set('cursor', cursor)
    const called: Awaited<ReturnType<typeof client.call<DeliveryList>>> = await client.call<DeliveryList>('GET', `/v1/deliveries?${query}`)
    if (!called.ok) return complain(SPEC.name, called.failure)
    items.push(...called.value.items)
    cursor = called.value.next_cursor
  }
  if (args.has('json')) for (const item of items) process.stdout.write(`${JSON.stringify(item)}\n`)
  else process.stdout.write(table(items))
  return EXIT.ok
}

function table(items: readonly DeliveryItem[]): string {
  if (items.length === 0) return 'No such reports.\n'
  const rows = items.map((item) => [
    printable(item.task_id),
    item.task_state,
    item.state,
    String(item.attempts),
    item.next_at ?? item.closed_at ?? '',
    printable(item.last_error ?? ''),
  ])
  const head = ['TASK', 'ENDED', 'REPORT', 'TRIES', 'NEXT OR CLOSED', 'LAST ERROR']
  const widths = head.map((title, column) => Math.min(48, Math.max(title.length, ...rows.map((row) => [...(row[column] ?? '')].length))))
  return [head, ...rows]
    .map(
      (row) =>
        `${row
          .map((text, column) => fit(text, widths[column] ?? 0, true))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

async function replay(client: Client, ids: readonly string[], json: boolean): Promise<number> {
  let exit: number = EXIT.ok
  for (const id of ids) {
    const called = await client.call<DeliveryItem>('POST', `/v1/deliveries/${encodeURIComponent(id)}/replay`)
    if (called.ok) process.stdout.write(json ? `${JSON.stringify(called.value)}\n` : `${printable(called.value.task_id)}: is sent again\n`)
    else exit = complain(SPEC.name, { ...called.failure, text: `${printable(id)}: ${called.failure.text}` })
  }
  return exit
}

async function replaySince(client: Client, ms: number, json: boolean): Promise<number> {
  const since = new Date(Date.now() - ms).toISOString()
  const called = await client.call<ReplayResult>('POST', '/v1/deliveries/replay', { body: { since } })
  if (!called.ok) return complain(SPEC.name, called.failure)
  const { replayed, failed } = called.value
  const said = `${replayed.length} ${replayed.length === 1 ? 'report is' : 'reports are'} sent again`
  process.stdout.write(`${json ? JSON.stringify(called.value) : said}\n`)
  for (const { id, detail } of failed) process.stderr.write(`jobhook deliveries: ${printable(id)}: ${printable(detail)}\n`)
  return failed.length === 0 ? EXIT.ok : EXIT.failed
}

/** Milliseconds; hours and days too, which other commands' durations have no use for. */
function sinceMs(text: string | undefined): number | null {
  const [, amount, unit] = /^([0-9]+)(h|d)$/.exec(text ?? '') ?? []
  if (amount !== undefined) return Number(amount) * (unit === 'd' ? 86_400_000 : 3_600_000)
  return text === undefined ? null : readDurationMs(text)
}
