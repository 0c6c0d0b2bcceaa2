// The socket's intake on its own: what is carried out, and when, however much is in hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSocketIntake } from '../../src/intake/socket.ts'
import type { SocketEvents } from '../../src/intake/socket-connection.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { manualClock, settled } from './parts.ts'

test('a cancellation is carried out however many assignments are in hand; one more assignment is rejected', async () => {
  let events: SocketEvents | undefined
  const taken: string[] = []
  const said: string[] = []
  const intake = createSocketIntake(
    {
      open(_token, given) {
        events = given
        return {
          isOpen: () => true,
          send: (text) => {
            said.push(text)
            return true
          },
          confirmed: async () => true,
          close: async () => {},
        }
      },
      token: async () => ({ ok: true, token: 't' }),
      take: (message) => {
        taken.push((message as { type: string }).type)
        return new Promise(() => {})
      },
      wake() {},
      clock: manualClock(),
      log: createLog({ level: 'silent', workerId: 'w' }),
      metrics: createMetrics(),
    },
    { workerId: 'w' },
  )
  intake.lead()
  await settled()
  const hear = (type: string, id: string): void => events?.onText(JSON.stringify({ type, data: { task_id: id } }))
  for (let n = 0; n < 257; n++) hear('task_assignment', `t-${n}`)
  hear('task_cancellation', 'another')
  await settled()
  assert.equal(taken.filter((type) => type === 'task_assignment').length, 256)
  assert.equal(taken.filter((type) => type === 'task_cancellation').length, 1)
  assert.match(said.join(), /"task_rejected".*"t-256".*worker at maximum concurrency/)
})
