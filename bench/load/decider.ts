// What jobhook computes for each assignment between the bytes and the writes: signature, decoding, schema, manifests. In one process, no I/O.
import { createHmac } from 'node:crypto'
import { loadCheckedConfig } from '../../src/app/checked-config.ts'
import { jobSpecOptions, settingsOf } from '../../src/config/index.ts'
import { readWebhook } from '../../src/intake/index.ts'
import { buildTask } from '../../src/jobspec/index.ts'
import { createSigner, createVerifier, generateSecret } from '../../src/lib/standard-webhooks.ts'
import { assignmentText } from '../lib/assignments.ts'
import { serveCalls } from '../lib/child.ts'
import { configOf } from '../lib/jobhook.ts'

export interface DecisionResult {
  /** CPU microseconds a task. */
  wholeUs: number
  readUs: number
  buildUs: number
  hmacUs: number
}

const COUNT = 4_000
/** Until V8 has compiled what there is to compile: a service runs for days. After 2,000 a task still costs half as much again. */
const WARM_UP = 20_000

serveCalls({
  run(): DecisionResult {
    const secret = generateSecret()
    const signer = createSigner([secret])
    const verifier = createVerifier([secret])
    const loaded = loadCheckedConfig({
      file: null,
      content: configOf({ kubeconfig: '/none', callbackUrl: 'http://127.0.0.1:9/' }),
      env: {},
    })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const spec = jobSpecOptions(loaded.config, settingsOf(loaded.config), 'default', {})
    const nowSeconds = Math.floor(Date.now() / 1000)
    const requests = Array.from({ length: 200 }, (_, index) => {
      const raw = Buffer.from(assignmentText(`task-${index}`))
      const id = `msg_${index}`
      return { raw, headers: { id, timestamp: String(nowSeconds), signature: signer.sign(id, nowSeconds, raw) } }
    })
    const read = (index: number) => {
      const each = requests[index % requests.length]
      if (!each) throw new Error('no request')
      const message = readWebhook(verifier, each.headers, each.raw, nowSeconds)
      if (!message.ok || message.value.type !== 'task_assignment') throw new Error('an assignment was refused')
      return message.value.data
    }
    const build = (assignment: Parameters<typeof buildTask>[0]) => {
      const built = buildTask(assignment, spec, { nonce: 'nonce', callbackUrl: null, traceparent: null })
      if (!built.ok) throw new Error('an assignment was refused')
      return JSON.stringify(built.secret).length + JSON.stringify(built.job).length
    }
    const assignment = read(0)
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const hmac = (index: number) =>
      createHmac('sha256', key)
        .update(requests[index % requests.length]?.raw ?? '')
        .digest().length
    return {
      hmacUs: cpuMicroseconds(hmac),
      readUs: cpuMicroseconds(read),
      buildUs: cpuMicroseconds(() => build(assignment)),
      wholeUs: cpuMicroseconds((index) => build(read(index))),
    }
  },
})

/** CPU of this process a call, garbage collection included, after a warm-up. */
function cpuMicroseconds(work: (index: number) => unknown): number {
  for (let index = 0; index < WARM_UP; index++) work(index)
  const before = process.cpuUsage()
  for (let index = 0; index < COUNT; index++) work(index)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / COUNT
}
