// One load run: a service with little capacity, a cluster behind it, a receiver of its callbacks, and the load from another process.
import { fork } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryOf } from '../../bench/lib/process-usage.ts'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { readAccess, startRecorder } from '../chaos/api.ts'
import { createReplica } from '../chaos/replica.ts'
import type { Target } from '../chaos/target.ts'
import { startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'
import type { Loaded, Phase, Plan, Seen } from './model.ts'

export interface LoadOptions {
  seconds: number
  idleSeconds: number
  clients: number
  slowClients: number
  /** Tasks at once, and how long each takes: together the capacity. */
  places: number
  taskSeconds: number
  /** Times capacity. */
  factor: number
  settleSeconds: number
  say(line: string): void
}

const WEBHOOK_SECRET = generateSecret()
const CALLBACK_SECRET = generateSecret()
const TOKEN = 'load-token-0123456789abcdef'
/** Far fewer than clients, so that a storm is more than may be worked on; half of them are held by bodies that never end. */
const REQUESTS_IN_FLIGHT = 40
/** Finished Jobs go soon, so that what memory there is at the end is not theirs. */
const RETENTION_SECONDS = 10
const READY_MS = 60_000
const STORM = { everySeconds: 3, requestsEach: 3 }

export async function runLoad(target: Target, options: LoadOptions): Promise<{ loaded: Loaded; seen: Seen }> {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-load-'))
  const receiver = await startReceiver(CALLBACK_SECRET)
  const workerId = `load-${process.pid}-${Date.now().toString(36)}`
  const replica = createReplica({ name: 'service', folder, podName: 'load-0', config: configOf(target, options, workerId, receiver.url) })
  const recorder = await startRecorder(readAccess(target.adminKubeconfig), { namespace: target.namespace, workerId })
  try {
    await replica.start()
    const url = await until('the service is ready', () => readyUrl(replica.url()), {
      timeoutMs: READY_MS,
    }).catch((error: unknown) => {
      throw new Error(`the service did not get ready:\n${replica.log().slice(-3_000)}`, { cause: error })
    })
    const meter = startMeter(replica.pid())
    const loaded = await loadFromOutside(planOf(target, options, url), (phase) => {
      options.say(`${phase} is over`)
      meter.phase(phase)
    })
    meter.stop()
    const endedMs = Date.now()
    const accepted = Object.entries(loaded.tasks).flatMap(([id, answers]) => (answers.includes(202) ? [id] : []))
    const verdictIds = () => idsByTask(receiver.received)
    const settled = await until(
      'every accepted task has its verdict',
      () => {
        const known = verdictIds()
        return accepted.every((id) => known[id])
      },
      { timeoutMs: options.settleSeconds * 1000, everyMs: 500 },
    ).catch(() => false)
    const settledSeconds = settled ? (Date.now() - endedMs) / 1000 : null
    const exitCode = await replica.stop()
    return {
      loaded,
      seen: {
        ...objectsSeen(recorder.events),
        verdicts: verdictIds(),
        residentMb: meter.residentMb,
        connectionsMost: meter.handlesMost(),
        exitCode,
        settledSeconds,
      },
    }
  } finally {
    await replica.kill()
    await recorder.stop()
    await receiver.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function configOf(target: Target, options: LoadOptions, workerId: string, callbackUrl: string): object {
  return {
    worker_id: workerId,
    listen: '127.0.0.1:0',
    log_level: 'error',
    backend: {
      kubernetes: {
        kubeconfig: target.kubeconfig,
        default_image: 'docker.io/library/busybox:1.36',
        // On kwok nodes a Pod's life is written on it.
        ...(target.containers ? {} : { extra_annotations: { 'kwok.jobhook.dev/complete-after': `${options.taskSeconds}s` } }),
        ...target.backend,
      },
    },
    webhook: { secrets: [WEBHOOK_SECRET] },
    api: { tokens: [{ name: 'load', token: TOKEN, scopes: ['admin'] }] },
    callback: { url: callbackUrl, secrets: [CALLBACK_SECRET] },
    limits: { max_concurrent_tasks: options.places, overflow: 'reject', requests_in_flight: REQUESTS_IN_FLIGHT },
    retention: { success: RETENTION_SECONDS, failure: RETENTION_SECONDS },
    deadlines: { drain_delay: '100ms' },
  }
}

function planOf(target: Target, options: LoadOptions, url: string): Plan {
  const capacity = options.places / options.taskSeconds
  const calm = { assignmentsPerSecond: capacity / 3, mix: { repeat: 0.3, read: 0.3 }, storm: null }
  const heavy = { repeat: 0.2, read: 0.1, malformed: 0.3, aborted: 0.1 }
  const phases: Phase[] = [
    { name: 'warm-up', seconds: 3, ...calm },
    { name: 'idle', seconds: options.idleSeconds, ...calm },
    { name: 'load', seconds: options.seconds, assignmentsPerSecond: options.factor * capacity, mix: heavy, storm: null },
    { name: 'storm', seconds: 9, ...calm, storm: STORM },
    // What was taken last ends first: then there is room.
    { name: 'warm-up', seconds: Math.ceil(options.taskSeconds) + 3, assignmentsPerSecond: 0.5, mix: {}, storm: null },
    { name: 'recovery', seconds: Math.min(5, options.idleSeconds), ...calm },
  ]
  return {
    url,
    webhookSecret: WEBHOOK_SECRET,
    token: TOKEN,
    assignment: target.containers ? { command: ['/bin/sh', '-c'], args: [`sleep ${options.taskSeconds}`] } : { command: ['/bin/true'] },
    clients: options.clients,
    slowClients: options.slowClients,
    phases,
  }
}

/** Its own process, so that its work and the service's do not share a loop. */
function loadFromOutside(plan: Plan, onPhase: (phase: string) => void): Promise<Loaded> {
  const child = fork(join(import.meta.dirname, 'clients.ts'), { serialization: 'advanced' })
  return new Promise((resolve, reject) => {
    child.on('message', (message: { done?: string; loaded?: Loaded }) => {
      if (message.done !== undefined) onPhase(message.done)
      if (message.loaded) resolve(message.loaded)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the load ended with ${code} before it was done`)))
    child.send(plan)
  })
}

/** Resident memory once a second from the end of idling to the end of the storms, and the most open files. */
function startMeter(pid: number) {
  const residentMb: number[] = []
  let most = 0
  let loading = false
  const timer = setInterval(() => {
    most = Math.max(most, openFiles(pid))
    if (loading) residentMb.push(memoryOf(pid).residentMb)
  }, 1_000)
  return {
    residentMb,
    handlesMost: () => most,
    phase(done: string) {
      loading = done === 'idle' || (loading && done !== 'storm')
    },
    stop: () => clearInterval(timer),
  }
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

async function readyUrl(url: string | null): Promise<string | null> {
  if (url === null) return null
  const response = await fetch(`${url}/readyz`)
  await response.arrayBuffer()
  return response.status === 200 ? url : null
}

function idsByTask(received: readonly { id: string; type: string; verified: boolean; data: { task_id: string } }[]): Seen['verdicts'] {
  const ids = new Map<string, Set<string>>()
  const verdicts: Seen['verdicts'] = {}
  for (const { id, type, verified, data } of received) {
    if (type === 'task_started') continue
    const own = ids.get(data.task_id) ?? new Set()
    ids.set(data.task_id, own.add(id))
    verdicts[data.task_id] = { ids: own.size, type, verified: verified && (verdicts[data.task_id]?.verified ?? true) }
  }
  return verdicts
}

function objectsSeen(events: readonly { resource: string; taskId: string; uid: string; jobUid: string }[]): Pick<Seen, 'jobs' | 'pods'> {
  const taskOfJob = new Map<string, string>()
  const uids = { jobs: new Map<string, Set<string>>(), pods: new Map<string, Set<string>>() }
  for (const { resource, taskId, uid } of events) {
    if (resource !== 'jobs') continue
    taskOfJob.set(uid, taskId)
    uids.jobs.set(taskId, (uids.jobs.get(taskId) ?? new Set()).add(uid))
  }
  for (const { resource, uid, jobUid } of events) {
    const taskId = taskOfJob.get(jobUid)
    if (resource === 'pods' && taskId !== undefined) uids.pods.set(taskId, (uids.pods.get(taskId) ?? new Set()).add(uid))
  }
  const counts = (sets: Map<string, Set<string>>) => Object.fromEntries([...sets].map(([id, set]) => [id, set.size]))
  return { jobs: counts(uids.jobs), pods: counts(uids.pods) }
}
