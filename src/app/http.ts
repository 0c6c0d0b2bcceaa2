// Wires the HTTP face: the server and one plugin a resource.
import { createHash, randomUUID } from 'node:crypto'
import type { Server as TlsServer } from 'node:tls'
import { deliveriesRoutes } from '../../routes/deliveries.ts'
import { docsRoutes } from '../../routes/docs.ts'
import { eventsRoutes } from '../../routes/events.ts'
import { healthRoutes } from '../../routes/health.ts'
import { logsRoutes } from '../../routes/logs.ts'
import { openapiRoutes } from '../../routes/openapi.ts'
import { problemsRoutes } from '../../routes/problems.ts'
import { renderRoutes } from '../../routes/render.ts'
import { tasksRoutes } from '../../routes/tasks.ts'
import { noUiRoutes, uiRoutes } from '../../routes/ui.ts'
import { webhookRoutes } from '../../routes/webhook.ts'
import { createEventHub, HUB_LIMITS } from '../events/index.ts'
import { createHealth } from '../health.ts'
import { createAuthenticate } from '../intake/index.ts'
import type { App } from '../lib/http.ts'
import { createLogReader, READER_LIMITS } from '../logs/index.ts'
import { openapiDocument, openapiYaml, registerOpenapi } from '../openapi.ts'
import type { PreflightLoop } from '../preflight/index.ts'
import { createServer } from '../server.ts'
import { followServingTls, readServingTls } from '../serving-tls.ts'
import { createDeliveries } from './deliveries.ts'
import type { createEntrance } from './entrance.ts'
import type { Inbound } from './inbound.ts'
import { createRender } from './render.ts'
import type { createReporting } from './reporting.ts'
import type { Shared } from './shared.ts'
import { createUi } from './ui.ts'
import { createUiAccess } from './ui-access.ts'

export function createHttp(
  shared: Shared,
  parts: {
    entrance: ReturnType<typeof createEntrance>
    inbound: Pick<Inbound, 'checks'>
    reporting: ReturnType<typeof createReporting>
    preflight: PreflightLoop
    draining: () => boolean
    insecure: boolean
  },
): App {
  const { config, settings, common, cluster, informer, reader } = shared
  const { submit, cancel, readWebhook, audit } = parts.entrance
  const { tokens } = config.api
  const { servingTls } = settings
  const tls = servingTls === null ? null : readServingTls(servingTls)
  const uiAccess = createUiAccess(shared, parts.insecure)
  const server = createServer(common, {
    page: uiAccess,
    requestsInFlight: config.limits.requests_in_flight,
    connections: config.limits.connections,
    rates: config.limits.requests_per_second,
    tls,
    clientCertificates: tls?.ca !== undefined,
    trustProxy: config.trust_proxy,
    authenticate: tokens.length > 0 ? createAuthenticate(tokens) : parts.insecure ? 'open' : null,
  })
  if (servingTls && tls) {
    const closing = new AbortController()
    server.addHook('preClose', async () => closing.abort())
    followServingTls(common, server.server as unknown as TlsServer, servingTls, tls, closing.signal)
  }
  const health = createHealth({
    informer,
    election: parts.reporting.election,
    preflight: parts.preflight,
    draining: parts.draining,
    more: () => [...parts.inbound.checks(), ...shared.ledger.checks()],
  })
  registerOpenapi(server)
  server.register(openapiRoutes({ document: openapiDocument, yaml: openapiYaml }))
  server.register(problemsRoutes())
  if (config.api.docs) server.register(docsRoutes())
  server.register(webhookRoutes({ read: readWebhook, submit, cancel }))
  server.register(
    tasksRoutes({
      submit,
      mintTaskId,
      find: reader.find,
      list: reader.list,
      cancel: async (task, by) => {
        const result = await cancel({ task_id: task.task_id, execution_id: task.execution_id }, { via: 'rest', by })
        return result.ok ? { ok: true, stopped: result.cancelled.length > 0 } : result
      },
    }),
  )
  const logs = createLogReader(
    {
      ...common,
      find: reader.find,
      podsOf: (jobName) => informer.tasks.get(jobName)?.pods ?? [],
      onChange: informer.tasks.onChange,
      readLog: cluster.readLog,
    },
    { ...READER_LIMITS, limitBytes: config.log_limit_bytes },
  )
  server.register(logsRoutes({ read: logs.read, now: common.clock.now, audit }))
  // Followers would keep their connections open for as long as their tasks run.
  server.addHook('preClose', async () => logs.close())
  server.register(renderRoutes({ render: createRender(config, parts.entrance.spec) }))
  const deliveries = createDeliveries(shared)
  server.register(deliveriesRoutes({ ...deliveries, audit }))
  const events = createEventHub(
    { ...common, tasks: informer.tasks, present: reader.present, deliveryOf: deliveries.itemOf, synced: informer.synced },
    HUB_LIMITS,
  )
  server.register(eventsRoutes({ open: events.open }))
  server.addHook('preClose', async () => events.close())
  if (uiAccess) {
    const { openCircuits, election } = parts.reporting
    const ui = createUi(shared, { access: uiAccess, deliveries, checks: health.checks, openCircuits, isLeader: election.isLeader, audit })
    server.register(uiRoutes(ui))
  } else
    server.register(noUiRoutes(config.ui.enabled ? 'the page has no login: set api.tokens' : 'the page is switched off: set ui.enabled'))
  function countStaleness(): void {
    for (const [resource, { staleMs }] of Object.entries(informer.status()))
      common.metrics.informerStaleSeconds.set({ resource }, staleMs / 1000)
  }
  const metrics = () => {
    deliveries.count()
    shared.ledger.count()
    parts.entrance.count()
    countStaleness()
    return reader.metricsText()
  }
  server.register(healthRoutes({ checks: health.checks, started: informer.synced, metrics }))
  return server
}

/** The same caller and Idempotency-Key give the same task_id; without a key every submission is a task of its own. */
function mintTaskId(caller: string | null, idempotencyKey: string | null): string {
  if (idempotencyKey === null) return randomUUID()
  return `rest-${createHash('sha256')
    .update(JSON.stringify([caller, idempotencyKey]))
    .digest('hex')
    .slice(0, 32)}`
}
