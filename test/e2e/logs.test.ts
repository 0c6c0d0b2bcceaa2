// Logs as a control plane and a REST caller meet them, on the embedded cluster or on the real one: the end of a failed task's log in its report,
// also when its Pod was stopped and is gone; secrets taken out of it; reading and following by REST.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { connectCluster } from '../../src/cluster/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { run } from '../cli/command.ts'
import { CALLBACK_SECRET, clusterConfig, freshWorkerId, type Jobhook, shellTask, startJobhook, TOKEN } from '../support/jobhook.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/wait.ts'

const target = clusterConfig()
const slow = { timeoutMs: 60_000 }
const LIMIT_BYTES = 1_048_576
const folder = mkdtempSync(join(tmpdir(), 'jobhook-logs-'))
const kubeconfigFile = join(folder, 'embedded.kubeconfig')
const workerId = freshWorkerId('logs')
let receiver: Receiver
let jobhook: Jobhook

before(async () => {
  receiver = await startReceiver(CALLBACK_SECRET)
  jobhook = await startJobhook({
    worker_id: workerId,
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0, 1, 1, 1] },
    ...target.config,
    ...(target.real ? {} : { embedded: { kubeconfig_file: kubeconfigFile } }),
  })
})
after(async () => {
  await jobhook?.stop()
  await receiver?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The cluster as somebody with kubectl has it: on the real one with more rights than the service. */
function byHand(): ReturnType<typeof connectCluster> {
  return connectCluster(
    { clock: systemClock, metrics: createMetrics(), userAgent: 'test' },
    {
      kubeconfig: { kind: 'file', path: target.real ? (process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? '') : kubeconfigFile },
      namespace: target.real ? (process.env.JOBHOOK_TEST_NAMESPACE ?? null) : 'default',
      connections: 1,
    },
  )
}

const verdictOf = (taskId: string) => until(`the verdict of ${taskId}`, () => receiver.verdicts(taskId)[0], slow)
const logs = (taskId: string, query = '', headers: Record<string, string> = {}) =>
  jobhook.rest('GET', `/v1/tasks/${taskId}/logs${query === '' ? '' : `?${query}`}`, undefined, headers)

/** 3 MiB in lines of 1 KiB, numbered, and a last word. */
const MANY_LINES = `awk 'BEGIN { pad = sprintf("%1015s", ""); for (i = 1; i <= 3072; i++) printf "line %05d%s\\n", i, substr(pad, 3) ; print "the last word" }'`

test('a task with 3 MiB of log that fails: its report has the LAST line, at most 64 KiB, and says that it is a part', async () => {
  await jobhook.webhook(shellTask('much', `${MANY_LINES}; exit 3`))
  const { data } = await verdictOf('much')
  assert.deepEqual([data.failure_reason, data.exit_code], ['container_exit', 3])
  const { log_tail: tail, log_note: note } = data.detail
  assert.ok(tail.endsWith('the last word\n'), tail.slice(-200))
  assert.match(tail, /line 03072/)
  assert.ok(!tail.includes('line 00001'))
  assert.ok(Buffer.byteLength(tail) <= 65_536)
  assert.match(note, /only the last \d+ bytes of the log are here/)
})

test('the same log by REST: the last MiB with what is left out in words, or the last lines', async () => {
  const whole = await logs('much')
  assert.equal(whole.status, 200)
  assert.match(String(whole.headers['content-type']), /^text\/plain/)
  const [note = '', ...rest] = whole.body.split('\n')
  assert.match(note, /^\[jobhook\] the first \d+ bytes are left out: the last 1048576 follow/)
  const text = rest.join('\n')
  assert.equal(Buffer.byteLength(text), LIMIT_BYTES)
  assert.ok(text.endsWith('the last word\n'))
  assert.equal((await logs('much', 'tail=1')).body, 'the last word\n')
  assert.equal((await logs('much', 'tail=0')).body, '')
  assert.equal((await logs('much', 'since=2020-01-01T00:00:00Z&tail=1')).body, 'the last word\n')
})

test('values of env_vars that a failing task prints are not in its report, in none of their usual forms; by REST the log is raw', async () => {
  const token = 'tok-3n!v/9 "x"'
  await jobhook.webhook(
    shellTask('leaky', 'echo "plain $TOKEN end"; printf %s "$TOKEN" | base64; echo "short $FLAG"; exit 1', {
      env_vars: { TOKEN: token, FLAG: 'true' },
    }),
  )
  const { data } = await verdictOf('leaky')
  const { log_tail: tail, log_note: note } = data.detail
  assert.match(tail, /^plain \[redacted\] end$/m)
  assert.match(tail, /^short true$/m)
  assert.ok(!tail.includes(token) && !tail.includes(Buffer.from(token).toString('base64').slice(0, 12)), tail)
  assert.match(note, /Secret/)
  assert.ok((await logs('leaky')).body.includes(`plain ${token} end`))
  assert.ok(!jobhook.log().includes(token))
})

test('a token that a task writes into its output is not in its report, and stands nowhere on its Job', async () => {
  const token = 'output-token-27182818'
  const accepted = await jobhook.webhook(
    shellTask('tells', `printf '{"result":"done","used":"%s"}' "$TOKEN" > /dev/termination-log`, { env_vars: { TOKEN: token } }),
  )
  const { data } = await verdictOf('tells')
  assert.deepEqual(data.output, { result: 'done', used: '[redacted]' })
  const job = await byHand().cluster.getJob(accepted.body.data.id)
  assert.ok(job.ok && !JSON.stringify(job.value.metadata).includes(token))
})

test('a running task stopped by its timeout reports its last lines, although its Pod is gone; its log is then answered with 410', async () => {
  await jobhook.webhook(
    shellTask('stopped', 'trap "echo last words; exit 143" TERM; echo begun; while true; do sleep 0.1; done', { timeout_seconds: 1 }),
  )
  const { data } = await verdictOf('stopped')
  assert.equal(data.failure_reason, 'task_timeout')
  assert.match(data.detail.log_tail ?? JSON.stringify(data.detail), /^begun\n(.*\n)*last words\n/)
  const answer = await until(
    'its Pod is gone',
    async () => {
      const answer = await logs('stopped')
      return answer.status === 200 ? null : answer
    },
    slow,
  )
  assert.deepEqual([answer.status, answer.body.code], [410, 'gone'], JSON.stringify(answer.body))
  assert.match(answer.body.detail, /log_tail/)
})

test('a task that is silent until it is stopped is stopped all the same, and what it says last is reported', async () => {
  await jobhook.webhook(shellTask('silent', 'trap "echo only word; exit 143" TERM; while true; do sleep 0.1; done', { timeout_seconds: 1 }))
  const { data } = await verdictOf('silent')
  assert.equal(data.failure_reason, 'task_timeout')
  assert.match(data.detail.log_tail ?? JSON.stringify(data.detail), /^only word\n/)
})

test('a task that another replica has stopped: the leader follows its log from when it sees the mark', async () => {
  const { body } = await jobhook.webhook(
    shellTask('marked', 'trap "sleep 1; echo last words; exit 143" TERM; echo begun; while true; do sleep 0.1; done'),
  )
  const { id } = body.data
  await until('it runs', () => receiver.of('marked')[0], slow)
  const { cluster, connection } = byHand()
  try {
    const mark = JSON.stringify({ reason: 'task_timeout', at: new Date().toISOString(), message: 'another replica said so' })
    const patch = { metadata: { annotations: { 'jobhook.dev/stop': mark } }, spec: { activeDeadlineSeconds: 1 } }
    assert.ok((await cluster.patchJob(id, 'merge', patch)).ok)
  } finally {
    await connection.close()
  }
  const { data } = await verdictOf('marked')
  assert.equal(data.failure_reason, 'task_timeout')
  assert.match(data.detail.log_tail ?? JSON.stringify(data.detail), /^begun\n(.*\n)*last words\n/)
})

test('a Pod that somebody deletes: its last words are in the report all the same', async () => {
  const { body } = await jobhook.webhook(
    shellTask('deleted', 'trap "sleep 1; echo last words; exit 143" TERM; echo begun; while true; do sleep 0.1; done'),
  )
  await until('it runs', () => receiver.of('deleted')[0], slow)
  const { body: task } = await jobhook.rest('GET', `/v1/tasks/${body.data.id}`)
  const { cluster, connection } = byHand()
  try {
    const { dispatcher, headers } = await connection.prepare('requests')
    const url = `${connection.origin}${connection.prefix}/api/v1/namespaces/${cluster.namespace}/pods/${task.pod}`
    const response = await request(url, { method: 'DELETE', headers, dispatcher })
    assert.equal(response.statusCode, 200, await response.body.text())
  } finally {
    await connection.close()
  }
  const { type, data } = await verdictOf('deleted')
  assert.equal(type, 'task_failed')
  assert.match(data.detail.log_tail ?? JSON.stringify(data.detail), /^begun\n(.*\n)*last words\n/)
})

test('a cancelled task is no failure: its report has no log', async () => {
  await jobhook.webhook(shellTask('cancelled', 'trap "exit 143" TERM; echo hello; while true; do sleep 0.1; done'))
  await until('it runs', () => receiver.of('cancelled')[0], slow)
  await jobhook.webhook({ type: 'task_cancellation', data: { task_id: 'cancelled' } })
  const { data } = await verdictOf('cancelled')
  assert.equal(data.task_state, 'CANCELLED')
  assert.equal(data.detail?.log_tail, undefined)
})

/** Reads a followed log piece by piece, until the text so far satisfies the condition or the answer ends. */
async function follow(taskId: string, headers: Record<string, string> = {}, replica = jobhook) {
  const gone = new AbortController()
  const response = await request(`${replica.url}/v1/tasks/${taskId}/logs?follow=true`, {
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    signal: gone.signal,
    headersTimeout: 30_000,
    bodyTimeout: 0,
  })
  let text = ''
  let ended = false
  const reading = (async () => {
    for await (const chunk of response.body) text += chunk
    ended = true
  })().catch(() => {
    ended = true
  })
  return {
    status: response.statusCode,
    type: String(response.headers['content-type']),
    text: () => text,
    saw: (pattern: RegExp) => until(`${pattern} in the followed log (so far: ${text})`, () => pattern.test(text), slow),
    ended: async () => {
      await until('the followed log ends', () => ended, slow)
      await reading
      return text
    },
    leave: () => gone.abort(),
  }
}

test('following by REST waits for the container, gives lines as they come, and ends with the task', async () => {
  await jobhook.webhook(shellTask('followed', 'echo one; i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i+1)); done; echo two; printf three'))
  const [text, events] = await Promise.all([follow('followed'), follow('followed', { accept: 'text/event-stream' })])
  assert.deepEqual([text.status, text.type], [200, 'text/plain; charset=utf-8'])
  assert.deepEqual([events.status, events.type], [200, 'text/event-stream'])
  await text.saw(/^one$/m)
  assert.ok(!text.text().includes('two'), 'the first line comes before the second is written')
  assert.match(await text.ended(), /one\ntwo\nthree$/)
  assert.match(await events.ended(), /data: one\n\ndata: two\n\ndata: three\n\nevent: end\ndata: \n\n$/)
})

test('a caller who goes away ends the stream from the cluster', async () => {
  await jobhook.webhook(shellTask('left', 'echo one; trap "exit 143" TERM; while true; do sleep 0.1; done'))
  const followed = await follow('left')
  await followed.saw(/one/)
  assert.equal(await jobhook.metric('jobhook_log_streams', { for: 'rest' }), 1)
  followed.leave()
  await until('no stream is left', async () => (await jobhook.metric('jobhook_log_streams', { for: 'rest' })) === 0)
  await jobhook.rest('DELETE', '/v1/tasks/left')
})

test('what there is no log of is answered with a problem that says why', async () => {
  await jobhook.webhook(shellTask('ended', 'echo done'))
  await verdictOf('ended')
  const answers: [string, string, number, string][] = [
    ['nothing-here', '', 404, 'not_found'],
    ['ended', 'container=other', 404, 'not_found'],
    ['ended', 'container=../../x', 422, 'invalid_request'],
    ['ended', 'tail=-1', 422, 'invalid_request'],
    ['ended', 'since=yesterday', 422, 'invalid_request'],
    ['ended', 'previous=true', 422, 'invalid_request'],
    [encodeURIComponent('../ended'), '', 404, 'not_found'],
  ]
  for (const [taskId, query, status, code] of answers) {
    const answer = await logs(taskId, query)
    assert.deepEqual([answer.status, answer.body.code], [status, code], `${taskId}?${query}: ${JSON.stringify(answer.body)}`)
  }
  assert.match((await logs('ended', 'container=other')).body.detail, /it has task/)
})

test('a failing setup: its own log is in the report; while it runs, the task’s log is not there yet, and its own is', async () => {
  const image = (target.config.backend as { kubernetes: Record<string, unknown> }).kubernetes
  const setup = await startJobhook({
    worker_id: freshWorkerId('logs-setup'),
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
    ...target.config,
    backend: { kubernetes: { ...image, setup_command: 'echo no route to the registry >&2; sleep 2; exit 4' } },
  })
  try {
    await setup.webhook(shellTask('setup-1', 'echo never'))
    const early = await until(
      'the setup runs',
      async () => {
        const found = await setup.rest('GET', '/v1/tasks/setup-1/logs?container=setup')
        return found.status === 200 && found.body !== '' ? await setup.rest('GET', '/v1/tasks/setup-1/logs') : null
      },
      slow,
    )
    assert.deepEqual([early.status, early.body.code], [409, 'not_started'], JSON.stringify(early.body))
    assert.match(early.body.detail, /a log is there of: setup.*follow=true/)
    const { data } = await verdictOf('setup-1')
    assert.equal(data.failure_reason, 'setup_command', JSON.stringify(data))
    assert.match(data.detail.log_tail, /no route to the registry/)
    const never = await setup.rest('GET', '/v1/tasks/setup-1/logs')
    assert.deepEqual([never.status, never.body.code], [404, 'not_found'])
    assert.match(never.body.detail, /never ran/)
  } finally {
    await setup.stop()
  }
})

test('submit --wait on the command line ends with the task’s exit code; logs prints what it wrote', async () => {
  const env = { JOBHOOK_URL: jobhook.url, JOBHOOK_TOKEN: TOKEN, XDG_CONFIG_HOME: folder }
  const submitted = await run(['submit', '--task-id', 'by-hand', '--wait', '--', '/bin/sh', '-c', 'echo out; exit 6'], { env })
  assert.equal(submitted.code, 6, submitted.err)
  assert.deepEqual(await run(['logs', 'by-hand'], { env }), { code: 0, out: 'out\n', err: '' })
})

test('every replica reads and follows, not only the one that reports', async () => {
  const other = await startJobhook({
    worker_id: workerId,
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET] },
    ...(target.real
      ? target.config
      : { cluster: 'kubernetes', backend: { kubernetes: { kubeconfig: kubeconfigFile, default_image: 'local' } } }),
  })
  try {
    assert.match((await other.rest('GET', '/readyz?verbose')).body, /leader: \S+ reports/)
    const answer = await until(
      'the other replica knows the task',
      async () => {
        const found = await other.rest('GET', '/v1/tasks/much/logs?tail=1')
        return found.status === 200 ? found : null
      },
      slow,
    )
    assert.equal(answer.body, 'the last word\n')
    await jobhook.webhook(shellTask('both', 'echo one; trap "exit 143" TERM; while true; do sleep 0.1; done'))
    const followed = await follow('both', {}, other)
    await followed.saw(/one/)
    await other.rest('DELETE', '/v1/tasks/both')
    assert.match(await followed.ended(), /^one$/m)
  } finally {
    await other.stop()
  }
})

test('with log tails switched off the report has none, and says so', async () => {
  const quiet = await startJobhook({
    worker_id: freshWorkerId('logs-off'),
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], log_tail_bytes: 0 },
    ...target.config,
  })
  try {
    await quiet.webhook(shellTask('off-1', 'echo hello; exit 1'))
    const { data } = await verdictOf('off-1')
    assert.equal(data.detail.log_tail, undefined)
    assert.match(data.detail.log_note, /switched off/)
  } finally {
    await quiet.stop()
  }
})

test('a replica that stops ends its followers with a word, and exits 0', async () => {
  await jobhook.webhook(shellTask('outlives', 'trap "exit 143" TERM; echo one; while true; do sleep 0.1; done', { timeout_seconds: 20 }))
  const followed = await follow('outlives')
  await followed.saw(/one/)
  assert.equal(await jobhook.stop(), 0)
  assert.match(await followed.ended(), /one\n\[jobhook\] this replica is shutting down: follow again\n$/)
})
