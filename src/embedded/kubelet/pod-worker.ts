/**
 * The life of one Pod on this machine: init containers in order, sidecars beside, the containers, their restarts, and the end. It reports through `report`
 * and reads Secrets and ConfigMaps through `lookup`; it never writes to the API itself.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { timestamp } from '../time.ts'
import type { Container, Pod } from '../types.ts'
import { type RunningContainer, startContainer } from './container.ts'
import { ConfigError, commandLine, containerEnvironment, type Lookup } from './environment.ts'
import { imageProblem } from './image.ts'
import { createLogFile, type LogFile } from './log-file.ts'
import { type ContainerRecord, isSidecar, waitingRecord } from './pod-status.ts'
import { StartError } from './process.ts'
import { createVolumes, MountError, type Volumes, volumeEnvironment, workingFolder } from './volumes.ts'

export interface PodWorkerDeps {
  lookup: Lookup
  baseEnvironment: Record<string, string>
  logLimitBytes: number
  /** Called whenever a container's state has changed. */
  report(): void
  event(type: 'Normal' | 'Warning', reason: string, message: string, container?: Container): void
}

export interface PodWorker {
  records: readonly ContainerRecord[]
  /** Resolves when nothing runs any more. */
  done: Promise<void>
  /** Ends the Pod: grace for what runs, nothing new starts. Called again it can only hasten. */
  stop(graceMs: number): void
  /** The log of a container's latest start, or of the one before it. */
  log(container: string, previous: boolean): LogFile | undefined
}

const RETRY_MS = 2000
const FIRST_RESTART_MS = 10_000
const LONGEST_RESTART_MS = 300_000
const EPOCH = '1970-01-01T00:00:00Z'

export function startPodWorker(pod: Pod, root: string, deps: PodWorkerDeps): PodWorker {
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const inits = pod.spec.initContainers ?? []
  const records = [
    ...inits.map((spec, index) => waitingRecord(spec, true, index > 0)),
    ...pod.spec.containers.map((spec) => waitingRecord(spec, false, inits.length > 0)),
  ]
  const running = new Map<ContainerRecord, RunningContainer>()
  const logs = new Map<string, LogFile[]>()
  const stopping = new AbortController()
  const sidecarStop = new AbortController()
  let stopBy = Number.POSITIVE_INFINITY

  function recordOf(spec: Container): ContainerRecord {
    const record = records.find((candidate) => candidate.spec === spec)
    if (record === undefined) throw new Error(`no record of container ${spec.name}`)
    return record
  }

  function changed(record: ContainerRecord, state: ContainerRecord['state']): void {
    record.state = state
    deps.report()
  }

  /** Waits until the container could be started; false when the Pod is to end before that. */
  async function untilStartable(record: ContainerRecord, halt: AbortSignal): Promise<Prepared | null> {
    let pullFailures = 0
    for (;;) {
      if (halt.aborted) return null
      const prepared = prepare(record.spec)
      if (!('reason' in prepared)) return prepared
      const backingOff = prepared.reason === 'ErrImagePull' && pullFailures > 0
      const waiting = backingOff
        ? { reason: 'ImagePullBackOff', message: `Back-off pulling image "${record.spec.image}": ErrImagePull: ${prepared.message}` }
        : { reason: prepared.reason, message: prepared.message }
      if (waiting.reason !== record.state.waiting?.reason) {
        deps.event('Warning', prepared.event, prepared.event === 'Failed' ? `Error: ${prepared.message}` : prepared.message, record.spec)
        if (prepared.event === 'FailedMount') record.state = { waiting: { reason: 'ContainerCreating' } }
        else changed(record, { waiting })
      }
      pullFailures += 1
      await pause(RETRY_MS, halt)
    }
  }

  interface Prepared {
    words: string[]
    environment: Record<string, string>
    folder: string
    terminationFile: string
  }

  function prepare(spec: Container): Prepared | { reason: string; message: string; event: string } {
    const problem = imageProblem(spec.image ?? '', spec.imagePullPolicy ?? '')
    if (problem !== null) return { ...problem, event: 'Failed' }
    try {
      const volumes = volumesOfPod()
      const environment = containerEnvironment(pod, spec, deps.lookup, {
        ...deps.baseEnvironment,
        HOSTNAME: pod.metadata.name,
        ...volumeEnvironment(spec, volumes),
      })
      const terminationFile = join(root, `${spec.name}.termination`)
      const words = commandLine(spec, environment).map((word) =>
        word.replaceAll(spec.terminationMessagePath || '/dev/termination-log', terminationFile),
      )
      return { words, environment, folder: workingFolder(spec, volumes, root), terminationFile }
    } catch (error) {
      if (error instanceof ConfigError) return { reason: 'CreateContainerConfigError', message: error.message, event: 'Failed' }
      if (error instanceof MountError) return { reason: 'ContainerCreating', message: error.message, event: 'FailedMount' }
      throw error
    }
  }

  let volumes: Volumes | null = null
  function volumesOfPod(): Volumes {
    volumes ??= createVolumes(pod, root, deps.lookup)
    return volumes
  }

  /** Runs a container once. Gives its exit code, or null when the Pod ended before it could start. */
  async function runOnce(record: ContainerRecord, halt: AbortSignal, started: () => void): Promise<number | null> {
    const { spec } = record
    const prepared = await untilStartable(record, halt)
    if (prepared === null) return null
    const containerID = `embedded://${randomUUID().replaceAll('-', '')}`
    const log = createLogFile(join(root, 'logs', `${spec.name}-${record.restartCount}.log`), deps.logLimitBytes)
    logs.set(spec.name, [...(logs.get(spec.name) ?? []).slice(-1), log])
    try {
      if (prepared.words.length === 0)
        throw new StartError('no command specified: the embedded cluster runs commands, not images; set command or args')
      const container = await startContainer({ spec, log, ...prepared })
      record.containerID = containerID
      running.set(record, container)
      if (halt.aborted) container.stop(Math.max(0, Math.min(stopBy - Date.now(), graceMs())))
      const startedAt = timestamp(container.startedAtMs)
      deps.event('Normal', 'Started', 'Container started', spec)
      changed(record, { running: { startedAt } })
      started()
      const { exitCode, message } = await container.exited
      running.delete(record)
      changed(record, {
        terminated: {
          exitCode,
          reason: exitCode === 0 ? 'Completed' : 'Error',
          ...(message === '' ? {} : { message }),
          startedAt,
          finishedAt: timestamp(),
          containerID,
        },
      })
      return exitCode
    } catch (error) {
      if (!(error instanceof StartError)) throw error
      log.end()
      record.containerID = containerID
      deps.event('Warning', 'Failed', `Error: ${error.message}`, spec)
      const message = `failed to start container "${spec.name}": ${error.message}`
      changed(record, {
        terminated: { exitCode: 128, reason: 'StartError', message, startedAt: EPOCH, finishedAt: timestamp(), containerID },
      })
      return 128
    }
  }

  function graceMs(): number {
    return (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
  }

  /** Runs a container until its restart policy is satisfied. Gives the last exit code. */
  async function runToEnd(
    record: ContainerRecord,
    policy: string,
    halt: AbortSignal,
    started: () => void = () => {},
  ): Promise<number | null> {
    for (let backoff = FIRST_RESTART_MS; ; backoff = Math.min(backoff * 2, LONGEST_RESTART_MS)) {
      const code = await runOnce(record, halt, started)
      if (code === null || halt.aborted || policy === 'Never' || (policy === 'OnFailure' && code === 0)) return code
      if (record.restartCount > 0) {
        record.lastState = record.state
        const message = `back-off ${backoff / 2000}s restarting failed container=${record.spec.name} pod=${pod.metadata.name}`
        changed(record, { waiting: { reason: 'CrashLoopBackOff', message } })
        await pause(backoff / 2, halt)
        if (halt.aborted) return code
      } else record.lastState = record.state
      record.restartCount += 1
    }
  }

  async function runPod(): Promise<void> {
    const policy = pod.spec.restartPolicy ?? 'Always'
    const sidecars: Promise<unknown>[] = []
    for (const spec of inits) {
      if (stopping.signal.aborted) break
      const record = recordOf(spec)
      if (isSidecar(spec)) {
        await new Promise<void>((started) => {
          sidecars.push(runToEnd(record, 'Always', sidecarStop.signal, started).finally(started))
          stopping.signal.addEventListener('abort', () => started())
        })
      } else {
        const code = await runToEnd(record, policy === 'Never' ? 'Never' : 'OnFailure', stopping.signal)
        if (code !== 0) {
          await endSidecars(sidecars)
          return
        }
      }
    }
    await Promise.all(pod.spec.containers.map((spec) => runToEnd(recordOf(spec), policy, stopping.signal)))
    await endSidecars(sidecars)
  }

  /** Sidecars end last, in reverse order, when nothing else runs. */
  async function endSidecars(sidecars: readonly Promise<unknown>[]): Promise<void> {
    sidecarStop.abort()
    for (const record of records.filter((candidate) => candidate.init && isSidecar(candidate.spec)).reverse()) {
      const container = running.get(record)
      if (container === undefined) continue
      container.stop(Math.max(0, Math.min(stopBy - Date.now(), graceMs())))
      await container.exited
    }
    await Promise.all(sidecars)
  }

  const done = Promise.resolve().then(runPod)
  return {
    records,
    done,
    log: (container, previous) => logs.get(container)?.at(previous ? -2 : -1),
    stop(grace) {
      stopBy = Math.min(stopBy, Date.now() + grace)
      stopping.abort()
      const left = Math.max(0, stopBy - Date.now())
      for (const [record, container] of running) {
        if (!(record.init && isSidecar(record.spec))) container.stop(left)
        else if (sidecarStop.signal.aborted || left === 0) container.stop(left)
      }
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
