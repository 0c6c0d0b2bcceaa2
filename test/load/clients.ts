// The load as a process of its own: hundreds of keep-alive clients, paced by the clock and not by the answers (a slow service is not spared), with
// storms in between. Told its plan by its parent; sends back what was answered. Bounded in time and number by the plan.
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'undici'
import type { Answered, Kind, Loaded, Phase, Plan } from './model.ts'
import { createRequests, type Ready } from './requests.ts'
import { runSlow } from './slow.ts'

/** A request that has no answer by then has none. */
const PATIENCE_MS = 20_000
/** What was refused is sent again, as senders do, but not for ever. */
const TRIES = 2

export async function runClients(plan: Plan): Promise<Loaded> {
  const requests = createRequests(plan)
  const loaded: Loaded = { answered: [], tasks: {}, slow: [], reconnects: -plan.clients, latestMs: 0 }
  const clients = Array.from({ length: plan.clients }, () => {
    const client = new Client(plan.url, { pipelining: 1, keepAliveTimeout: 60_000, connect: { timeout: PATIENCE_MS } })
    client.on('connect', () => loaded.reconnects++)
    return client
  })
  const accepted: string[] = []
  let turn = 0
  let phase: Phase['name'] = 'warm-up'
  const underWay = new Set<Promise<void>>()

  function noteTask(taskId: string | null, status: number): void {
    if (taskId === null) return
    const answers = loaded.tasks[taskId] ?? []
    loaded.tasks[taskId] = answers
    if (status === 202 && !answers.includes(202)) accepted.push(taskId)
    answers.push(status)
  }

  async function send(
    client: Client,
    kind: Kind,
    ready: Ready,
    taskId: string | null,
    abortAfterMs: number | null = null,
  ): Promise<Answered> {
    const startedMs = performance.now()
    const answered: Answered = { phase, kind, status: 0, code: '', ms: 0, retryAfter: false }
    const signal = abortAfterMs === null ? AbortSignal.timeout(PATIENCE_MS) : AbortSignal.timeout(abortAfterMs)
    try {
      const response = await client.request({ ...ready, signal })
      const text = await response.body.text()
      answered.status = response.statusCode
      answered.retryAfter = response.headers['retry-after'] !== undefined
      answered.code = response.statusCode < 400 ? '' : codeOf(text)
    } catch (error) {
      answered.code = error instanceof Error ? ('code' in error && typeof error.code === 'string' ? error.code : error.name) : String(error)
    }
    answered.ms = performance.now() - startedMs
    loaded.answered.push(answered)
    noteTask(taskId, answered.status)
    return answered
  }

  async function assign(client: Client, kind: 'assignment' | 'storm'): Promise<void> {
    const taskId = `load-${process.pid}-${++turn}`
    for (let tries = 1; tries <= TRIES; tries++) {
      const { status } = await send(client, kind, requests.assignment(taskId), taskId)
      if (status !== 429 && status !== 503) return
      if (kind === 'storm' || turn % 10 !== 0) return
      await delay(1_000)
    }
  }

  function start(kind: Kind, client: Client): Promise<void> {
    switch (kind) {
      case 'assignment':
      case 'storm':
        return assign(client, kind)
      case 'repeat': {
        const taskId = accepted[(turn * 7919) % Math.max(1, accepted.length)]
        return taskId === undefined ? Promise.resolve() : send(client, kind, requests.assignment(taskId), taskId).then(() => {})
      }
      case 'stray':
        return send(client, kind, requests.stray(`stray-${process.pid}-${++turn}`), null).then(() => {})
      case 'read':
        return send(client, kind, requests.read(), null).then(() => {})
      case 'malformed':
        return send(client, kind, requests.malformed(++turn), null).then(() => {})
      case 'aborted': {
        const taskId = `load-${process.pid}-${++turn}`
        return send(client, kind, requests.assignment(taskId), taskId, turn % 15).then(() => {})
      }
    }
  }

  function launch(kind: Kind): void {
    const client = clients[turn++ % clients.length]
    if (!client) return
    const running = start(kind, client).finally(() => underWay.delete(running))
    underWay.add(running)
  }

  async function storm(requestsEach: number): Promise<void> {
    await Promise.all(
      clients.map(async (client, index) => {
        for (let count = 0; count < requestsEach; count++) await start((index + count) % 2 === 0 ? 'storm' : 'stray', client)
      }),
    )
  }

  async function run(each: Phase): Promise<void> {
    phase = each.name
    const startMs = performance.now()
    const endMs = startMs + each.seconds * 1000
    const paced: { kind: Kind; everyMs: number; nextMs: number }[] = [['assignment', 1] as const, ...Object.entries(each.mix)].map(
      ([kind, share]) => {
        const everyMs = 1000 / (each.assignmentsPerSecond * share)
        return { kind: kind as Kind, everyMs, nextMs: startMs + Math.random() * everyMs }
      },
    )
    let nextStormMs = each.storm ? startMs + (each.storm.everySeconds * 1000) / 2 : Number.POSITIVE_INFINITY
    while (performance.now() < endMs) {
      const nowMs = performance.now()
      for (const source of paced) {
        for (; source.nextMs <= nowMs; source.nextMs += source.everyMs) {
          loaded.latestMs = Math.max(loaded.latestMs, nowMs - source.nextMs)
          launch(source.kind)
        }
      }
      if (each.storm && nowMs >= nextStormMs) {
        nextStormMs += each.storm.everySeconds * 1000
        const running = storm(each.storm.requestsEach).finally(() => underWay.delete(running))
        underWay.add(running)
      }
      await delay(2)
    }
    await Promise.all(underWay)
  }

  const slowEnd = new AbortController()
  const slow = runSlow(plan.url, plan.slowClients, slowEnd.signal)
  for (const each of plan.phases) {
    await run(each)
    process.send?.({ done: each.name })
  }
  slowEnd.abort()
  loaded.slow = await slow
  await Promise.all(clients.map((client) => client.destroy()))
  return loaded
}

function codeOf(text: string): string {
  try {
    const { code } = JSON.parse(text) as { code?: unknown }
    return typeof code === 'string' ? code : ''
  } catch {
    return 'no problem+json'
  }
}

if (import.meta.main) {
  process.once('message', async (plan: Plan) => {
    const loaded = await runClients(plan)
    process.send?.({ loaded }, undefined, undefined, () => process.exit())
  })
}
