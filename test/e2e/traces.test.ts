// One trace from the sender through jobhook and the task to the callback, over replicas; and nothing of OpenTelemetry where nobody asked for it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startEmbedded } from '../../src/embedded/index.ts'
import { createLog } from '../../src/lib/log.ts'
import { readTraceparent } from '../../src/lib/trace.ts'
import { startTelemetry, wantsTraces } from '../../src/telemetry/index.ts'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, shellTask, startJobhook } from '../support/jobhook.ts'
import { type CollectedSpan, type Collector, startCollector } from '../support/otlp.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const patient = { timeoutMs: 120_000 }
const folder = mkdtempSync(join(tmpdir(), 'jobhook-traces-'))
const kubeconfig = process.env.JOBHOOK_TEST_KUBECONFIG ?? join(folder, 'embedded.kubeconfig')
/** Says on stderr which modules of OpenTelemetry are loaded. */
const WATCH = `--import "data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'
registerHooks({ resolve(specifier, context, next) {
  if (specifier.startsWith('@opentelemetry/')) writeSync(2, 'LOADED ' + specifier + '\\n')
  return next(specifier, context)
} })`)}"`
let collector: Collector
let receiver: Receiver
let closeEmbedded = async (): Promise<void> => {}

before(async () => {
  if (!process.env.JOBHOOK_TEST_KUBECONFIG) {
    const embedded = await startEmbedded({ kubeconfigFile: kubeconfig })
    closeEmbedded = () => embedded.close()
  }
  collector = await startCollector()
  receiver = await startReceiver(CALLBACK_SECRET)
})
after(async () => {
  await receiver?.close()
  await collector?.close()
  await closeEmbedded()
  rmSync(folder, { recursive: true, force: true })
})

const start = (workerId: string, env: Record<string, string>): Promise<Jobhook> =>
  startJobhook(
    {
      worker_id: workerId,
      backend: { kubernetes: { kubeconfig, default_image: 'docker.io/library/busybox:1.36' } },
      callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1] },
      leader_election: { lease_duration: '3s' },
    },
    { NODE_OPTIONS: WATCH, ...env },
  )
const traced = (): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=web',
  OTEL_SERVICE_NAME: 'hooks',
  OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  OTEL_BSP_SCHEDULE_DELAY: '100',
})

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SENDER = '00f067aa0ba902b7'
const of = (traceId: string): CollectedSpan[] => collector.spans.filter((span) => span.traceId === traceId)
function only(name: string): CollectedSpan {
  const found = of(TRACE).filter((span) => span.name === name)
  assert.equal(found.length, 1, `${found.length} spans "${name}" among ${of(TRACE).map((span) => span.name)}`)
  return found[0] as CollectedSpan
}

test('one trace: the sender, the request, the writes, the task and its TRACEPARENT, each attempt of the callback; over a killed replica', async () => {
  receiver.answer = (message, earlier) => (message.type === 'task_failed' && earlier === 0 ? 500 : 200)
  const workerId = freshWorkerId('traced')
  const first = await start(workerId, traced())
  assert.match(first.log(), /LOADED @opentelemetry\/sdk-trace/, 'the watch sees what is loaded')
  const message = shellTask('traced-1', 'echo "under $TRACEPARENT"; sleep 2; exit 3', { env_vars: { TOKEN: 'a-value-to-keep-secret' } })
  const accepted = await first.webhook(message, { headers: { traceparent: `00-${TRACE}-${SENDER}-01` } })
  assert.equal(accepted.status, 202, first.log())
  await until(
    'its start is told and the first spans are out',
    () => receiver.of('traced-1')[0] && of(TRACE).some(({ name }) => name.startsWith('POST')),
    patient,
  )
  await first.kill()
  const second = await start(workerId, traced())
  const verdict = await until('the verdict', () => receiver.verdicts('traced-1').find(({ answered }) => answered === 200), patient)
  assert.equal(await second.stop(), 0)

  const request = only('POST /v1/webhook')
  assert.deepEqual([request.parentSpanId, request.kind, request.attributes['http.response.status_code']], [SENDER, 'server', 202])
  const submit = only('submit')
  const task = only('task')
  const parents = ['verify and parse', 'submit', 'create Secret', 'create Job', 'task'].map((name) => only(name).parentSpanId)
  assert.deepEqual(parents, [request.spanId, request.spanId, submit.spanId, submit.spanId, submit.spanId])
  assert.deepEqual([only('create Secret').kind, only('create Job').kind], ['client', 'client'])

  const told = new RegExp(`under 00-${TRACE}-([0-9a-f]{16})-01`).exec(verdict.data.detail.log_tail)
  assert.equal(told?.[1], task.spanId, 'what the task records hangs under its span')
  assert.deepEqual(
    task.events.map(({ name }) => name),
    ['scheduled', 'pulled', 'started', 'finished'],
  )
  assert.ok(task.endMs - task.startMs >= 1_000, 'from the acceptance to the end')
  assert.equal(task.endMs, task.events.at(-1)?.atMs)
  assert.equal(task.failed, true)
  assert.deepEqual(
    ['jobhook.task_id', 'jobhook.failure_reason', 'process.exit.code', 'k8s.job.name'].map((name) => task.attributes[name]),
    ['traced-1', 'container_exit', 3, accepted.body.data.id],
  )

  const attempts = of(TRACE).filter(({ name }) => name === 'callback task_failed')
  assert.deepEqual(
    attempts.map((span) => [span.parentSpanId, span.kind, span.failed, span.attributes['http.response.status_code']]),
    [
      [task.spanId, 'client', true, 500],
      [task.spanId, 'client', false, 200],
    ],
  )
  assert.deepEqual(
    receiver.verdicts('traced-1').map(({ headers }) => headers.traceparent),
    attempts.map(({ spanId }) => `00-${TRACE}-${spanId}-01`),
  )

  const instances = new Set(of(TRACE).map(({ resource }) => resource['service.instance.id']))
  assert.equal(instances.size, 2, 'two replicas told of it')
  assert.deepEqual([task.resource['service.name'], task.resource['deployment.environment.name']], ['hooks', 'test'])
  assert.deepEqual([collector.requests[0]?.path, collector.requests[0]?.headers['x-tenant']], ['/v1/traces', 'web'])
  assert.ok(!collector.raw().includes('a-value-to-keep-secret'), 'no value of env_vars in a span')
  assert.ok(!collector.raw().includes('/hooks/tasks'), 'of a callback URL only where it leads')
  for (const line of ['assignment accepted', 'task closed', 'callback answered']) {
    const found = (first.log() + second.log()).split('\n').find((text) => text.includes(`"msg":"${line}"`))
    assert.match(found ?? '', new RegExp(`"trace_id":"${TRACE}"`), line)
  }
})

test('without the variables nothing of OpenTelemetry’s SDK is loaded, and the sender’s context goes through unchanged', async () => {
  receiver.answer = () => 200
  const jobhook = await start(freshWorkerId('untraced'), {})
  const sender = `00-${TRACE.split('').reverse().join('')}-${SENDER}-00`
  await jobhook.webhook(shellTask('untraced-1', 'echo "under $TRACEPARENT"; exit 3'), { headers: { traceparent: sender } })
  await jobhook.webhook(shellTask('untraced-2', 'echo "under <$TRACEPARENT>"; exit 3'), { headers: { traceparent: '00-none' } })
  const verdict = await until('the verdict', () => receiver.verdicts('untraced-1')[0], patient)
  assert.match(verdict.data.detail.log_tail, new RegExp(`under ${sender}`))
  assert.equal(verdict.headers.traceparent, sender)
  const other = await until('the other verdict', () => receiver.verdicts('untraced-2')[0], patient)
  assert.match(other.data.detail.log_tail, /under <>/)
  assert.equal(other.headers.traceparent, undefined)
  assert.equal(await jobhook.stop(), 0)
  // prom-client brings the bare API.
  assert.doesNotMatch(jobhook.log().replace('LOADED @opentelemetry/api\n', ''), /LOADED/)
})

test('a collector that is away is told of in the log, and holds up nobody', async () => {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:9'
  const lines: string[] = []
  const log = createLog({ level: 'warn', workerId: 'w', destination: { write: (line) => void lines.push(line) } })
  const { tracer, stop } = await startTelemetry(
    { log },
    { env: { ...process.env, OTEL_BSP_EXPORT_TIMEOUT: '500' }, identity: 'i', version: '1' },
  )
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
  tracer.start('lost', { parent: null }).end()
  await stop()
  assert.match(lines.join(''), /traces: not sent/)
})

const O = 'OTEL_TRACES_EXPORTER'
const E = 'OTEL_EXPORTER_OTLP_ENDPOINT'
const cases: [env: Record<string, string>, traces: boolean, told: string | null][] = [
  [{}, false, null],
  [{ [E]: 'http://c:4318' }, true, null],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }, true, null],
  [{ [E]: '' }, false, null],
  [{ [O]: 'otlp' }, true, null],
  [{ [O]: 'none', [E]: 'http://c:4318' }, false, null],
  [{ [O]: 'zipkin', [E]: 'http://c:4318' }, false, O],
  [{ [E]: 'http://c:4318', OTEL_SDK_DISABLED: 'true' }, false, null],
  [{ [E]: 'http://c:4318', OTEL_SDK_DISABLED: 'false' }, true, null],
  [{ [E]: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, true, 'OTEL_EXPORTER_OTLP_PROTOCOL'],
  [{ [E]: 'http://c:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, true, null],
]
for (const [env, traces, told] of cases) {
  test(`${JSON.stringify(env)}: ${traces ? 'traces' : 'no traces'}${told ? `, and ${told} is told to be wrong` : ''}`, () => {
    const wanted = wantsTraces(env)
    assert.deepEqual([wanted.traces, wanted.problem?.variable ?? null], [traces, told])
  })
}

const contexts: [value: string | string[] | undefined, valid: boolean][] = [
  [`00-${TRACE}-${SENDER}-01`, true],
  [`00-${TRACE}-${SENDER}-00`, true],
  [`ff-${TRACE}-${SENDER}-01`, false],
  [`00-${'0'.repeat(32)}-${SENDER}-01`, false],
  [`00-${TRACE}-${'0'.repeat(16)}-01`, false],
  [`00-${TRACE.toUpperCase()}-${SENDER}-01`, false],
  [`00-${TRACE}-${SENDER}-01-x`, false],
  [[`00-${TRACE}-${SENDER}-01`], false],
  [undefined, false],
]
for (const [value, valid] of contexts)
  test(`traceparent ${value}: ${valid ? 'passed on' : 'ignored'}`, () => assert.equal(readTraceparent(value), valid ? value : null))
