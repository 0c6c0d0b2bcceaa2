// One chaos run: replicas behind proxies, a control plane that sends and hears, incidents at their times, then calm until all is settled.
// It records; checker.ts judges.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { stringify } from 'yaml'
import { createVerifier, generateSecret } from '../../src/lib/standard-webhooks.ts'
import { type Recorder, readAccess, startRecorder } from './api.ts'
import { keyOf } from './checker.ts'
import { createSenders, startCallbackReceiver } from './control-plane.ts'
import { createFaultPlan } from './faults.ts'
import type { Callback, History, ObjectEvent } from './history.ts'
import { type Incident, planIncidents } from './incidents.ts'
import { type ChaosProxy, kubeRequestKind, type ProxiedRequest, startProxy } from './proxy.ts'
import { createReplica, type Replica } from './replica.ts'
import type { Target } from './target.ts'
import { planTasks } from './tasks.ts'

export interface ChaosOptions {
  seed: number
  /** Assignments and incidents are spread over this time; then everything is left to settle. */
  spreadMs: number
  tasks: number
  replicas: number
  /** How long settling may take. */
  settleMs: number
  /** The tree whose jobhook runs; default: this one. */
  root?: string
  say: (line: string) => void
}

export interface ChaosRun {
  history: History
  /** How many of which fault. */
  faults: ReadonlyMap<string, number>
}

/** Short enough that a run sees many attempts, long enough in all that no verdict becomes a dead letter. */
const SCHEDULE = [0, 0.3, 0.5, ...Array.from({ length: 30 }, () => 1), ...Array.from({ length: 30 }, () => 4)]

export async function runChaos(target: Target, options: ChaosOptions): Promise<ChaosRun> {
  const { seed, say } = options
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-chaos-'))
  const workerId = `chaos-${seed}-${process.pid}`
  const secrets = { webhook: generateSecret(), callback: generateSecret() }
  const tasks = planTasks(seed, { tasks: options.tasks, spreadMs: options.spreadMs, containers: target.containers })
  const byKey = new Map(tasks.map((task) => [keyOf(task), task]))
  const plan = createFaultPlan(seed)
  const incidents = planIncidents(seed, { spreadMs: options.spreadMs, replicas: options.replicas, tasks: options.tasks })
  const placed = incidents.flatMap((incident) => (incident.kind === 'placed-kill' ? [{ ...incident, done: false }] : []))
  const happened: History['incidents'] = []
  const exits: History['exits'] = []
  const callbacks: Callback[] = []
  const heard = new Map<string, () => void>()
  const hearing = new Map<string, Promise<void>>()
  for (const key of byKey.keys()) hearing.set(key, new Promise((resolve) => heard.set(key, resolve)))
  const verifier = createVerifier([secrets.callback])
  const receiver = await startCallbackReceiver(seed)
  const ending = new AbortController()
  const proxies: { api: ChaosProxy; callback: ChaosProxy }[] = []
  const replicas: Replica[] = []
  const counters = new Map<string, number>()
  const restarts = new Set<Promise<void>>()
  const scripted = new Set<string>()
  /** Which execution a Job belongs to, by its uid. */
  const executions = new Map<string, string>()
  const dying = new Set<number>()
  const deaths: History['deaths'] = []
  const apiDeaths: History['apiDeaths'] = []
  const tokens: string[] = []
  const servers: { server: string; kubeconfig: string }[] = []
  const name = (index: number): string => `r${index}`
  let rotations = 0
  let calm = false

  const recorder = await startRecorder(readAccess(target.adminKubeconfig), {
    namespace: target.namespace,
    workerId,
    onEvent(event) {
      if (event.resource === 'jobs') executions.set(event.uid, keyOf(event))
      void script(event).catch(() => {})
    },
  })

  /** Pods that no kubelet runs end as their task's plan says. Not told before they run: a change on the way there makes kwok play that stage again. */
  async function script(event: ObjectEvent): Promise<void> {
    if (target.containers || event.resource !== 'pods' || !event.state.startsWith('Running') || scripted.has(event.uid)) return
    scripted.add(event.uid)
    // The watch of Jobs may be behind that of Pods.
    for (let tries = 0; !executions.has(event.jobUid) && tries < 100; tries++) await delay(50)
    const life = byKey.get(executions.get(event.jobUid) ?? '')?.scripted
    if (!life) return
    const annotation = `kwok.jobhook.dev/${life.succeeds ? 'complete' : 'fail'}-after`
    const change = { metadata: { annotations: { [annotation]: `${life.afterMs}ms` } } }
    // The API may be down just now; a Pod that is gone needs no end.
    const told = (error: unknown): boolean => String(error).includes('404')
    while (!ending.signal.aborted && !(await recorder.patch('pods', event.name, change).then(() => true, told))) await delay(200)
  }

  /** kwok may lose a Pod while the API is restarted, and then plays no stage of it until it hears of it again. */
  async function nudgeForgotten(): Promise<void> {
    const latest = new Map(recorder.events.filter(({ resource }) => resource === 'pods').map((event) => [event.uid, event]))
    const forgotten = [...latest.values()].filter(
      ({ state, type, atMs }) => type !== 'DELETED' && state === 'Pending' && atMs < Date.now() - 10_000,
    )
    for (const { name } of forgotten) await recorder.patch('pods', name, { metadata: { annotations: { nudged: String(Date.now()) } } })
  }

  function note(what: string): void {
    happened.push({ atMs: Date.now(), what })
  }

  function kill(index: number, why: string, downMs: number): void {
    const replica = replicas[index]
    // One death at a time: two would end in two processes that take themselves for the same Pod.
    if (!replica || calm || replica.url() === null || dying.has(index)) return
    dying.add(index)
    note(`${why} ${replica.name}`)
    deaths.push({ atMs: Date.now(), replica: replica.name })
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
    callbacks.push(callback)
    if (type !== 'task_started') callback.alivePods = await recorder.alivePods(callback.taskId, callback.executionId).catch(() => [])
    heard.get(keyOf(callback))?.()
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
    await delay(Math.max(0, startMs + incident.atMs - Date.now()), undefined, { signal: ending.signal }).catch(() => {})
    if (calm || ending.signal.aborted) return
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
      apiDeaths.push({ atMs: Date.now() })
      return follow(target.components.restart(incident.component, incident.signal, incident.downMs))
    }
    if (incident.kind === 'token') {
      note(`token replaced r${incident.replica}`)
      return rotateToken(incident.replica)
    }
    if (incident.kind === 'clock') {
      note(`clock set by ${incident.wrongByMs / 3_600_000} h r${incident.replica}`)
      replicas[incident.replica]?.setClock(incident.wrongByMs)
      await delay(incident.ms, undefined, { signal: ending.signal }).catch(() => {})
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
      exits.push({ replica: replica.name, code })
      await delay(incident.downMs)
      await replica.start()
      dying.delete(incident.replica)
      note(`started again ${replica.name}`)
    }
    follow(restart())
  }

  /** What is not as it should be in the end, in words; null when all is settled. */
  async function unsettled(): Promise<string | null> {
    const acknowledged = new Set(
      callbacks.filter(({ type, answered }) => type !== 'task_started' && answered !== null && answered < 300).map(keyOf),
    )
    const accepted = new Set(senders.deliveries.filter(({ what, status }) => what === 'assignment' && status === 202).map(keyOf))
    const waiting = tasks.filter((task) => accepted.has(keyOf(task)) && !acknowledged.has(keyOf(task)))
    if (waiting.length > 0) return `${waiting.length} verdicts, such as that of ${waiting[0]?.executionId}`
    const { held, open } = await recorder.leftovers()
    return held.length + open.length > 0 ? `${held.length + open.length} Jobs to be closed` : null
  }

  // Set once the replicas have started, which takes a while on a busy machine: senders that shout at closed doors try nothing.
  let startMs = 0
  const senders = createSenders({
    seed,
    startMs: () => startMs,
    secret: secrets.webhook,
    replicas: () => replicas.map((replica) => ({ name: replica.name, url: replica.url() })),
    heardOf: (task) => hearing.get(keyOf(task)) ?? Promise.resolve(),
    signal: ending.signal,
  })
  try {
    mkdirSync(folder, { recursive: true })
    await Promise.all(Array.from({ length: options.replicas }, (_, index) => addReplica(index)))
    await Promise.all(replicas.map((replica) => replica.start()))
    startMs = Date.now() + 500
    say(`seed ${seed}: ${tasks.length} executions on ${options.replicas} replicas over ${Math.round(options.spreadMs / 1000)} s`)
    const sending = Promise.all(tasks.map((task) => senders.carryOut(task)))
    await Promise.all([...incidents.map((incident) => carryOut(incident, startMs)), delay(startMs + options.spreadMs - Date.now())])

    calm = true
    plan.quiet()
    receiver.quiet()
    note('calm')
    await Promise.all(restarts)
    const overdueMs = Date.now() + options.settleMs
    for (const key of hearing.keys()) setTimeout(() => heard.get(key)?.(), options.settleMs / 2).unref()
    say('calm')
    const sayUnfinished = setInterval(() => say(`still sending: ${senders.unfinished().slice(0, 3).join('; ')}`), 10_000)
    await Promise.race([sending, delay(options.settleMs, undefined, { ref: false })])
    clearInterval(sayUnfinished)
    let missing = await unsettled().catch(String)
    for (let sayAtMs = Date.now() + 10_000; missing !== null && Date.now() < overdueMs; missing = await unsettled().catch(String)) {
      if (Date.now() > sayAtMs) {
        say(`waiting for ${missing}`)
        if (!target.containers) await nudgeForgotten().catch(() => {})
        sayAtMs = Date.now() + 10_000
      }
      await delay(200)
    }
    if (missing !== null) say(`gave up waiting for ${missing}`)
    const metrics = await Promise.all(replicas.map(metricsOf))
    await Promise.all(replicas.map(async (replica) => void exits.push({ replica: replica.name, code: await replica.stop() })))
    const leftovers = await recorder.leftovers()
    return {
      faults: plan.counts(),
      history: {
        seed,
        intents: tasks.map(({ taskId, executionId, scenario, outcomes }) => ({ taskId, executionId, scenario, outcomes })),
        deliveries: senders.deliveries,
        callbacks,
        events: recorder.events,
        leftovers,
        texts: [
          ...replicas.map((replica) => ({ source: `log of ${replica.name}`, text: replica.log() })),
          ...metrics.map((text, index) => ({ source: `metrics of r${index}`, text })),
          ...senders.answers.map((text) => ({ source: 'answer to a webhook', text })),
        ],
        incidents: happened,
        deaths,
        apiDeaths,
        exits,
        auditedJobs: target.auditedJobs?.() ?? null,
      },
    }
  } finally {
    calm = true
    ending.abort()
    await Promise.all(restarts)
    await Promise.all(replicas.map((replica) => replica.kill()))
    await Promise.all(proxies.flatMap(({ api, callback }) => [api.close(), callback.close()]))
    await senders.close()
    await receiver.close()
    await stopRecorder(recorder)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function stopRecorder(recorder: Recorder): Promise<void> {
  await recorder.stop().catch(() => {})
}

async function metricsOf(replica: Replica): Promise<string> {
  const url = replica.url()
  return url === null ? '' : (await request(`${url}/metrics`)).body.text()
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
