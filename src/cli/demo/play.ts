// Plays the scenario: hands in the tasks, does each one's twist at its moment, tells what changed, until nothing more will come or time is up.
import { setTimeout as delay } from 'node:timers/promises'
import type { ControlPlaneClient } from './control.ts'
import { type Known, known, rowOf, settled } from './judge.ts'
import type { Observer } from './observe.ts'
import type { DemoTask } from './scenario.ts'
import type { Teller } from './teller.ts'

const POLL_MS = 100

export interface PlayOptions {
  client: ControlPlaneClient
  observer: Observer
  teller: Teller
  scenario: readonly DemoTask[]
  timeoutMs: number
  signal: AbortSignal
  /** What else would end the wait: one of the other processes has ended. */
  broken(): string | null
}

/** Resolves when all tasks are settled, with `problem` when they did not get there. Rejects when `signal` is aborted. */
export async function play(options: PlayOptions): Promise<{ atMs: number; problem: string | null }> {
  const { client, observer, teller, scenario, signal } = options
  const startedMs = Date.now()
  const twisted = new Set<string>()
  for (const task of scenario) await client.submit(assignmentOf(task))
  for (;;) {
    signal.throwIfAborted()
    const broken = options.broken()
    if (broken) return { atMs: Date.now(), problem: broken }
    const nowMs = Date.now()
    const all = known(scenario, await client.state(), observer.task)
    teller.tell(
      all.map((each) => rowOf(each, nowMs)),
      nowMs - startedMs,
    )
    for (const each of all.filter((one) => twistIsDue(one) && !twisted.has(one.task.id))) {
      twisted.add(each.task.id)
      await twist(each, client)
    }
    if (settled(all)) return { atMs: nowMs, problem: null }
    if (nowMs - startedMs > options.timeoutMs)
      return { atMs: nowMs, problem: `Gave up after ${options.timeoutMs / 1000} s: ${unsettled(all)}.` }
    await delay(POLL_MS, undefined, { signal })
  }
}

function assignmentOf(task: DemoTask): { assignment: Record<string, unknown>; losesFirstAnswer: boolean } {
  return {
    assignment: { task_id: task.id, execution_id: 'e-1', task: { title: task.what }, ...task.assignment },
    losesFirstAnswer: task.twist === 'loses_first_answer',
  }
}

function twistIsDue({ task, record }: Known): boolean {
  if (task.twist === 'redeliver') return record?.accepted != null
  return task.twist === 'cancel_when_started' && record?.started != null
}

async function twist({ task }: Known, client: ControlPlaneClient): Promise<void> {
  await (task.twist === 'redeliver' ? client.redeliver(task.id) : client.cancel(task.id))
}

function unsettled(all: readonly Known[]): string {
  const waiting = all.filter((each) => !settled([each]))
  const words = waiting.map(
    ({ task, record }) => `${task.id} ${record?.verdict ? 'was reported, but its Job was not let go of' : 'has no verdict'}`,
  )
  return words.join(', ')
}
