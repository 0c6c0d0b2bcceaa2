// Wires the ways in that this service opens itself, long poll and socket, and the release of queued tasks: what only the leader does for intake.
import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { Agent } from 'undici'
import type { Check } from '../../routes/health.ts'
import { createTransport, proxyOfEnvironment } from '../callback/index.ts'
import {
  createPollClient,
  createPoller,
  createReleaseQueue,
  createSocketIntake,
  createTake,
  createTokenReader,
  openSocket,
  type SocketIntake,
} from '../intake/index.ts'
import { projectJob } from '../model/project.ts'
import type { createEntrance } from './entrance.ts'
import type { Shared } from './shared.ts'

/** One request waits, one acknowledges, and some to spare while one of them is dying. */
const POLL_CONNECTIONS = 4
const CONNECT_TIMEOUT_MS = 10_000
/** An assignment has at most 256 KiB; what is far longer is not read. */
const LARGEST_MESSAGE_BYTES = 1024 * 1024

/** What a replica does while it leads, besides reporting. */
interface LeaderPart {
  lead(): void
  yieldLead(): Promise<void>
}

export interface Inbound extends LeaderPart {
  /** Where verdicts of tasks without a URL go; null: not over a socket. */
  socket: { url: string; intake: Pick<SocketIntake, 'deliver' | 'hasRoom'> } | null
  /** For those who wait for the socket: the reconcile loop's queue, once it exists. */
  onWake(wake: (key: string) => void): void
  checks(): Check[]
  /** Takes nothing more for good; what is in hand is finished. */
  stop(): Promise<void>
}

export function createInbound(
  shared: Shared,
  entrance: ReturnType<typeof createEntrance>,
  env: Readonly<Record<string, string | undefined>>,
): Inbound {
  const { config, settings, census } = shared
  const { admission } = entrance
  let wake = (_key: string): void => {}
  let stopped = false
  const poll = config.poll ? createPolling(shared, entrance, env, config.poll) : null
  const socket = config.socket ? createSocket(shared, entrance, env, config.socket, (key) => wake(key)) : null
  const queue = config.limits.overflow === 'queue' ? createQueue(shared) : null
  const parts: LeaderPart[] = [poll?.poller, socket?.intake, queue].flatMap((part) => part ?? [])

  async function yieldLead(): Promise<void> {
    await Promise.all(parts.map((part) => part.yieldLead()))
  }

  return {
    socket: socket && config.callback.url === undefined ? { url: socket.url, intake: socket.intake } : null,
    onWake(newWake) {
      wake = newWake
    },
    lead() {
      if (!stopped) for (const part of parts) part.lead()
    },
    yieldLead,
    checks: () => [
      ...(poll ? [{ name: 'long-poll', required: false, ...poll.poller.status() }] : []),
      ...(socket ? [{ name: 'socket', required: false, ...socket.intake.status() }] : []),
      ...capacityCheck(),
    ],
    async stop() {
      stopped = true
      await Promise.all([poll?.poller.yieldLead(), socket?.intake.yieldLead()])
      await Promise.all([poll?.close(), socket?.close()])
    },
  }

  function capacityCheck(): Check[] {
    const limit = settings.maxConcurrentTasks
    const { max_pending_pods: mostPending } = config.limits
    if (limit === 0 && mostPending === 0) return []
    const pressure = admission.pressure()
    const waiting = config.limits.overflow === 'queue' ? `, ${census.queued()} waiting` : ''
    const starting = mostPending === 0 ? '' : `, ${census.pending()} of ${mostPending} waiting for their Pods to start`
    const detail = `${limit === 0 ? `${census.placed()} tasks, no limit` : `${census.placed()} of ${limit} places taken`}${starting}${waiting}${pressure === null ? '' : `; no new work is asked for: ${pressure}`}`
    return [{ name: 'capacity', ok: pressure === null, required: false, detail }]
  }
}

function createPolling(
  { config, settings, common, census, userAgent }: Shared,
  { submit, cancel, admission }: ReturnType<typeof createEntrance>,
  env: Readonly<Record<string, string | undefined>>,
  poll: NonNullable<Shared['config']['poll']>,
) {
  const transport = createTransport({
    connections: POLL_CONNECTIONS,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    tls: { ...settings.callbackTls, certFile: null, keyFile: null },
    proxy: proxyOfEnvironment(env),
    allowPrivate: false,
  })
  const client = createPollClient(
    { ...common, token: createTokenReader(poll.token, env), dispatcher: transport.trusted },
    { url: poll.url, workerId: config.worker_id, userAgent },
  )
  const poller = createPoller(
    { ...common, client, take: createTake({ submit, cancel }, 'poll', originOf(poll.url)), free: admission.free, onFree: census.onChange },
    { waitSeconds: settings.pollWaitSeconds, maxMessages: poll.max_messages },
  )
  return { poller, close: transport.close }
}

function createSocket(
  { config, settings, common }: Shared,
  { submit, cancel }: ReturnType<typeof createEntrance>,
  env: Readonly<Record<string, string | undefined>>,
  socket: NonNullable<Shared['config']['socket']>,
  wake: (key: string) => void,
) {
  const { caFile } = settings.callbackTls
  const agent = new Agent({
    allowH2: false,
    webSocket: { maxPayloadSize: LARGEST_MESSAGE_BYTES },
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...(caFile === null ? {} : { ca: [...getCACertificates('default'), readFileSync(caFile, 'utf8')] }),
    },
  })
  const url = socketUrl(socket.url, config.worker_id)
  const intake = createSocketIntake(
    {
      ...common,
      open: (token, events) =>
        openSocket(common, { url, token, dispatcher: agent, pingMs: settings.socketPingMs, silentMs: 2 * settings.socketPingMs }, events),
      token: createTokenReader(socket.token, env),
      take: createTake({ submit, cancel }, 'socket', originOf(socket.url)),
      wake,
    },
    { workerId: config.worker_id },
  )
  return { url, intake, close: () => agent.destroy() }
}

function originOf(url: string): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}

/** The seed worker's own path where the setting has none, and the worker's id. */
function socketUrl(text: string, workerId: string): string {
  const url = new URL(text)
  if (url.pathname === '/') url.pathname = '/api/v1/selfhosted/worker/ws'
  if (!url.searchParams.has('worker_id')) url.searchParams.set('worker_id', workerId)
  return url.href
}

function createQueue({ config, settings, common, cluster, census, informer, labelSelector }: Shared) {
  return createReleaseQueue(
    {
      ...common,
      census,
      cached: (name) => informer.tasks.get(name)?.job ?? null,
      synced: informer.synced,
      listJobs: () => cluster.listJobs(labelSelector, projectJob),
      getJob: cluster.getJob,
      patchJob: cluster.patchJob,
      projectJob,
    },
    { maxConcurrentTasks: settings.maxConcurrentTasks, maxPendingPods: config.limits.max_pending_pods },
  )
}
