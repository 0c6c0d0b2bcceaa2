// Connections that never finish a request: a byte of its headers, or of its body, a second. Each one must be cut; then it comes again.
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Loaded } from './model.ts'

const BEGINNINGS = {
  headers: 'POST /v1/webhook HTTP/1.1\r\nhost: jobhook\r\nx-slow: ',
  body: 'POST /v1/webhook HTTP/1.1\r\nhost: jobhook\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n',
} as const

/** Until `signal` says so. What a connection was told when it was cut is recorded; those the end of the run finds open are not. */
export async function runSlow(url: string, count: number, signal: AbortSignal): Promise<Loaded['slow']> {
  const cut: Loaded['slow'] = []
  let turn = 0
  const { hostname, port } = new URL(url)
  async function one(): Promise<void> {
    while (!signal.aborted) {
      const startedMs = performance.now()
      const part = turn++ % 2 === 0 ? 'headers' : 'body'
      const socket = connect(Number(port), hostname)
      let answer = ''
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      socket.on('error', () => {}).on('data', (chunk) => (answer += chunk))
      socket.write(BEGINNINGS[part])
      const drip = setInterval(() => socket.writable && socket.write('z'), 1_000)
      const stop = (): void => void socket.destroy()
      signal.addEventListener('abort', stop, { once: true })
      await closed
      clearInterval(drip)
      signal.removeEventListener('abort', stop)
      const seconds = (performance.now() - startedMs) / 1000
      if (!signal.aborted) cut.push({ part, seconds, status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0) })
      // A server that closes at once must not be hammered.
      await delay(500, undefined, { signal }).catch(() => {})
    }
  }
  await Promise.all(Array.from({ length: count }, one))
  return cut
}
