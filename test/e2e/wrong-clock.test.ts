// A replica whose machine has the wrong time. Until the cluster has told it the right one nobody is refused for it; then everybody is judged by the cluster's.
// On the embedded API behind the chaos proxy.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createSigner } from '../../src/lib/standard-webhooks.ts'
import { CALLBACK_SECRET, freshWorkerId, shellTask, startJobhook, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { type ProxiedApi, startProxiedApi } from '../support/proxied.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const HOUR_MS = 3_600_000
const folder = mkdtempSync(join(tmpdir(), 'jobhook-clock-'))
const clockFile = join(folder, 'wrong-by')
const preload = pathToFileURL(join(import.meta.dirname, '../chaos/clock-preload.ts')).href
let gone = true
let api: ProxiedApi
let receiver: Receiver
before(async () => {
  api = await startProxiedApi(() => ({ kind: gone ? 'reset-before' : 'none' }))
  receiver = await startReceiver(CALLBACK_SECRET)
})
after(async () => {
  await receiver?.close()
  await api?.close()
  rmSync(folder, { recursive: true, force: true })
})

for (const [what, wrongByMs] of [
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
] as const) {
  test(`${what}: a sender is asked to come again (503) until the cluster has told the time, then taken; who has this machine's time is refused`, async () => {
    gone = true
    writeFileSync(clockFile, String(wrongByMs))
    const id = `clock-${wrongByMs > 0 ? 'ahead' : 'behind'}`
    const jobhook = await startJobhook(
      {
        worker_id: freshWorkerId('clock'),
        backend: { kubernetes: { kubeconfig: api.kubeconfig, default_image: 'x' } },
        callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
      },
      { CHAOS_CLOCK_FILE: clockFile, NODE_OPTIONS: `--import=${preload}` },
      { ready: false },
    )
    const early = await jobhook.webhook(shellTask(id, 'true'))
    assert.equal(early.status, 503)
    assert.ok(Number(early.headers['retry-after']) >= 1)
    gone = false
    await until('it is taken', async () => (await jobhook.webhook(shellTask(id, 'true'))).status === 202)
    const [verdict] = await until('it is reported', () => (receiver.verdicts(id).length > 0 ? receiver.verdicts(id) : null))
    // The receiver has checked the signature by the right time already.
    assert.equal(verdict?.type, 'task_completed')

    const body = Buffer.from(JSON.stringify(shellTask(`${id}-2`, 'true')))
    const seconds = Math.floor((Date.now() + wrongByMs) / 1000)
    const refused = await jobhook.webhook(null, {
      id: 'msg_wrong',
      raw: body,
      headers: {
        'webhook-timestamp': String(seconds),
        'webhook-signature': createSigner([WEBHOOK_SECRET]).sign('msg_wrong', seconds, body),
      },
    })
    assert.equal(refused.status, 401)
    assert.match(refused.body.detail, /timestamp is 3\d\d\d s /)
    await jobhook.stop()
  })
}
