// Which Secrets the sweeper takes and which it leaves, on a real API (the embedded one), with a clock of the test's own.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectCluster } from '../../src/cluster/index.ts'
import { startEmbedded } from '../../src/embedded/index.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { LABELS, MANAGED_BY, TASK_APP_NAME } from '../../src/model/keys.ts'
import type { KubeResult, ObjectMeta } from '../../src/model/kube-api.ts'
import { findOrphans } from '../../src/upkeep/orphans.ts'
import { createSweeper } from '../../src/upkeep/sweeper.ts'
import { until } from '../support/wait.ts'

const OURS = { [LABELS.managedBy]: MANAGED_BY, [LABELS.name]: TASK_APP_NAME, [LABELS.worker]: 'w1' }
const SELECTOR = Object.entries(OURS)
  .map(([name, value]) => `${name}=${value}`)
  .join(',')
const MINUTE_MS = 60_000

let embedded: Awaited<ReturnType<typeof startEmbedded>>
let connected: ReturnType<typeof connectCluster>
before(async () => {
  embedded = await startEmbedded()
  connected = connectCluster(
    { clock: systemClock, metrics: createMetrics(), userAgent: 'jobhook/test' },
    { kubeconfig: { kind: 'text', text: embedded.kubeconfig }, namespace: null, connections: 4 },
  )
})
after(async () => {
  await connected?.connection.close()
  await embedded?.close()
})

/** A clock that stands still until it is moved; `fire` runs what is due. */
function ownClock(startMs: number) {
  let nowMs = startMs
  let timers: { atMs: number; run: () => void }[] = []
  const clock: Clock = {
    now: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((each) => each !== timer)
      }
    },
  }
  return {
    clock,
    waiting: () => timers.map((timer) => timer.atMs - nowMs),
    move(byMs: number) {
      nowMs += byMs
      const due = timers.filter((timer) => timer.atMs <= nowMs)
      timers = timers.filter((timer) => timer.atMs > nowMs)
      for (const timer of due) timer.run()
    },
  }
}

async function putSecret(name: string, labels: Record<string, string> = OURS): Promise<string> {
  const created = await connected.cluster.createSecret({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels },
    data: { TOKEN: Buffer.from('not to be seen').toString('base64') },
  })
  assert.ok(created.ok, name)
  const all = await connected.cluster.secretMetadata({ labelSelector: '', limit: 500, continueToken: null })
  assert.ok(all.ok)
  return all.value.items.find((meta) => meta.name === name)?.uid ?? ''
}

async function putJob(name: string, secret: string): Promise<void> {
  const created = await connected.cluster.createJob({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels: OURS, annotations: { 'jobhook.dev/secret': secret } },
    spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'task', image: 'x' }] } } },
  })
  assert.ok(created.ok, JSON.stringify(created))
}

async function secretNames(): Promise<string[]> {
  const all = await connected.cluster.secretMetadata({ labelSelector: '', limit: 500, continueToken: null })
  assert.ok(all.ok)
  return all.value.items.map((meta) => meta.name ?? '').sort()
}

const cases: [name: string, taken: boolean, why: string][] = [
  ['task-lost-aaaa-0123456789', true, 'its Job was never created'],
  ['task-kept-bbbb-0123456789', false, 'its Job names it'],
  ['task-kept-bbbb-aaaaaaaaaa', true, 'its Job names another: this one lost the race'],
  ['task-other-cccc-0123456789', false, 'it is another worker’s'],
  ['task-name-dddd', false, 'no name that we make'],
]

test('the sweeper takes Secrets that no Job names, and only those', async () => {
  for (const [name] of cases) await putSecret(name, name.includes('other') ? { ...OURS, [LABELS.worker]: 'w2' } : OURS)
  await putJob('task-kept-bbbb', 'task-kept-bbbb-0123456789')
  const { cluster } = connected
  const lines: string[] = []
  const time = ownClock(Date.now())
  const metrics = createMetrics()
  const deps = { ...cluster, cachedSecretOf: () => null, clock: time.clock, metrics, random: () => 0.5 }
  const sweeper = createSweeper(
    { ...deps, log: createLog({ level: 'info', workerId: 'w1', destination: { write: (line) => lines.push(line) } }) },
    { labelSelector: SELECTOR },
  )

  sweeper.start()
  assert.deepEqual(time.waiting(), [MINUTE_MS])
  time.move(MINUTE_MS)
  await until('the first run has ended', () => time.waiting().length === 1)
  assert.deepEqual(time.waiting(), [10 * MINUTE_MS])
  assert.equal((await secretNames()).length, cases.length, 'a Secret of a minute may still get its Job')

  time.move(14 * MINUTE_MS + 5_000)
  await until('the second run has ended', () => time.waiting().length === 1)
  assert.deepEqual(await secretNames(), cases.flatMap(([name, taken]) => (taken ? [] : [name])).sort())
  assert.equal(lines.filter((line) => line.includes('swept a Secret')).length, 2)
  assert.ok(!lines.join('').includes('not to be seen'))
  assert.equal((await metrics.sweptSecrets.get()).values.find(({ labels }) => labels.result === 'deleted')?.value, 2)

  await sweeper.stop()
  assert.deepEqual(time.waiting(), [], 'a replica that does not lead plans nothing')
})

const meta = (name: string): ObjectMeta => ({ name, uid: 'u', creationTimestamp: new Date(0).toISOString() })
const listOf =
  (...names: string[]) =>
  async (): Promise<KubeResult<{ items: ObjectMeta[]; continueToken: string | null }>> => ({
    ok: true,
    value: { items: names.map(meta), continueToken: null },
  })
const unavailable = { status: 500, reason: 'InternalError', message: 'etcd', retryAfterMs: null, retryable: true, outcomeUnknown: true }

test('a Secret whose Job cannot be looked at is kept', async () => {
  const found = await findOrphans(
    {
      secretMetadata: listOf('a-0123456789'),
      getJob: async () => ({ ok: false, error: unavailable }),
      cachedSecretOf: () => null,
      clock: systemClock,
    },
    { labelSelector: SELECTOR },
  )
  assert.deepEqual([found.orphans, found.error?.message], [[], 'etcd'])
})

test('a Job in the cache that names its Secret spares the live look', async () => {
  const found = await findOrphans(
    {
      secretMetadata: listOf('a-0123456789'),
      getJob: () => assert.fail('looked'),
      cachedSecretOf: (jobName) => (jobName === 'a' ? 'a-0123456789' : null),
      clock: systemClock,
    },
    { labelSelector: SELECTOR },
  )
  assert.deepEqual([found.orphans, found.secrets], [[], 1])
})

test('another object that took the name is not deleted', async () => {
  const { cluster } = connected
  const uid = await putSecret('task-again-eeee-0123456789')
  const refused = await cluster.deleteExactSecret('task-again-eeee-0123456789', 'another-uid')
  assert.deepEqual([refused.ok, refused.ok ? 0 : refused.error.status], [false, 409])
  assert.ok((await cluster.deleteExactSecret('task-again-eeee-0123456789', uid)).ok)
  assert.ok((await cluster.deleteExactSecret('task-again-eeee-0123456789', uid)).ok, 'gone already')
})

test('only metadata is asked for', async () => {
  await putSecret('task-meta-ffff-0123456789')
  const listed = await connected.cluster.secretMetadata({ labelSelector: SELECTOR, limit: 500, continueToken: null })
  assert.ok(listed.ok && !JSON.stringify(listed.value).includes(Buffer.from('not to be seen').toString('base64')))
})
