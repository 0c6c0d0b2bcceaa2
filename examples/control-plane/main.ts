// Starts the example control plane as its own process. Secrets come from the environment, so that they do not show in the process list.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { createSigner, createVerifier } from '../../src/lib/standard-webhooks.ts'
import { createLeaseBoard } from './leases.ts'
import { createLedger } from './ledger.ts'
import { createPollRoutes } from './poll.ts'
import { push } from './push.ts'
import { createControlPlane, noteResult } from './server.ts'

const GIVE_UP_AFTER_MS = 75 * 3600 * 1000
/** Of the long poll: how long a worker has to acknowledge, and when a message that it rejected is handed out again. */
const LEASE_MS = 60_000
const AFTER_REJECTION_MS = 2_000

const { values } = parseArgs({
  options: {
    jobhook: { type: 'string' },
    'jobhook-address-file': { type: 'string' },
    'poll-worker': { type: 'string' },
    port: { type: 'string', default: '9000' },
    'address-file': { type: 'string' },
  },
})
const webhookSecret = process.env.CONTROL_PLANE_WEBHOOK_SECRET
const callbackSecret = process.env.CONTROL_PLANE_CALLBACK_SECRET
const pollToken = process.env.CONTROL_PLANE_POLL_TOKEN
const pollWorker = values['poll-worker']
const reachable = pollWorker ? pollToken : webhookSecret && (values.jobhook || values['jobhook-address-file'])
if (!callbackSecret || !reachable) {
  console.error(
    'Usage: CONTROL_PLANE_WEBHOOK_SECRET=… CONTROL_PLANE_CALLBACK_SECRET=… node examples/control-plane/main.ts (--jobhook http://127.0.0.1:8080 | --jobhook-address-file FILE) [--port 9000] [--address-file FILE]',
  )
  console.error(
    'Or, for a jobhook that fetches its assignments: CONTROL_PLANE_POLL_TOKEN=… CONTROL_PLANE_CALLBACK_SECRET=… node examples/control-plane/main.ts --poll-worker WORKER_ID [--port 9000]',
  )
  process.exit(2)
}

const stopping = new AbortController()
const signer = webhookSecret ? createSigner(webhookSecret.split(' ')) : { sign: () => '' }
const ledger = createLedger()
const board = createLeaseBoard(
  { nowMs: Date.now, onResult: (_id, result) => noteResult(ledger, Date.now(), result) },
  { leaseMs: LEASE_MS, afterRejectionMs: AFTER_REJECTION_MS },
)
const handlePoll = pollToken ? createPollRoutes({ board, token: pollToken }) : async () => false
const handle = createControlPlane({
  ledger,
  ...(pollWorker ? { pull: { board, workerId: pollWorker } } : {}),
  verifier: createVerifier(callbackSecret.split(' ')),
  nowMs: Date.now,
  send: (message, webhookId, onAttempt) =>
    push(
      message,
      webhookId,
      { url: webhookUrl, signer, nowMs: Date.now, giveUpAfterMs: GIVE_UP_AFTER_MS, signal: stopping.signal },
      onAttempt,
    ),
})
const server = createServer(async (request, response) => {
  if (!(await handlePoll(request, response))) await handle(request, response)
})
server.listen(Number(values.port), '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo // a listening TCP server has one
const address = `http://127.0.0.1:${port}`
if (values['address-file']) writeFileSync(values['address-file'], address)
console.log(`control plane: listening on ${address}; callbacks go to ${address}/hooks/tasks`)

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, stop)

function stop(): void {
  stopping.abort()
  server.close()
  server.closeAllConnections()
}

/** jobhook's webhook, from its address or the file that it writes its address to (absent until it is up). */
function webhookUrl(): string | null {
  try {
    const base = (values.jobhook ?? readFileSync(values['jobhook-address-file'] ?? '', 'utf8')).trim()
    return base === '' ? null : new URL('/v1/webhook', base.includes('://') ? base : `http://${base}`).href
  } catch {
    return null
  }
}
