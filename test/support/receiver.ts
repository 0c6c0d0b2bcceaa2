// A real HTTP receiver of callbacks: verifies each one, remembers all, answers as told.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier } from '../../src/lib/standard-webhooks.ts'

export interface Received {
  id: string
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of several shapes
  data: any
  verified: boolean
  atMs: number
  answered: number
  headers: Record<string, string | string[] | undefined>
}

export interface Receiver {
  url: string
  received: Received[]
  /** Messages about one task, in order of arrival. */
  of(taskId: string): Received[]
  /** Verdicts (completed or failed) of one task. */
  verdicts(taskId: string): Received[]
  /** Decides each answer; default 200. 'hang' never answers; 'reset' drops the connection. */
  answer: (message: Received, earlier: number) => number | 'hang' | 'reset' | { status: number; headers: Record<string, string> }
  close(): Promise<void>
}

export async function startReceiver(secret: string): Promise<Receiver> {
  const verifier = createVerifier([secret])
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const raw = await bytes(request)
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
    const verified = verifier.verify({ id, timestamp, signature }, raw, Date.now() / 1000).ok
    const { type, data } = JSON.parse(raw.toString('utf8')) as { type: string; data: unknown }
    const earlier = received.filter((other) => other.id === id).length
    const message: Received = { id: String(id), type, data, verified, atMs: Date.now(), answered: 0, headers: request.headers }
    const answer = receiver.answer(message, earlier)
    received.push(message)
    if (answer === 'hang') return
    if (answer === 'reset') return void request.socket.destroy()
    const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer
    message.answered = status
    response.writeHead(status, headers).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/tasks`,
    received,
    of: (taskId) => received.filter((message) => message.data.task_id === taskId),
    verdicts: (taskId) => received.filter((message) => message.data.task_id === taskId && message.type !== 'task_started'),
    answer: () => 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return receiver
}

async function bytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
