// Makes load in a process of its own: closed loops (so many at a time) and open ones (so many a second, whatever the answers take).
import { createHmac, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { assignmentText, type Manifests, named } from '../lib/assignments.ts'
import { serveCalls } from '../lib/child.ts'
import { type Credentials, createRawClient, inParallel, jobsPath, secretsPath } from '../lib/kube.ts'
import { percentile } from '../lib/statistics.ts'

/** webhook: signed assignments to jobhook or to the relay. raw: the same Secret and Job straight to the API server. */
export type Target = { kind: 'webhook'; url: string; secret: string } | { kind: 'raw'; credentials: Credentials; manifests: Manifests }

export interface Load {
  target: Target
  /** Distinguishes the names of this load from those of others. */
  prefix: string
  count: number
  concurrency: number
  /** Open loop; absent: closed. */
  ratePerSecond?: number
  /** false: connections are opened by the load itself, and nothing is sent besides it. */
  warmUp?: boolean
}

export interface LoadResult {
  perSecond: number
  p50Ms: number
  p99Ms: number
  refused: number
  /** Epoch milliseconds of the first request. */
  startedMs: number
}

type Send = (name: string) => Promise<boolean>

async function run(load: Load): Promise<LoadResult> {
  const { send, close } = senderOf(load.target, load.concurrency)
  try {
    // Connections are opened before anything is timed.
    if (load.warmUp !== false)
      await inParallel(load.concurrency, load.concurrency, async (index) => void (await send(`${load.prefix}-warm-${index}`)))
    return await (load.ratePerSecond === undefined ? closedLoop(load, send) : openLoop(load, load.ratePerSecond, send))
  } finally {
    await close()
  }
}

async function closedLoop(load: Load, send: Send): Promise<LoadResult> {
  const latencies: number[] = []
  let refused = 0
  const startedMs = now()
  await inParallel(load.count, load.concurrency, async (index) => {
    const from = performance.now()
    if (!(await send(`${load.prefix}-${index}`))) refused++
    latencies.push(performance.now() - from)
  })
  return summary(latencies, refused, startedMs, load.count)
}

/** Latency counts from when a request was due: one that had to wait for its predecessor has waited. */
async function openLoop(load: Load, ratePerSecond: number, send: Send): Promise<LoadResult> {
  const latencies: number[] = []
  let refused = 0
  const startedMs = now()
  const origin = performance.now()
  const pending: Promise<void>[] = []
  for (let index = 0; index < load.count; index++) {
    const dueMs = origin + (index * 1_000) / ratePerSecond
    if (dueMs > performance.now()) await delay(Math.max(0, dueMs - performance.now()))
    pending.push(
      send(`${load.prefix}-${index}`).then((accepted) => {
        if (!accepted) refused++
        latencies.push(performance.now() - dueMs)
      }),
    )
  }
  await Promise.all(pending)
  return summary(latencies, refused, startedMs, load.count)
}

function summary(latencies: number[], refused: number, startedMs: number, count: number): LoadResult {
  return {
    perSecond: (count / (now() - startedMs)) * 1_000,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    refused,
    startedMs,
  }
}

function senderOf(target: Target, connections: number): { send: Send; close(): Promise<void> } {
  if (target.kind === 'webhook') return webhookSender(target.url, target.secret, connections)
  const client = createRawClient(target.credentials, connections)
  const { namespace } = target.credentials
  return {
    async send(name) {
      const secret = await client.sendOnly('POST', secretsPath(namespace), named(target.manifests.secret, name))
      const job = await client.sendOnly('POST', jobsPath(namespace), named(target.manifests.job, name))
      return secret === 201 && job === 201
    },
    close: client.close,
  }
}

function webhookSender(url: string, secret: string, connections: number): { send: Send; close(): Promise<void> } {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const dispatcher = new Agent({ connections, pipelining: 1, keepAliveTimeout: 60_000 })
  return {
    async send(name) {
      const body = assignmentText(name)
      const id = `msg_${randomBytes(9).toString('base64url')}`
      const timestamp = String(Math.floor(Date.now() / 1000))
      const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
      const response = await request(url, {
        method: 'POST',
        dispatcher,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signature}`,
        },
        body,
      })
      await response.body.dump({ limit: 64 * 1024 })
      return response.statusCode === 202
    },
    close: () => dispatcher.destroy(),
  }
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

serveCalls({ run })
