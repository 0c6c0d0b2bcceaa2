// A control plane that is only polled: the example's own routes and leases on a real server, with a record of every request.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLeaseBoard, type LeaseBoard } from '../../examples/control-plane/leases.ts'
import { createPollRoutes } from '../../examples/control-plane/poll.ts'

export interface Polled {
  url: string
  board: LeaseBoard
  requests: { action: string; authorization: string; atMs: number }[]
  /** Lease requests that wait for an answer now. */
  waiting(): number
  /** Answers instead of the routes when it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean
  close(): Promise<void>
}

export async function startPolled(token: () => string, leaseMs = 2_000): Promise<Polled> {
  const board = createLeaseBoard({ nowMs: Date.now }, { leaseMs, afterRejectionMs: 200 })
  let waiting = 0
  const server = createServer(async (request, response) => {
    const action = request.url?.split('/').at(-1) ?? ''
    polled.requests.push({ action, authorization: request.headers.authorization ?? '', atMs: Date.now() })
    if (polled.intercept(request, response)) return
    if (action === 'lease') {
      waiting++
      response.once('close', () => waiting--)
    }
    await createPollRoutes({ board, token: token() })(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const polled: Polled = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    board,
    requests: [],
    waiting: () => waiting,
    intercept: () => false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return polled
}
