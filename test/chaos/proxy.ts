// A TCP and HTTP proxy on loopback that carries out faults on purpose. It decides nothing: `fault` says what each request meets.
// Not for: choosing faults (faults.ts) or judging what they lead to (checker.ts).
import { createServer, Agent as HttpAgent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from './faults.ts'

export interface ProxiedRequest {
  kind: string
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Buffer
  atMs: number
}

export interface ProxyOptions {
  /** Scheme, host and port of what lies behind. */
  target: string
  /** Added to each request, for example the credentials of a service account. */
  headers?: Record<string, string>
  /** PEM of the authority behind an https target. */
  ca?: Buffer
  /** Whether to let a request in at all; else it is answered 401, as by an API that does not know the token. */
  knows?(headers: IncomingMessage['headers']): boolean
  kindOf(method: string, path: string): string
  fault(kind: string): Fault
  /** Before anything is forwarded. `drop`: the connection is reset instead. */
  onArrival?(request: ProxiedRequest, fault: Fault): Promise<'drop' | undefined> | 'drop' | undefined
  /** It was forwarded and answered; the answer has not been passed on. */
  onForwarded?(request: ProxiedRequest, status: number): Promise<void> | void
}

export interface ChaosProxy {
  /** http://127.0.0.1:PORT */
  url: string
  /** Every connection is accepted and nothing passes, open watches too, until this long has gone by. */
  freeze(ms: number): void
  /** Every connection that is open is reset. */
  drop(): void
  close(): Promise<void>
}

export async function startProxy(options: ProxyOptions): Promise<ChaosProxy> {
  const target = new URL(options.target)
  const secure = target.protocol === 'https:'
  const agent = secure ? new HttpsAgent({ keepAlive: true, ...(options.ca ? { ca: options.ca } : {}) }) : new HttpAgent({ keepAlive: true })
  const sockets = new Set<Socket>()
  const closing = new AbortController()
  let thawed: Promise<unknown> = Promise.resolve()

  const server = createServer((request, response) => {
    handle(request, response).catch(() => reset(request))
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.requestTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const wait = (ms: number): Promise<unknown> => delay(ms, undefined, { signal: closing.signal }).catch(() => {})

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request)
    await thawed
    const method = request.method ?? 'GET'
    const path = request.url ?? '/'
    const proxied: ProxiedRequest = {
      kind: options.kindOf(method, path),
      method,
      path,
      headers: request.headers,
      body,
      atMs: Date.now(),
    }
    if (options.knows?.(request.headers) === false) return answer(response, { kind: 'answer', status: 401, retryAfterSeconds: null })
    const fault = options.fault(proxied.kind)
    if ((await options.onArrival?.(proxied, fault)) === 'drop') return reset(request)
    switch (fault.kind) {
      case 'reset-before':
        return reset(request)
      case 'answer':
        return answer(response, fault)
      case 'freeze':
        await wait(fault.ms)
        return reset(request)
      case 'delay':
        await wait(fault.ms)
        break
      case 'duplicate':
        await bytesOf(await forward(proxied)).catch(() => {})
        break
    }
    const upstream = await forward(proxied)
    response.on('close', () => upstream.destroy())
    await options.onForwarded?.(proxied, upstream.statusCode ?? 0)
    if (fault.kind === 'reset-after') {
      await bytesOf(upstream).catch(() => {})
      return reset(request)
    }
    const { connection: _connection, 'transfer-encoding': _encoding, ...headers } = upstream.headers
    response.writeHead(upstream.statusCode ?? 502, headers)
    response.flushHeaders()
    if ((upstream.statusCode ?? 0) >= 300) return passOn(upstream, request, response, { kind: 'none' })
    await passOn(upstream, request, response, fault)
  }

  function forward({ method, path, headers, body }: ProxiedRequest): Promise<IncomingMessage> {
    const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...kept } = headers
    const send = secure ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const outgoing = send(
        {
          host: target.hostname,
          port: target.port,
          path,
          method,
          agent,
          headers: { ...kept, ...options.headers, host: target.host, ...(body.length > 0 ? { 'content-length': body.length } : {}) },
        },
        resolve,
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  async function passOn(upstream: IncomingMessage, request: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
    if (fault.kind === 'close-watch') {
      upstream.destroy()
      response.end()
      return
    }
    if (fault.kind === 'slow-body') return drip(await bytesOf(upstream), response, fault.ms)
    const afterLines = fault.kind === 'cut-watch' || fault.kind === 'stall-watch' ? fault.afterLines : Number.POSITIVE_INFINITY
    let lines = 0
    for await (const chunk of upstream as AsyncIterable<Buffer>) {
      await thawed
      if (response.destroyed) return
      const last = endOfLine(chunk, afterLines - lines)
      if (last === null) {
        lines += newlines(chunk)
        response.write(chunk)
        continue
      }
      const rest = chunk.subarray(last)
      if (rest.length === 0) {
        lines = afterLines
        response.write(chunk)
        continue
      }
      response.write(chunk.subarray(0, last))
      upstream.destroy()
      if (fault.kind === 'cut-watch') {
        const firstLine = rest.subarray(0, (rest.indexOf(10) + 1 || rest.length) - 1)
        response.end(firstLine.subarray(0, Math.ceil(firstLine.length / 2)))
      } else {
        await wait(fault.kind === 'stall-watch' ? fault.ms : 0)
        reset(request)
      }
      return
    }
    response.end()
  }

  async function drip(body: Buffer, response: ServerResponse, ms: number): Promise<void> {
    const pieces = 8
    const size = Math.ceil(body.length / pieces) || 1
    for (let at = 0; at < body.length && !response.destroyed; at += size) {
      response.write(body.subarray(at, at + size))
      await wait(ms / pieces)
    }
    response.end()
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze(ms) {
      thawed = wait(ms)
    },
    drop() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async close() {
      closing.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      agent.destroy()
      await closed
    },
  }
}

/** A TCP reset, not a polite end. */
function reset(request: IncomingMessage): void {
  request.socket.resetAndDestroy()
}

/** As the apiserver would say it; other receivers look at the status alone. */
function answer(response: ServerResponse, fault: Extract<Fault, { kind: 'answer' }>): void {
  const { status, retryAfterSeconds } = fault
  const reason =
    status === 401
      ? 'Unauthorized'
      : status === 410
        ? 'Expired'
        : status === 429
          ? 'TooManyRequests'
          : status === 503
            ? 'ServiceUnavailable'
            : 'InternalError'
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }),
  })
  response.end(
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code: status, message: 'the chaos proxy says so' }),
  )
}

/** Where the n-th line of this chunk ends (after its \n); null when it has fewer. */
function endOfLine(chunk: Buffer, n: number): number | null {
  if (n === Number.POSITIVE_INFINITY) return null
  let at = 0
  for (let line = 0; line < n; line++) {
    const newline = chunk.indexOf(10, at)
    if (newline === -1) return null
    at = newline + 1
  }
  return at
}

function newlines(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) count++
  return count
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** "create jobs", "watch pods", "get pods/log": the verb and resource of a request to the Kubernetes API. */
export function kubeRequestKind(method: string, path: string): string {
  const { pathname, searchParams } = new URL(path, 'http://proxy')
  const parts = pathname.split('/')
  const at = parts.lastIndexOf('namespaces')
  const [resource = 'namespaces', name, subresource] = at === -1 ? parts.slice(-1) : parts.slice(at + 2)
  const verb =
    VERBS[method] ??
    (searchParams.get('watch') === 'true' ? 'watch' : name === undefined && at !== -1 && parts.length > at + 2 ? 'list' : 'get')
  return `${verb} ${resource}${subresource ? `/${subresource}` : ''}`
}
