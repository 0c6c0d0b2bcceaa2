// Talks to the example control plane as its users do: hands in tasks, cancels, asks for another delivery, reads its record.
import { request } from 'undici'
import type { State } from '../../../examples/control-plane/ledger.ts'

export interface ControlPlaneClient {
  submit(task: { assignment: Record<string, unknown>; losesFirstAnswer: boolean }): Promise<void>
  cancel(taskId: string): Promise<void>
  redeliver(taskId: string): Promise<void>
  state(): Promise<State>
}

const TIMEOUT_MS = 20_000

export function createControlPlaneClient(address: string): ControlPlaneClient {
  async function post(path: string, body?: unknown): Promise<void> {
    const response = await request(`${address}${path}`, {
      method: 'POST',
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`the control plane answered ${response.statusCode} to POST ${path}: ${text.trim()}`)
  }
  return {
    submit: ({ assignment, losesFirstAnswer }) => post('/tasks', { assignment, loses_first_answer: losesFirstAnswer }),
    cancel: (taskId) => post(`/tasks/${encodeURIComponent(taskId)}/cancel`),
    redeliver: (taskId) => post(`/tasks/${encodeURIComponent(taskId)}/redeliver`),
    async state() {
      const response = await request(`${address}/state`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      return (await response.body.json()) as State // our own process, same version
    },
  }
}
