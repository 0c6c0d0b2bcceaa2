// HTTP as bytes: what no client library would send.
import { connect } from 'node:net'
import { until } from './wait.ts'

/** Sends bytes on a connection of its own; resolves with all that came back once the other side closes, or once `enough` holds. */
export async function exchange(url: string, bytes: string | Buffer, enough: (text: string) => boolean = () => false): Promise<string> {
  const { hostname, port } = new URL(url)
  let text = ''
  let closed = false
  const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes))
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.once('close', () => {
    closed = true
  })
  socket.on('error', () => {})
  try {
    await until('an answer and its end', () => closed || enough(text), { everyMs: 5 })
  } finally {
    socket.destroy()
  }
  return text
}

/** The status codes of the answers in `text`, in order. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status))
}
