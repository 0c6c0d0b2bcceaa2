// The control plane of a chaos run: hears callbacks (and sometimes fails to), sends what the plan says, and sends again until it has an answer.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { createSigner } from '../../src/lib/standard-webhooks.ts'
import type { Delivery } from './history.ts'
import { type Random, randomFor, weighted } from './random.ts'
import type { PlannedTask, Step } from './tasks.ts'

export interface CallbackReceiver {
  /** Scheme, host and port. */
  origin: string
  /** Connections are dropped for so long, whatever comes. */
  down(ms: number): void
  /** Every answer is 200 from now on. */
  quiet(): void
  close(): Promise<void>
}

type Answer = 200 | 202 | 204 | 429 | 500 | 503 | 'reset'

export async function startCallbackReceiver(seed: number): Promise<CallbackReceiver> {
  let count = 0
  let quiet = false
  let downUntilMs = 0
  const server = createServer((incoming: IncomingMessage, response) => {
    incoming.resume()
    incoming.on('end', () => {
      const answer = weighted<Answer>(randomFor(seed, `receiver ${++count}`), [
        [60, 200],
        [8, 202],
        [8, 204],
        [8, 503],
        [6, 500],
        [4, 429],
        [6, 'reset'],
      ])
      if (quiet) response.writeHead(200).end()
      else if (answer === 'reset' || performance.now() < downUntilMs) incoming.socket.destroy()
      else response.writeHead(answer, answer === 429 ? { 'retry-after': '1' } : {}).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    down(ms) {
      downUntilMs = performance.now() + ms
    },
    quiet() {
      quiet = true
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface Senders {
  deliveries: Delivery[]
  /** Problem bodies and the like, to look for secrets in. */
  answers: string[]
  /** Steps that have no final answer yet, in words. */
  unfinished(): string[]
  /** Carries out a task's steps; resolves when each has its final answer. */
  carryOut(task: PlannedTask): Promise<void>
  close(): Promise<void>
}

/** 202, or a refusal that no repetition changes. */
const isFinal = (status: number | null): boolean => status !== null && status < 500 && status !== 429 && status !== 408

export function createSenders(deps: {
  seed: number
  startMs: () => number
  secret: string
  /** Where replicas answer now (some may be down). */
  replicas: () => { name: string; url: string | null }[]
  /** Resolves when the task was heard to have started, or a verdict was heard. */
  heardOf: (task: PlannedTask) => Promise<void>
  signal: AbortSignal
}): Senders {
  const { signal } = deps
  const deliveries: Delivery[] = []
  const answers: string[] = []
  const dispatcher = new Agent({ allowH2: false, connections: 64 })
  const signer = createSigner([deps.secret])
  const open = new Set<string>()
  let sent = 0

  async function post(task: PlannedTask, step: Step, number: number, random: Random): Promise<number | null> {
    const replicas = deps.replicas()
    const replica = replicas[Math.floor(random() * replicas.length)]
    if (!replica) throw new Error('there are no replicas')
    const { taskId, executionId } = task
    const message =
      step.what === 'assignment'
        ? task.message(step.content, number)
        : { type: 'task_cancellation', data: { task_id: taskId, execution_id: executionId } }
    const raw = JSON.stringify(message)
    const id = `msg_${deps.seed}_${++sent}`
    const seconds = Math.floor(Date.now() / 1000)
    const delivery: Delivery = {
      taskId,
      executionId,
      what: step.what,
      content: step.content,
      replica: replica.name,
      atMs: Date.now(),
      answeredMs: 0,
      status: null,
    }
    deliveries.push(delivery)
    try {
      if (replica.url === null) throw new Error('the replica is down')
      const response = await request(`${replica.url}/v1/webhook`, {
        method: 'POST',
        dispatcher,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': signer.sign(id, seconds, raw),
        },
        body: raw,
        signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
      })
      answers.push(await response.body.text())
      delivery.status = response.statusCode
    } catch {
      // No answer: the sender cannot know more than that, and sends again.
    }
    delivery.answeredMs = Date.now()
    return delivery.status
  }

  async function carryOutStep(task: PlannedTask, step: Step, number: number, accepted: Promise<void>): Promise<number | null> {
    const random = randomFor(deps.seed, `sender ${task.executionId} ${number}`)
    const waits = `${step.what} ${number} of ${task.executionId}, which waits`
    const sends = `${step.what} ${number} of ${task.executionId}`
    open.add(waits)
    await pause(deps.startMs() + step.atMs - Date.now(), signal)
    if (step.afterAcceptedMs !== undefined) {
      await accepted
      await pause(step.afterAcceptedMs, signal)
    }
    if (step.afterStartedMs !== undefined) {
      await deps.heardOf(task)
      await pause(step.afterStartedMs, signal)
    }
    open.delete(waits)
    open.add(sends)
    for (let tries = 0; ; tries++) {
      const status = await post(task, step, number * 100 + tries, random)
      if (isFinal(status) || signal.aborted) {
        open.delete(sends)
        return status
      }
      await pause(100 + random() * 500, signal)
    }
  }

  return {
    deliveries,
    answers,
    unfinished: () => [...open],
    async carryOut(task) {
      let accept = (): void => {}
      const accepted = new Promise<void>((resolve) => {
        accept = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      const isAtOnce = (step: Step): boolean => step.afterAcceptedMs === undefined && step.afterStartedMs === undefined
      let unanswered = task.steps.filter(isAtOnce).length
      await Promise.all(
        task.steps.map(async (step, number) => {
          const status = await carryOutStep(task, step, number, accepted)
          if (status === 202 || (isAtOnce(step) && --unanswered === 0)) accept()
        }),
      )
    },
    close: () => dispatcher.destroy(),
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {})
}
