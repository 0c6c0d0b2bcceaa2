// One chaos run: replicas behind proxies, a control plane that sends and hears, incidents at their times, then calm until all is settled.
// It records; checker.ts judges.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { type Recorder, readAccess, startRecorder } from './api.ts'
import { keyOf } from './checker.ts'
import { createSenders, startCallbackReceiver } from './control-plane.ts'
import { createFaultPlan } from './faults.ts'
import { createFleet } from './fleet.ts'
import type { History } from './history.ts'
import { planIncidents } from './incidents.ts'
import type { Replica } from './replica.ts'
import { createScriptedPods } from './scripted-pods.ts'
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

export async function runChaos(target: Target, options: ChaosOptions): Promise<ChaosRun> {
  const { seed, say } = options
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-chaos-'))
  const workerId = `chaos-${seed}-${process.pid}`
  const secrets = { webhook: generateSecret(), callback: generateSecret() }
  const tasks = planTasks(seed, { tasks: options.tasks, spreadMs: options.spreadMs, containers: target.containers })
  const byKey = new Map(tasks.map((task) => [keyOf(task), task]))
  const plan = createFaultPlan(seed)
  const incidents = planIncidents(seed, { spreadMs: options.spreadMs, replicas: options.replicas, tasks: options.tasks })
  const heard = new Map<string, () => void>()
  const hearing = new Map<string, Promise<void>>()
  for (const key of byKey.keys()) hearing.set(key, new Promise((resolve) => heard.set(key, resolve)))
  const receiver = await startCallbackReceiver(seed)
  const ending = new AbortController()
  const pods = createScriptedPods(
    { recorder: () => recorder, planOf: (key) => byKey.get(key), signal: ending.signal },
    { containers: target.containers },
  )
  const recorder: Recorder = await startRecorder(readAccess(target.adminKubeconfig), {
    namespace: target.namespace,
    workerId,
    onEvent: pods.onEvent,
  })
  const fleet = createFleet(
    { target, recorder, receiver, plan, onCallback: (callback) => heard.get(keyOf(callback))?.(), signal: ending.signal },
    { folder, workerId, secrets, incidents, ...(options.root === undefined ? {} : { root: options.root }) },
  )
  const { replicas } = fleet
  const { callbacks, exits } = fleet.history

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
    await Promise.all(Array.from({ length: options.replicas }, (_, index) => fleet.add(index)))
    await Promise.all(replicas.map((replica) => replica.start()))
    startMs = Date.now() + 500
    say(`seed ${seed}: ${tasks.length} executions on ${options.replicas} replicas over ${Math.round(options.spreadMs / 1000)} s`)
    const sending = Promise.all(tasks.map((task) => senders.carryOut(task)))
    await Promise.all([...incidents.map((incident) => fleet.carryOut(incident, startMs)), delay(startMs + options.spreadMs - Date.now())])

    fleet.calm()
    plan.quiet()
    receiver.quiet()
    fleet.note('calm')
    await fleet.restarted()
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
        if (!target.containers) await pods.nudgeForgotten().catch(() => {})
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
        ...fleet.history,
        events: recorder.events,
        leftovers,
        texts: [
          ...replicas.map((replica) => ({ source: `log of ${replica.name}`, text: replica.log() })),
          ...metrics.map((text, index) => ({ source: `metrics of r${index}`, text })),
          ...senders.answers.map((text) => ({ source: 'answer to a webhook', text })),
        ],
        auditedJobs: target.auditedJobs?.() ?? null,
      },
    }
  } finally {
    fleet.calm()
    ending.abort()
    await fleet.restarted()
    await fleet.close()
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
