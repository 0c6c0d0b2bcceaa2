// The requests of each kind: good ones, repeats, and a dozen ways of being malformed.
import type { Dispatcher } from 'undici'
import { createSigner } from '../../src/lib/standard-webhooks.ts'
import type { Plan } from './model.ts'

export type Ready = Pick<Dispatcher.RequestOptions, 'method' | 'path' | 'headers' | 'body'>

export function createRequests(plan: Plan) {
  const signer = createSigner([plan.webhookSecret])
  let sent = 0

  function webhook(raw: Buffer, headers: Record<string, string> = {}): Ready {
    const id = `msg_load_${process.pid}_${++sent}`
    const timestamp = Math.floor(Date.now() / 1000)
    return {
      method: 'POST',
      path: '/v1/webhook',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signer.sign(id, timestamp, raw),
        ...headers,
      },
      body: raw,
    }
  }
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const good = (taskId: string) => ({ type: 'task_assignment', data: { task_id: taskId, ...plan.assignment } })

  const malformed: (() => Ready)[] = [
    () => webhook(Buffer.from('{"type":')),
    () => webhook(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22])),
    () => webhook(json({ type: 'nonsense', data: {} })),
    () => webhook(json({ type: 'task_assignment', data: {} })),
    () => webhook(json({ type: 'task_assignment', data: { task_id: 7 } })),
    () => webhook(json({ type: 'task_assignment', data: { task_id: 'x'.repeat(300) } })),
    () => webhook(Buffer.from(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)),
    () => webhook(json(good('unsigned')), { 'webhook-signature': 'v1,AAAA' }),
    () => webhook(json(good('old')), { 'webhook-timestamp': '1000000000' }),
    () => webhook(json(good('text')), { 'content-type': 'text/plain' }),
    () => webhook(json({ type: 'task_assignment', data: { task_id: 'big', env_vars: { A: 'x'.repeat(300_000) } } })),
    () => webhook(json(good('long-header')), { 'x-long': 'y'.repeat(20_000) }),
    () => ({
      method: 'POST',
      path: '/v1/tasks',
      headers: { authorization: `Bearer ${plan.token}`, 'content-type': 'application/json' },
      body: Buffer.from('{"task_id": [1,2'),
    }),
    () => ({ method: 'GET', path: '/v1/tasks', headers: { authorization: 'Bearer wrong-token-wrong-token' } }),
  ]

  return {
    assignment: (taskId: string): Ready => webhook(json(good(taskId))),
    stray: (taskId: string): Ready => webhook(json({ type: 'task_cancellation', data: { task_id: taskId } })),
    read: (): Ready => ({ method: 'GET', path: '/v1/tasks?limit=5', headers: { authorization: `Bearer ${plan.token}` } }),
    /** One after the other. */
    malformed: (turn: number): Ready => (malformed[turn % malformed.length] as () => Ready)(),
  }
}
