// How many requests are worked on at once, and how many bodies may be on their way meanwhile. A place is taken only when the body has arrived: who lets
// it drip has not been authenticated yet and must not keep out those who have something to say. When too many drip, the oldest is cut off.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { App } from './lib/http.ts'
import { sendProblem } from './lib/http.ts'
import { type Refusal, refusal } from './model/problem.ts'

/** So long a body may be on its way while others wait for its room. */
const PATIENCE_MS = 1_000

/** Beyond `cap` worked on, and beyond `cap` bodies on their way that are all fresh, requests are refused before their body is read. */
export function capInFlight(app: App, cap: number, cutOff: (socket: Socket) => void): void {
  const working = new Set<ServerResponse>()
  /** In the order they began. */
  const arriving = new Map<ServerResponse, { socket: Socket; sinceMs: number }>()
  /** By connection, so that whatever is open on it is given back when it closes. */
  const openOn = createOpenRequests((response) => {
    working.delete(response)
    arriving.delete(response)
  })

  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.uncapped) return
    if (working.size >= cap) return sendProblem(reply, overloaded(`more than ${cap} requests are being worked on`))
    const { socket } = request.raw
    // Its sender has gone already; its close was told before anybody could listen.
    if (socket.destroyed) return
    openOn(socket).add(reply.raw)
    if (!hasBody(request.raw)) return
    if (arriving.size >= cap && !cutOldest()) return sendProblem(reply, overloaded(`more than ${cap} bodies are on their way`))
    arriving.set(reply.raw, { socket, sinceMs: performance.now() })
  })
  app.addHook('preValidation', async (request, reply) => {
    if (request.routeOptions.config.uncapped) return
    arriving.delete(reply.raw)
    if (!openOn(request.raw.socket).has(reply.raw)) return
    // Many came at the same moment and all passed the first look.
    if (working.size >= cap) return sendProblem(reply, overloaded(`more than ${cap} requests are being worked on`))
    working.add(reply.raw)
  })

  function cutOldest(): boolean {
    for (const [response, { socket, sinceMs }] of arriving) {
      if (performance.now() - sinceMs < PATIENCE_MS) return false
      arriving.delete(response)
      cutOff(socket)
      return true
    }
    return false
  }
}

interface OpenRequests {
  add(response: ServerResponse): void
  has(response: ServerResponse): boolean
}

/** The requests of each connection that are not over. Not by onResponse and onRequestAbort: of a sender that goes away while it is worked on, neither is told. */
function createOpenRequests(over: (response: ServerResponse) => void): (socket: Socket) => OpenRequests {
  const all = new WeakMap<Socket, Set<ServerResponse>>()
  const of = (socket: Socket): Set<ServerResponse> => {
    const known = all.get(socket)
    if (known) return known
    const open = new Set<ServerResponse>()
    all.set(socket, open)
    socket.once('close', () => {
      for (const response of open) over(response)
      open.clear()
    })
    return open
  }
  return (socket) => {
    const open = of(socket)
    return {
      has: (response) => open.has(response),
      add(response) {
        open.add(response)
        response.once('close', () => {
          open.delete(response)
          over(response)
        })
      },
    }
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function overloaded(detail: string): Refusal {
  return refusal('overloaded', detail, { retryAfterSeconds: 1 })
}
