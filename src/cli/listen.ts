// `jobhook listen`: receives callbacks, verifies them and prints one line each; or plays a receiver that fails, stalls or hangs.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createVerifier } from '../lib/standard-webhooks.ts'
import { type Arguments, type CommandSpec, EXIT, readDurationMs, readInteger, runWith, usageError } from './options.ts'
import { createReceiver, type ReceivedCallback, type ReceiverAnswer } from './receiver.ts'
import { readSecrets, secretOption } from './secrets.ts'
import { stopSignal } from './stop-signal.ts'
import { printable } from './text.ts'

const DEFAULT_PORT = 9000

export const SPEC: CommandSpec = {
  name: 'listen',
  summary: 'Receives callbacks, verifies and prints them, or plays a sick receiver.',
  usage: '--secret KEY [--port PORT] [--fail N] [--status CODE] [--delay TIME] [--hang] [--json]',
  positionals: { min: 0, max: 0 },
  options: {
    secret: secretOption('whsec_… (shared secret) or whpk_… (public ed25519 key)'),
    port: { value: 'PORT', description: `Default ${DEFAULT_PORT}; 0 picks a free one.` },
    fail: {
      value: 'N',
      description: 'Is sick for the first N callbacks only, then well. Default: 0, or all when --status or --hang is given.',
    },
    status: { value: 'CODE', description: 'What a sick receiver answers: 300 to 599. Default 500.' },
    delay: { value: 'TIME', description: 'Waits before each answer: 2s, 500ms, 1m.' },
    hang: { description: 'A sick receiver does not answer at all.' },
    json: {
      description: 'Prints each callback as one JSON object, with its headers and body; what was refused as {"refused", "answered"}.',
    },
  },
  exits: [['0', 'Ended by Ctrl-C or SIGTERM.']],
  notes: ['It listens on 127.0.0.1, any path, and ends with Ctrl-C. A line is: time, answer given, what was received, its webhook-id.'],
}

/** How the receiver behaves: sick for the first `sickFor` callbacks. */
interface Behaviour {
  sickFor: number
  status: number
  delayMs: number
  hang: boolean
}

export function listen(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const secrets = readSecrets(args, 'verify', process.env)
    if (!secrets.ok) return usageError(SPEC, secrets.problem)
    const behaviour = readBehaviour(args)
    if ('problem' in behaviour) return usageError(SPEC, behaviour.problem)
    const port = readInteger(args.text('port') ?? String(DEFAULT_PORT), 0, 65_535)
    if (port === null) return usageError(SPEC, '--port must be a number from 0 to 65535')
    return receive(secrets.secrets, behaviour, port, args.has('json'))
  })
}

async function receive(secrets: string[], behaviour: Behaviour, port: number, json: boolean): Promise<number> {
  const stop = stopSignal()
  let received = 0
  const receiver = createReceiver({
    verifier: createVerifier(secrets),
    nowMs: Date.now,
    async onCallback(callback) {
      const sick = ++received <= behaviour.sickFor
      if (behaviour.delayMs > 0) await delay(behaviour.delayMs, undefined, { ref: false })
      const status = sick ? (behaviour.hang ? null : behaviour.status) : 200
      process.stdout.write(`${(json ? jsonLine : textLine)(callback, status)}\n`)
      return status === null ? null : sickAnswer(status)
    },
    onRefused: ({ status, detail }) =>
      process.stdout.write(
        json ? `${JSON.stringify({ refused: detail, answered: status })}\n` : `${time(Date.now())} ${status} refused: ${detail}\n`,
      ),
  })
  const server = createServer((request, response) => void receiver(request, response))
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    process.stderr.write(`jobhook listen: cannot listen on port ${port}: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT.failed
  }
  const { port: actualPort } = server.address() as AddressInfo // a listening TCP server has one
  process.stderr.write(`listening on http://127.0.0.1:${actualPort} (any path); Ctrl-C ends it\n`)
  await stop.requested
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  return EXIT.ok
}

function readBehaviour(args: Arguments): Behaviour | { problem: string } {
  const hang = args.has('hang')
  const fail = args.text('fail')
  const sickFor = fail === undefined ? (hang || args.has('status') ? Number.POSITIVE_INFINITY : 0) : readInteger(fail, 0, 1_000_000)
  if (sickFor === null) return { problem: '--fail must be a whole number' }
  const status = readInteger(args.text('status') ?? '500', 300, 599)
  if (status === null) return { problem: '--status must be a number from 300 to 599' }
  const delayMs = readDurationMs(args.text('delay') ?? '0s')
  if (delayMs === null) return { problem: '--delay must be a time such as 2s, 500ms or 1m' }
  return { sickFor, status, delayMs, hang }
}

/** 429 and 503 tell when to come back, as a real receiver would. */
function sickAnswer(status: number): ReceiverAnswer {
  return { status, ...(status === 429 || status === 503 ? { headers: { 'retry-after': '1' } } : {}) }
}

function textLine({ id, receivedMs, type, data }: ReceivedCallback, status: number | null): string {
  const parts = [
    time(receivedMs),
    status ?? 'no answer',
    type,
    `${data.task_id ?? '-'}/${data.execution_id ?? '-'}`,
    data.task_state,
    data.failure_reason,
    typeof data.exit_code === 'number' ? `exit ${data.exit_code}` : null,
    data.message ? JSON.stringify(data.message) : null,
    id,
  ]
  return parts
    .filter((part) => part !== undefined && part !== null)
    .map((part) => printable(String(part)))
    .join(' ')
}

function jsonLine({ headers, id, receivedMs, type, data }: ReceivedCallback, status: number | null): string {
  return JSON.stringify({
    received_at: new Date(receivedMs).toISOString(),
    answered: status,
    webhook_id: id,
    headers,
    body: { type, data },
  })
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(11, 23)
}
