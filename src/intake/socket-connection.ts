// One WebSocket connection to a control plane: opens it, pings, notices when it is dead, and can tell whether what was sent has arrived: a pong
// that answers a later ping on the same connection. Not for: reconnecting, or what messages mean.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Dispatcher, ping, WebSocket } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { describeError } from '../lib/log.ts'

export interface SocketConnection {
  isOpen(): boolean
  /** False when it could not be handed over: not open, or too much waits to be written. */
  send(text: string): boolean
  /** Resolves with true once a pong says that all sent so far was read, with false when the connection ended before. */
  confirmed(): Promise<boolean>
  /** Says good-bye; resolves when it is closed, at the latest after a short while. */
  close(): Promise<void>
}

export interface SocketOptions {
  url: string
  token: string
  dispatcher: Dispatcher
  pingMs: number
  /** Without a pong for this long the connection is given up. */
  silentMs: number
}

export interface SocketEvents {
  onOpen(): void
  onText(text: string): void
  /** Once, whether it had been open or not. */
  onEnd(cause: string): void
}

/** More than this waiting to be written means that nobody reads. */
const UNWRITTEN_LIMIT_BYTES = 8 * 1024 * 1024
const CLOSE_TIMEOUT_MS = 2_000

export function openSocket(deps: { clock: Clock }, options: SocketOptions, events: SocketEvents): SocketConnection {
  const { clock } = deps
  const socket = new WebSocket(options.url, { headers: { authorization: `Bearer ${options.token}` }, dispatcher: options.dispatcher })
  const { origin, pathname } = new URL(options.url.replace(/^ws/, 'http'))
  /** Confirmations by the ping that they wait for. */
  const waiting = new Map<number, ((arrived: boolean) => void)[]>()
  let pings = 0
  let pingSoon = false
  let heardMs = clock.now()
  let cause: string | null = null
  let ended = false
  let cancelTimer = (): void => {}
  let onClosed = (): void => {}

  function sendPing(): void {
    pings++
    ping(socket, Buffer.from(String(pings)))
  }

  function watch(): void {
    cancelTimer = clock.after(Math.min(options.pingMs, options.silentMs), () => {
      if (ended) return
      if (clock.now() - heardMs >= options.silentMs) {
        end(`no pong for ${options.silentMs / 1000} s`)
        socket.close()
        return
      }
      if (isOpen()) sendPing()
      watch()
    })
  }

  function end(why: string): void {
    if (ended) return
    ended = true
    cancelTimer()
    unsubscribe('undici:websocket:pong', onPong)
    unsubscribe('undici:request:headers', onAnswer)
    for (const each of [...waiting.values()].flat()) each(false)
    waiting.clear()
    events.onEnd(why)
    onClosed()
  }

  /** undici shows pongs only here, for all sockets of the process. */
  function onPong(message: unknown): void {
    const { websocket, payload } = message as { websocket: unknown; payload: Buffer }
    if (websocket !== socket) return
    heardMs = clock.now()
    const answered = Number(payload.toString('latin1'))
    for (const [number, resolvers] of waiting) {
      if (number > answered) continue
      waiting.delete(number)
      for (const resolve of resolvers) resolve(true)
    }
  }

  /** The WebSocket's own error does not tell the status of a refused handshake. */
  function onAnswer(message: unknown): void {
    const { request, response } = message as { request: { origin?: unknown; path?: string }; response: { statusCode?: number } }
    if (String(request.origin) !== origin || request.path?.split('?')[0] !== pathname || response.statusCode === 101) return
    cause =
      response.statusCode === 401 || response.statusCode === 403
        ? `the token was refused (${response.statusCode})`
        : `answered ${response.statusCode}`
  }

  const isOpen = (): boolean => !ended && socket.readyState === WebSocket.OPEN

  subscribe('undici:websocket:pong', onPong)
  subscribe('undici:request:headers', onAnswer)
  socket.addEventListener('open', () => {
    heardMs = clock.now()
    sendPing()
    events.onOpen()
  })
  socket.addEventListener('message', (event: { data: unknown }) => {
    if (!ended && typeof event.data === 'string') events.onText(event.data)
  })
  socket.addEventListener('error', (event) => {
    if (event.error instanceof Error) cause ??= describeError(event.error)
  })
  socket.addEventListener('close', ({ code, reason }) => end(cause ?? `closed (${code}${reason === '' ? '' : `: ${reason}`})`))
  watch()

  return {
    isOpen,
    send(text) {
      if (!isOpen() || socket.bufferedAmount > UNWRITTEN_LIMIT_BYTES) return false
      socket.send(text)
      return true
    },
    confirmed() {
      if (!isOpen()) return Promise.resolve(false)
      return new Promise((resolve) => {
        const next = pings + 1
        waiting.set(next, [...(waiting.get(next) ?? []), resolve])
        if (pingSoon) return
        pingSoon = true
        // One ping for all that is sent in this turn.
        setImmediate(() => {
          pingSoon = false
          if (isOpen()) sendPing()
        })
      })
    },
    close() {
      if (ended) return Promise.resolve()
      return new Promise((resolve) => {
        onClosed = resolve
        clock.after(CLOSE_TIMEOUT_MS, () => end('closed by us'))
        socket.close(1000)
      })
    },
  }
}
