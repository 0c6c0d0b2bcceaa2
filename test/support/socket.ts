// A control plane that speaks only the seed worker's WebSocket wire: a minimal server on node:http, text frames, pings answered. Not a general
// WebSocket server: no fragments, no extensions, messages of at most 64 MiB.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface SocketMessage {
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of several shapes
  data: any
  /** Which connection it came on, counted from 1. */
  connection: number
}

export interface SocketPlane {
  url: string
  received: SocketMessage[]
  handshakes: { path: string; authorization: string; status: number }[]
  /** Connections that are open now. */
  open(): number
  /** On every open connection. */
  send(message: unknown): void
  /** Cuts every connection without a good-bye. */
  drop(): void
  /** Of one task, by type. */
  of(taskId: string, ...types: string[]): SocketMessage[]
  /** Answers pings; false: reads on, but is silent. */
  pongs: boolean
  /** Called for each message before it is recorded; true: the connection is cut and the message is not recorded. */
  cut: (message: SocketMessage) => boolean
  close(): Promise<void>
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export async function startSocketPlane(token: string): Promise<SocketPlane> {
  const sockets = new Set<Socket>()
  let connections = 0
  let closing = false
  const server = createServer((_request, response) => response.writeHead(426).end())
  server.on('upgrade', (request, socket: Socket) => {
    const authorized = request.headers.authorization === `Bearer ${token}`
    plane.handshakes.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '', status: authorized ? 101 : 401 })
    socket.on('error', () => {})
    // A worker that is still alive dials again at once; such a connection would keep the server, and so the test file, from ending.
    if (closing) return void socket.destroy()
    if (!authorized) return void socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    const accept = createHash('sha1')
      .update(request.headers['sec-websocket-key'] + GUID)
      .digest('base64')
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`)
    const connection = ++connections
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    let unread = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk])
      for (let frame = readFrame(unread); frame; frame = readFrame(unread)) {
        unread = unread.subarray(frame.length)
        if (frame.opcode === 8) return void socket.end(frameOf(8, frame.payload))
        if (frame.opcode === 9 && plane.pongs) socket.write(frameOf(10, frame.payload))
        if (frame.opcode !== 1) continue
        const message: SocketMessage = { ...JSON.parse(frame.payload.toString('utf8')), connection }
        if (plane.cut(message)) return void socket.destroy()
        plane.received.push(message)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const plane: SocketPlane = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    handshakes: [],
    open: () => sockets.size,
    send(message) {
      for (const socket of sockets) socket.write(frameOf(1, Buffer.from(JSON.stringify(message))))
    },
    drop() {
      for (const socket of sockets) socket.destroy()
    },
    of: (taskId, ...types) =>
      plane.received.filter(({ type, data }) => data.task_id === taskId && (types.length === 0 || types.includes(type))),
    pongs: true,
    cut: () => false,
    close: () =>
      new Promise((resolve) => {
        closing = true
        plane.drop()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return plane
}

/** One whole frame from the front, or null while it is not all there. Frames of a client are masked. */
function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | null {
  if (bytes.length < 2) return null
  const short = bytes.readUInt8(1) & 0x7f
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0
  const start = 2 + extra + 4
  if (bytes.length < start) return null
  const size = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (bytes.length < start + size) return null
  const mask = bytes.subarray(2 + extra, start)
  const payload = Buffer.from(bytes.subarray(start, start + size)).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: Buffer.from(payload), length: start + size }
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.alloc(2) : payload.length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  head.writeUInt8(0x80 | opcode, 0)
  head.writeUInt8(payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127, 1)
  if (head.length === 4) head.writeUInt16BE(payload.length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}
