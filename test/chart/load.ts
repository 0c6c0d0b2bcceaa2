// A control plane that sends at a steady rate, by the clock and whatever the answers take, and what is to be said of all it was told.
import { setTimeout as delay } from 'node:timers/promises'
import { sendWebhook, shellTask } from '../support/jobhook.ts'
import type { Receiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

export interface Sent {
  taskId: string
  /** 0: no answer. */
  status: number
}

export interface Load {
  answers: Sent[]
  tasksPerSecond: number
}

/** Until `signal`; then waits for the answers that are still due. `urlOf` says where the next one goes. */
export async function sendSteadily(
  options: { tasksPerSecond: number; prefix: string; urlOf: (number: number) => string },
  signal: AbortSignal,
): Promise<Load> {
  const answers: Sent[] = []
  const pending: Promise<void>[] = []
  const beganMs = performance.now()
  const elapsedMs = (): number => performance.now() - beganMs
  for (let number = 0; !signal.aborted; number++) {
    const taskId = `${options.prefix}-${number}`
    pending.push(
      sendWebhook(options.urlOf(number), shellTask(taskId, 'exit 0')).then(
        ({ status }) => void answers.push({ taskId, status }),
        () => void answers.push({ taskId, status: 0 }),
      ),
    )
    await delay(Math.max(0, ((number + 1) * 1_000) / options.tasksPerSecond - elapsedMs()))
  }
  const tasksPerSecond = pending.length / (elapsedMs() / 1_000)
  await Promise.all(pending)
  return { answers, tasksPerSecond }
}

/** Those that were not taken, and those without exactly one verdict, "completed", once all have one. */
export async function whatWentWrong({ answers }: Load, receiver: Receiver): Promise<Sent[]> {
  const refused = answers.filter(({ status }) => status < 200 || status > 299)
  if (refused.length > 0) return refused
  await until('every task has its verdict', () => answers.every(({ taskId }) => receiver.verdicts(taskId).length > 0), {
    timeoutMs: 120_000,
    everyMs: 250,
  })
  return answers.filter(({ taskId }) => {
    const verdicts = receiver.verdicts(taskId)
    return new Set(verdicts.map(({ id }) => id)).size !== 1 || verdicts.some(({ type }) => type !== 'task_completed')
  })
}
