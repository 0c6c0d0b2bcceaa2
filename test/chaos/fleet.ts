// The replicas of a chaos run, each behind two proxies of its own, and everything that is done to them: faults, kills placed at a request, incidents.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { createVerifier } from '../../src/lib/standard-webhooks.ts'
import { type Recorder, readAccess } from './api.ts'
import type { CallbackReceiver } from './control-plane.ts'
import type { FaultPlan } from './faults.ts'
import type { Callback, History } from './history.ts'
import type { Incident } from './incidents.ts'
import { type ChaosProxy, kubeRequestKind, type ProxiedRequest, startProxy } from './proxy.ts'
import { createReplica, type Replica } from './replica.ts'
import type { Target } from './target.ts'

/** What happened to it, for the checker. */
export type FleetHistory = Pick<History, 'callbacks' | 'incidents' | 'exits' | 'deaths' | 'apiDeaths'>

export interface Fleet {
  replicas: readonly Replica[]
  history: FleetHistory
  add(index: number): Promise<void>
  /** Resolves when it is done; a restart that it begins is waited for by `restarted`. */
  carryOut(incident: Incident, startMs: number): Promise<void>
  note(what: string): void
  /** From now on nothing more is done to anybody. */
  calm(): void
  restarted(): Promise<void>
  close(): Promise<void>
}

/** Short enough that a run sees many attempts, long enough in all that no verdict becomes a dead letter. */
const SCHEDULE = [0, 0.3, 0.5, ...Array.from({ length: 30 }, () => 1), ...Array.from({ length: 30 }, () => 4)]

export function createFleet(
  deps: {
    target: Target
    recorder: Recorder
    receiver: CallbackReceiver
    plan: FaultPlan
    /** A callback has come, whatever becomes of it. */
    onCallback: (callback: Callback) => void
    signal: AbortSignal
  },
  options: {
    folder: string
    workerId: string
    secrets: { webhook: string; callback: string }
    incidents: readonly Incident[]
    /** The tree whose jobhook runs; default: this one. */
    root?: string
  },
): Fleet {
  const { target, recorder, receiver, plan, signal } = deps
  const { folder, workerId, secrets } = options
  const placed = options.incidents.flatMap((incident) => (incident.kind === 'placed-kill' ? [{ ...incident, done: false }] : []))
  const history: FleetHistory = { callbacks: [], incidents: [], exits: [], deaths: [], apiDeaths: [] }
  const verifier = createVerifier([secrets.callback])
  const proxies: { api: ChaosProxy; callback: ChaosProxy }[] = []
  const replicas: Replica[] = []
  const counters = new Map<string, number>()
  const restarts = new Set<Promise<void>>()
  const dying = new Set<number>()
  const tokens: string[] = []
  const servers: { server: string; kubeconfig: string }[] = []
  const name = (index: number): string => `r${index}`
  let rotations = 0
  let calm = false

  function note(what: string): void {
    history.incidents.push({ atMs: Date.now(), what })
  }

  function kill(index: number, why: string, downMs: number): void {
    const replica = replicas[index]
    // One death at a time: two would end in two processes that take themselves for the same Pod.
    if (!replica || calm || replica.url() === null || dying.has(index)) return
    dying.add(index)
    note(`${why} ${replica.name}`)
    history.deaths.push({ atMs: Date.now(), replica: replica.name })
    follow(
      replica.kill().then(async () => {
        await delay(downMs)
        await replica.start()
        dying.delete(index)
        note(`started again ${replica.name}`)
      }),
    )
  }

  function follow(work: Promise<void>): void {
    restarts.add(work)
    void work.finally(() => restarts.delete(work))
  }

  /** Whether a kill was planned at this request of this replica. */
  function placedKill(index: number, requestKind: string, count: number, when: 'before' | 'after'): boolean {
    const due = placed.find((each) => !each.done && each.requestKind === requestKind && each.when === when && count >= each.nth)
    if (!due || calm || dying.has(index) || replicas[index]?.url() == null) return false
    due.done = true
    kill(index, `kill ${when} ${requestKind},`, due.downMs)
    return true
  }

  function count(requestKind: string): number {
    const next = (counters.get(requestKind) ?? 0) + 1
    counters.set(requestKind, next)
    return next
  }

  async function openProxies(index: number, name: string): Promise<{ api: ChaosProxy; callback: ChaosProxy }> {
    const access = readAccess(target.kubeconfig)
    const seen = new WeakMap<ProxiedRequest, { callback: Callback | null; count: number }>()
    const api = await startProxy({
      target: new URL(access.server).origin,
      headers: access.headers,
      ...(access.ca ? { ca: access.ca } : {}),
      knows: ({ authorization }) => authorization === `Bearer ${tokens[index]}`,
      kindOf: kubeRequestKind,
      fault: plan.next,
      onArrival(proxied) {
        const number = count(proxied.kind)
        seen.set(proxied, { callback: null, count: number })
        return placedKill(index, proxied.kind, number, 'before') ? 'drop' : undefined
      },
      onForwarded(proxied) {
        placedKill(index, proxied.kind, seen.get(proxied)?.count ?? 0, 'after')
      },
    })
    const callback = await startProxy({
      target: receiver.origin,
      kindOf: () => 'callback',
      fault: plan.next,
      async onArrival(proxied, fault) {
        const said = await heardCallback(proxied, name, fault.kind)
        const number = count('callback')
        seen.set(proxied, { callback: said, count: number })
        return placedKill(index, 'callback', number, 'before') ? 'drop' : undefined
      },
      onForwarded(proxied, status) {
        const known = seen.get(proxied)
        if (known?.callback) known.callback.answered = status
        placedKill(index, 'callback', known?.count ?? 0, 'after')
      },
    })
    return { api, callback }
  }

  async function heardCallback(proxied: ProxiedRequest, replica: string, fault: string): Promise<Callback> {
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = proxied.headers
    const body = proxied.body.toString('utf8')
    const { type, data } = JSON.parse(body) as { type: string; data: { task_id: string; execution_id: string } }
    const callback: Callback = {
      id: String(id),
      type,
      taskId: data.task_id,
      executionId: data.execution_id,
      body,
      verified: verifier.verify({ id, timestamp, signature }, proxied.body, Date.now() / 1000).ok,
      replica,
      atMs: proxied.atMs,
      fault,
      alivePods: [],
      answered: null,
    }
    history.callbacks.push(callback)
    if (type !== 'task_started') callback.alivePods = await recorder.alivePods(callback.taskId, callback.executionId).catch(() => [])
    deps.onCallback(callback)
    return callback
  }

  /** Written whole or not at all, as kubectl and kubelet do it. */
  function rotateToken(index: number): void {
    const known = servers[index]
    if (!known) return
    rotations++
    const token = `${name(index)}-${rotations}`
    writeFileSync(`${known.kubeconfig}.new`, kubeconfigText(known.server, target.namespace, token), { mode: 0o600 })
    renameSync(`${known.kubeconfig}.new`, known.kubeconfig)
    tokens[index] = token
  }

  async function addReplica(index: number): Promise<void> {
    const between = await openProxies(index, name(index))
    proxies[index] = between
    const server = between.api.url + new URL(readAccess(target.kubeconfig).server).pathname.replace(/\/$/, '')
    const kubeconfig = join(folder, `${name(index)}.kubeconfig`)
    servers[index] = { server, kubeconfig }
    rotateToken(index)
    replicas[index] = createReplica({
      name: name(index),
      ...(options.root === undefined ? {} : { root: options.root }),
      podName: index % 2 === 0 ? name(index) : null,
      folder,
      config: {
        worker_id: workerId,
        listen: '127.0.0.1:0',
        webhook: { secrets: [secrets.webhook] },
        backend: { kubernetes: { kubeconfig, default_image: 'docker.io/library/busybox:1.36', ...target.backend } },
        callback: { url: `${between.callback.url}/hooks/tasks`, secrets: [secrets.callback], schedule: SCHEDULE, timeout: '3s' },
        leader_election: { lease_duration: '5s' },
        deadlines: { drain_delay: '100ms' },
      },
    })
  }

  async function carryOut(incident: Incident, startMs: number): Promise<void> {
    if (incident.kind === 'placed-kill') return
    await delay(Math.max(0, startMs + incident.atMs - Date.now()), undefined, { signal }).catch(() => {})
    if (calm || signal.aborted) return
    if (incident.kind === 'kill') return kill(incident.replica, 'kill', incident.downMs)
    if (incident.kind === 'compact') {
      if (target.compact) note('history forgotten')
      return target.compact?.()
    }
    if (incident.kind === 'freeze') {
      note(`frozen for ${incident.ms} ms ${incident.replica === null ? 'r0 and all others' : `r${incident.replica}`}`)
      proxies.forEach(({ api }, index) => {
        if (incident.replica === null || incident.replica === index) api.freeze(incident.ms)
      })
      return
    }
    if (incident.kind === 'receiver-down') {
      note(`control plane down for ${incident.ms} ms`)
      return receiver.down(incident.ms)
    }
    if (incident.kind === 'api-restart') {
      if (!target.components || target.components.isDown(incident.component)) return
      note(`${incident.signal} ${incident.component}`)
      history.apiDeaths.push({ atMs: Date.now() })
      return follow(target.components.restart(incident.component, incident.signal, incident.downMs))
    }
    if (incident.kind === 'token') {
      note(`token replaced r${incident.replica}`)
      return rotateToken(incident.replica)
    }
    if (incident.kind === 'clock') {
      note(`clock set by ${incident.wrongByMs / 3_600_000} h r${incident.replica}`)
      replicas[incident.replica]?.setClock(incident.wrongByMs)
      await delay(incident.ms, undefined, { signal }).catch(() => {})
      note(`clock set right r${incident.replica}`)
      return replicas[incident.replica]?.setClock(0)
    }
    if (incident.kind === 'suspend') {
      // It may be killed meanwhile, as a suspended machine may be.
      note(`suspended for ${incident.ms} ms r${incident.replica}`)
      return follow(replicas[incident.replica]?.suspend(incident.ms) ?? Promise.resolve())
    }
    const replica = replicas[incident.replica]
    if (!replica || replica.url() === null || dying.has(incident.replica)) return
    dying.add(incident.replica)
    note(`SIGTERM ${replica.name}`)
    const restart = async (): Promise<void> => {
      const code = await replica.stop()
      history.exits.push({ replica: replica.name, code })
      await delay(incident.downMs)
      await replica.start()
      dying.delete(incident.replica)
      note(`started again ${replica.name}`)
    }
    follow(restart())
  }

  return {
    replicas,
    history,
    add: addReplica,
    carryOut,
    note,
    calm() {
      calm = true
    },
    async restarted() {
      await Promise.all(restarts)
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.kill()))
      await Promise.all(proxies.flatMap(({ api, callback }) => [api.close(), callback.close()]))
    },
  }
}

function kubeconfigText(server: string, namespace: string, token: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'chaos', cluster: { server } }],
    users: [{ name: 'chaos', user: { token } }],
    contexts: [{ name: 'chaos', context: { cluster: 'chaos', user: 'chaos', namespace } }],
    'current-context': 'chaos',
  })
}
