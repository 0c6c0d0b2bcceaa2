// The composition root: makes every part and hands each what it needs, in the order src/app/ lists. It only wires.
import { createEntrance } from './app/entrance.ts'
import { createHttp } from './app/http.ts'
import { createInbound } from './app/inbound.ts'
import { createLeaving } from './app/leaving.ts'
import { createPreflight } from './app/preflight.ts'
import { createReporting } from './app/reporting.ts'
import { createShared } from './app/shared.ts'
import type { KubeConfigSource } from './cluster/index.ts'
import type { Config } from './config/index.ts'
import type { Clock } from './lib/clock.ts'
import type { App } from './lib/http.ts'
import type { Logger } from './lib/log.ts'
import { noTracer, type Tracer } from './lib/trace.ts'
import { closeGracefully } from './server.ts'

/** Requests under way when the service stops get this long. */
const CLOSE_DEADLINE_MS = 10_000

export interface JobhookApp {
  server: App
  /** Begins to list, watch and stand for election. */
  start(): void
  /** Not ready, but everything answers: the Service takes this replica out. */
  beginDrain(): void
  /** Refuses new work, finishes what was accepted, gives the lease up, closes every connection. */
  stop(): Promise<void>
}

export interface AppOptions {
  config: Config
  kubeconfig: KubeConfigSource
  /** This replica's name in the Lease: the Pod's name, else unique to the process. */
  identity: string
  /** Unsigned webhooks and requests without a token are accepted. */
  insecure: boolean
  /** This process's environment: what the configuration takes over from it by name. */
  env: Readonly<Record<string, string | undefined>>
}

/** Throws with the remedy when no cluster can be found. Connects to nothing until `start`. */
export function createApp(
  deps: { clock: Clock; log: Logger; tracer?: Tracer },
  { config, kubeconfig, identity, insecure, env }: AppOptions,
): JobhookApp {
  let draining = false
  const shared = createShared({ tracer: noTracer, ...deps }, config, kubeconfig)
  const entrance = createEntrance(shared, insecure, env)
  const inbound = createInbound(shared, entrance, env)
  const reporting = createReporting(shared, inbound, identity, env)
  const preflight = createPreflight(shared, entrance.spec, env)
  const server = createHttp(shared, { entrance, inbound, reporting, preflight, draining: () => draining, insecure })
  const leaveNamespace = createLeaving(shared)
  return {
    server,
    start() {
      shared.informer.start()
      preflight.start()
      shared.ledger.start(reporting.election.isLeader)
      reporting.election.start()
    },
    beginDrain() {
      draining = true
    },
    async stop() {
      preflight.stop()
      // Before anything is refused: what was handed out to us is finished, not handed back.
      await inbound.stop()
      entrance.admission.drain()
      await closeGracefully(server, CLOSE_DEADLINE_MS)
      await shared.ledger.stop()
      await reporting.stop()
      await leaveNamespace()
      shared.census.stop()
      await shared.informer.stop()
      await shared.connection.close()
    },
  }
}
