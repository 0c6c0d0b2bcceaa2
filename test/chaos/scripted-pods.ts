// Pods that no kubelet runs: how long they live and how they end is written on them, as their task's plan says.
import { setTimeout as delay } from 'node:timers/promises'
import type { Recorder } from './api.ts'
import { keyOf } from './checker.ts'
import type { ObjectEvent } from './history.ts'
import type { PlannedTask } from './tasks.ts'

export interface ScriptedPods {
  /** Of the recorder's watch. */
  onEvent(event: ObjectEvent): void
  /** kwok may lose a Pod while the API is restarted, and then plays no stage of it until it hears of it again. */
  nudgeForgotten(): Promise<void>
}

export function createScriptedPods(
  deps: { recorder: () => Recorder; planOf: (execution: string) => PlannedTask | undefined; signal: AbortSignal },
  options: { containers: boolean },
): ScriptedPods {
  const { signal } = deps
  const scripted = new Set<string>()
  /** Which execution a Job belongs to, by its uid. */
  const executions = new Map<string, string>()

  /** Not told before they run: a change on the way there makes kwok play that stage again. */
  async function script(event: ObjectEvent): Promise<void> {
    if (options.containers || event.resource !== 'pods' || !event.state.startsWith('Running') || scripted.has(event.uid)) return
    scripted.add(event.uid)
    // The watch of Jobs may be behind that of Pods.
    for (let tries = 0; !executions.has(event.jobUid) && tries < 100; tries++) await delay(50)
    const life = deps.planOf(executions.get(event.jobUid) ?? '')?.scripted
    if (!life) return
    const annotation = `kwok.jobhook.dev/${life.succeeds ? 'complete' : 'fail'}-after`
    const change = { metadata: { annotations: { [annotation]: `${life.afterMs}ms` } } }
    // The API may be down just now; a Pod that is gone needs no end.
    const told = (error: unknown): boolean => String(error).includes('404')
    while (
      !signal.aborted &&
      !(await deps
        .recorder()
        .patch('pods', event.name, change)
        .then(() => true, told))
    )
      await delay(200)
  }

  async function nudgeForgotten(): Promise<void> {
    const latest = new Map(
      deps
        .recorder()
        .events.filter(({ resource }) => resource === 'pods')
        .map((event) => [event.uid, event]),
    )
    const forgotten = [...latest.values()].filter(
      ({ state, type, atMs }) => type !== 'DELETED' && state === 'Pending' && atMs < Date.now() - 10_000,
    )
    for (const { name } of forgotten)
      await deps.recorder().patch('pods', name, { metadata: { annotations: { nudged: String(Date.now()) } } })
  }

  return {
    onEvent(event) {
      if (event.resource === 'jobs') executions.set(event.uid, keyOf(event))
      void script(event).catch(() => {})
    },
    nudgeForgotten,
  }
}
