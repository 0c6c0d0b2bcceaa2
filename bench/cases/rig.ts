// What most cases on a control plane need: one who looks on (callbacks, raw watches), one who makes load, and jobhook.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startChild } from '../lib/child.ts'
import { type Jobhook, startJobhook, WEBHOOK_SECRET } from '../lib/jobhook.ts'
import type { Plane } from '../lib/plane.ts'
import type { Load, LoadResult } from '../load/generator.ts'
import type { Seen } from '../load/observer.ts'

export interface Counts {
  jobs: number
  podsEnded: number
  complete: number
  callbacks: number
  started: number
  repeated: number
}

export interface Rig {
  jobhook: Jobhook
  callbackUrl: string
  /** Signed assignments to jobhook. */
  load(load: Omit<Load, 'target'>): Promise<LoadResult>
  counts(): Promise<Counts>
  seen(): Promise<Seen>
  /** Forgets what was seen, and takes all objects of the namespace away. */
  reset(): Promise<void>
  /** @throws Error with the counts when it has not come about in time */
  until(what: string, reached: (counts: Counts) => boolean, timeoutMs?: number): Promise<void>
  stop(): Promise<void>
}

export async function startRig(plane: Plane, options: { config?: Record<string, unknown>; nodeOptions?: string[] } = {}): Promise<Rig> {
  const generator = startChild(join(import.meta.dirname, '../load/generator.ts'))
  const observer = startChild(join(import.meta.dirname, '../load/observer.ts'))
  const callbackUrl = await observer.call<string>('listen')
  await observer.call('watch', plane.admin)
  const jobhook = await startJobhook({ folder: plane.folder, kubeconfig: plane.kubeconfig, callbackUrl, ...options })
  const counts = (): Promise<Counts> => observer.call<Counts>('counts')
  return {
    jobhook,
    callbackUrl,
    load: (load) =>
      generator.call<LoadResult>('run', { target: { kind: 'webhook', url: `${jobhook.url}/v1/webhook`, secret: WEBHOOK_SECRET }, ...load }),
    counts,
    seen: () => observer.call<Seen>('seen'),
    async reset() {
      await plane.wipe()
      // The watches have to see the deletions before the names are used again.
      await delay(500)
      await observer.call('reset')
    },
    async until(what, reached, timeoutMs = 180_000) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        const seen = await counts()
        if (reached(seen)) return
        if (performance.now() > deadline) throw new Error(`${what} did not come about in ${timeoutMs / 1000} s: ${JSON.stringify(seen)}`)
        await delay(50)
      }
    },
    async stop() {
      await jobhook.stop()
      await Promise.all([generator.stop(), observer.stop()])
    },
  }
}

/** What lies between two sightings of each task, in milliseconds. Tasks that were not seen twice are left out. */
export function lags(from: Record<string, number>, to: Record<string, number>): number[] {
  return Object.entries(to).flatMap(([name, atMs]) => {
    const before = from[name]
    return before === undefined ? [] : [atMs - before]
  })
}

/** The callbacks by Job name. */
export function callbacksByJob(seen: Seen): Record<string, number> {
  return Object.fromEntries(Object.entries(seen.callback).map(([taskId, atMs]) => [seen.jobOfTask[taskId] ?? taskId, atMs]))
}
