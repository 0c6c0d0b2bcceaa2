// Starts the example control plane as its own process. Secrets come from the environment, so that they do not show in the process list.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { createSigner, createVerifier } from '../../src/lib/standard-webhooks.ts'
import { createLedger } from './ledger.ts'
import { push } from './push.ts'
import { createControlPlane } from './server.ts'

const GIVE_UP_AFTER_MS = 75 * 3600 * 1000

const { values } = parseArgs({
  options: {
    jobhook: { type: 'string' },
    'jobhook-address-file': { type: 'string' },
    port: { type: 'string', default: '9000' },
    'address-file': { type: 'string' },
  },
})
const webhookSecret = process.env.CONTROL_PLANE_WEBHOOK_SECRET
const callbackSecret = process.env.CONTROL_PLANE_CALLBACK_SECRET
if (!webhookSecret || !callbackSecret || (!values.jobhook && !values['jobhook-address-file'])) {
  console.error(
    'Usage: CONTROL_PLANE_WEBHOOK_SECRET=… CONTROL_PLANE_CALLBACK_SECRET=… node examples/control-plane/main.ts (--jobhook http://127.0.0.1:8080 | --jobhook-address-file FILE) [--port 9000] [--address-file FILE]',
  )
  process.exit(2)
}

const stopping = new AbortController()
const signer = createSigner(webhookSecret.split(' '))
const handle = createControlPlane({
  ledger: createLedger(),
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
const server = createServer((request, response) => void handle(request, response))
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
