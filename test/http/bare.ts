// The HTTP service without jobhook behind it: routes are the test's own.
import type { AddressInfo } from 'node:net'
import type { App } from '../../src/lib/http.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { noTracer } from '../../src/lib/trace.ts'
import { createServer, type ServerOptions } from '../../src/server.ts'

export const NO_RATES = { webhook: 0, token: 0, address: 0 }

export function bareServer(options: Partial<ServerOptions> = {}, metrics = createMetrics()): App {
  return createServer(
    { log: createLog({ level: 'silent', workerId: 'test' }), metrics, tracer: noTracer },
    {
      requestsInFlight: 10,
      connections: 100,
      trustProxy: [],
      tls: null,
      rates: NO_RATES,
      clientCertificates: false,
      authenticate: null,
      ...options,
    },
  )
}

export async function listen(app: App): Promise<string> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}
