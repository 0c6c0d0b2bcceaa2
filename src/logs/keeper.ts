// Follows the logs of tasks that are being stopped: a stopped Pod vanishes with its logs within a second of its end, so what it says last is only
// to be had by a stream that was open before. Bounded: streams, bytes of each, and how many are kept.
import { type Clock, sleep } from '../lib/clock.ts'
import { describeError } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Uids } from '../model/kube.ts'
import { createRing, type Ring } from './ring.ts'
import type { ReadLog } from './types.ts'

export interface LogKeeper {
  /** Opens the stream, once for each Job. Resolves when it is open, has failed, or has taken too long; it goes on in the background. */
  follow(of: { jobUid: string; pod: string; container: string }): Promise<void>
  /** What was heard, after a short wait for the stream's end; null when this Pod's container was never followed. */
  take(of: { jobUid: string; pod: string; container: string }): Promise<Kept | null>
  forget(jobUid: string): void
  /** Forgets every Job that is not among these. */
  retain(jobUids: Uids): void
  /** Ends every stream and forgets everything. */
  clear(): void
}

export type Kept =
  | {
      kind: 'log'
      bytes: Buffer
      droppedBytes: number /** The stream came to its own end: nothing is missing after it. */
      complete: boolean
      error: string | null
    }
  | { kind: 'none'; why: string }

interface Follow {
  pod: string
  container: string
  ring: Ring
  opened: Promise<void>
  ended: Promise<void>
  state: 'opening' | 'open' | 'complete' | 'broken'
  error: string | null
  abort: AbortController
}

export interface LogKeeperOptions {
  /** Kept of each log. */
  limitBytes: number
  /** Lines asked for from before the stop. */
  tailLines: number
  maxStreams: number
  /** Logs held at once, ended streams included. */
  maxKept: number
  openWaitMs: number
  endWaitMs: number
}

export const KEEPER_LIMITS = { maxStreams: 50, maxKept: 200, openWaitMs: 2_000, endWaitMs: 2_000 }

export function createLogKeeper(deps: { readLog: ReadLog; clock: Clock; metrics: Metrics }, options: LogKeeperOptions): LogKeeper {
  const follows = new Map<string, Follow>()
  const refused = new Map<string, string>()
  let streams = 0

  async function run(follow: Follow, onOpen: () => void): Promise<void> {
    streams++
    deps.metrics.logStreams.set({ for: 'stop' }, streams)
    try {
      const query = { container: follow.container, follow: true, tailLines: options.tailLines }
      const opened = await deps.readLog(follow.pod, query, follow.abort.signal)
      if (!opened.ok) {
        follow.error = opened.error.message
        follow.state = 'broken'
        return
      }
      follow.state = 'open'
      onOpen()
      for await (const chunk of opened.value) follow.ring.push(chunk as Buffer)
      follow.state = 'complete'
    } catch (error) {
      follow.error = describeError(error)
      follow.state = 'broken'
    } finally {
      streams--
      deps.metrics.logStreams.set({ for: 'stop' }, streams)
      deps.metrics.logFollows.inc({ result: follow.state })
      onOpen()
    }
  }

  function begin(pod: string, container: string): Follow {
    const { promise: opened, resolve: onOpen } = Promise.withResolvers<void>()
    const follow: Follow = {
      pod,
      container,
      ring: createRing(options.limitBytes),
      opened,
      ended: Promise.resolve(),
      state: 'opening',
      error: null,
      abort: new AbortController(),
    }
    follow.ended = run(follow, onOpen)
    return follow
  }

  function drop(jobUid: string): void {
    follows.get(jobUid)?.abort.abort(new Error('not needed any more'))
    follows.delete(jobUid)
    refused.delete(jobUid)
  }

  return {
    async follow({ jobUid, pod, container }) {
      let known = follows.get(jobUid)
      if (known && (known.pod !== pod || known.container !== container)) {
        drop(jobUid)
        known = undefined
      }
      if (!known) {
        if (streams >= options.maxStreams || follows.size >= options.maxKept) {
          refused.set(jobUid, `the logs of ${Math.min(streams, options.maxStreams)} other stopped tasks were being followed at the time`)
          deps.metrics.logFollows.inc({ result: 'refused' })
          return
        }
        refused.delete(jobUid)
        known = begin(pod, container)
        follows.set(jobUid, known)
      }
      // A container that has said nothing yet is only answered once it does: the wait is bounded, the stream is not given up.
      await Promise.race([known.opened, sleep(deps.clock, options.openWaitMs)])
    },
    async take({ jobUid, pod, container }) {
      const follow = follows.get(jobUid)
      if (!follow || follow.pod !== pod || follow.container !== container) {
        const why = refused.get(jobUid)
        return why === undefined ? null : { kind: 'none', why }
      }
      await Promise.race([follow.ended, sleep(deps.clock, options.endWaitMs)])
      if (follow.state === 'opening') return { kind: 'none', why: 'its log was asked for, but nothing came' }
      const kept = follow.ring.read()
      if (kept.bytes.length === 0 && follow.error !== null) return { kind: 'none', why: `its log could not be followed: ${follow.error}` }
      return { kind: 'log', ...kept, complete: follow.state === 'complete', error: follow.error }
    },
    forget: drop,
    retain(jobUids) {
      for (const uid of [...follows.keys(), ...refused.keys()]) if (!jobUids.has(uid)) drop(uid)
    },
    clear() {
      for (const uid of [...follows.keys(), ...refused.keys()]) drop(uid)
    },
  }
}
