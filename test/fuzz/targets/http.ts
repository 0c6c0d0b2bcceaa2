// Raw bytes on connections to the whole service: never a 5xx but the documented 503, always an answer that is HTTP, and a service that is as well
// after it as before: same memory, no connection left, still ready.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import fc from 'fast-check'
import { request } from 'undici'
import { createSigner } from '../../../src/lib/standard-webhooks.ts'
import { statuses } from '../../support/raw.ts'
import { until } from '../../support/wait.ts'
import { type Bytes, bytesOf, mutated } from '../mutate.ts'
import { type Fuzzed, isWell, startFuzzed, TOKEN, WEBHOOK_SECRET } from '../service.ts'
import type { Target } from '../target.ts'
import { MESSAGES } from './message.ts'

const signer = createSigner([WEBHOOK_SECRET])
const nowSeconds = Math.floor(Date.now() / 1000)
const head = (line: string, ...headers: string[]): string => `${[`${line} HTTP/1.1`, 'Host: jobhook', ...headers].join('\r\n')}\r\n\r\n`
const bearer = `Authorization: Bearer ${TOKEN}`

/** Valid requests, for bending. */
const REQUESTS: readonly Bytes[] = [
  ...MESSAGES.map((body, index) => webhook(body, index)),
  head('GET /v1/tasks?state=queued,running&limit=2', bearer),
  head('GET /v1/tasks/t-42', bearer),
  head('GET /v1/tasks/t-42/logs?tail=5&container=task&since=5m', bearer),
  head('DELETE /v1/tasks/t%2D42', bearer),
  head('GET /v1/deliveries?state=dead', bearer),
  posted('/v1/tasks', '{"task_id":"t-1","command":["true"],"env_vars":{"A":"b"}}'),
  posted('/v1/render', '{"task_id":"t-1","command":["true"],"labels":{"team":"web"}}'),
  posted('/v1/deliveries/replay', '{"since":"2026-01-01T00:00:00Z"}'),
  head('POST /v1/deliveries/t-42/replay', bearer, 'Content-Length: 0'),
  `${head('POST /v1/tasks', bearer, 'Content-Type: application/json', 'Transfer-Encoding: chunked')}6\r\n{"a":1\r\n1\r\n}\r\n0\r\n\r\n`,
  head('GET /readyz?verbose'),
  head('GET /docs/problems') + head('GET /livez'),
  head('GET /openapi.json', 'Accept-Encoding: gzip'),
]

function webhook(body: Bytes, index: number): Bytes {
  const id = `msg_${index}`
  const signature = signer.sign(id, nowSeconds, bytesOf(body))
  return (
    head(
      'POST /v1/webhook',
      'Content-Type: application/json',
      `webhook-id: ${id}`,
      `webhook-timestamp: ${nowSeconds}`,
      `webhook-signature: ${signature}`,
      `Content-Length: ${body.length}`,
    ) + body
  )
}

function posted(path: string, body: Bytes): Bytes {
  return head(`POST ${path}`, bearer, 'Content-Type: application/json', `Content-Length: ${body.length}`) + body
}

/** As many connections at once. */
export const AT_ONCE = 40
/** Longer than any time-out of the service itself. */
const SILENT_MS = 35_000
/** After so many runs everything has been compiled and every cache has begun: what the heap holds then it may hold. */
const WARM_RUNS = 25
/** What a heap may differ by between two looks, and what one task more costs: its Job in the embedded cluster and in the cache. */
const HEAP_SLACK_BYTES = 16 * 1024 * 1024
const TASK_BYTES = 32 * 1024
let service: Fuzzed | null = null
let before: Usage | null = null
let runs = 0

export const http: Target<Bytes[]> = {
  name: 'http',
  inputs: fc.array(mutated(REQUESTS, 4), { minLength: AT_ONCE, maxLength: AT_ONCE }),
  runs: 10_000 / AT_ONCE,
  async open() {
    service = await startFuzzed()
  },
  async check(many) {
    const running = service
    assert.ok(running, 'the target is not open')
    if (runs++ === WARM_RUNS) before = await usage(running)
    const answers = await Promise.all(many.map((bytes) => converse(running.url, bytesOf(bytes))))
    for (const [index, text] of answers.entries()) {
      assert.ok(text === '' || text.startsWith('HTTP/1.1 '), `no HTTP: ${text.slice(0, 100)}`)
      for (const status of statuses(text)) {
        assert.ok(
          status < 500 || (status === 503 && /"code":"(overloaded|draining|cluster_\w+|outcome_unknown)"/.test(text)),
          `${status} to ${JSON.stringify(many[index])}`,
        )
      }
      assert.ok(!text.includes(TOKEN) && !text.includes(WEBHOOK_SECRET.slice(6)), 'an answer tells a secret')
    }
    assert.ok(running.running(), `the service has ended:\n${running.log().slice(-2_000)}`)
  },
  async close() {
    const running = service
    const from = before
    service = null
    before = null
    runs = 0
    if (!running) return
    try {
      assert.ok(await isWell(running))
      if (!from) return console.error(`fuzz: http: too few runs to compare the heap (${WARM_RUNS} are the warm-up)`)
      let now = from
      const looksAlike = async (): Promise<boolean> => {
        now = await usage(running)
        const grownBytes = now.heapBytes - from.heapBytes - (now.tasks - from.tasks) * TASK_BYTES
        return now.sockets <= from.sockets + 2 && grownBytes <= HEAP_SLACK_BYTES
      }
      await until('connections and memory are what they were', looksAlike, { everyMs: 500 }).catch((error: unknown) => {
        throw new Error(`it keeps something: before ${JSON.stringify(from)}, after ${JSON.stringify(now)}`, { cause: error })
      })
      console.error(
        `fuzz: http: heap ${megabytes(from.heapBytes)} warm, ${megabytes(now.heapBytes)} at the end; ${now.tasks} tasks were good enough to be accepted`,
      )
    } finally {
      await running.stop()
    }
  },
}

/** All that comes back: our side is closed at once, so the other side ends when it has nothing more to say. */
function converse(url: string, bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.end(bytes))
    socket.setTimeout(SILENT_MS, () =>
      socket.destroy(new Error(`no answer and no end for ${SILENT_MS / 1000} s: ${bytes.toString('latin1').slice(0, 500)}`)),
    )
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    let failure: Error | null = null
    socket.on('error', (error: Error & { code?: string }) => {
      // Bytes that come after the other side has had enough are answered by a reset.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') failure = error
    })
    socket.once('close', () => (failure ? reject(failure) : resolve(text)))
  })
}

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`

interface Usage {
  heapBytes: number
  sockets: number
  tasks: number
}

async function usage({ url, collectGarbage }: Fuzzed): Promise<Usage> {
  collectGarbage()
  const text = await (await request(`${url}/metrics`)).body.text()
  const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  return {
    heapBytes: read('nodejs_heap_size_used_bytes'),
    sockets: read('nodejs_active_handles\\{type="Socket"\\}'),
    tasks: read('jobhook_informer_objects\\{resource="jobs"\\}'),
  }
}
