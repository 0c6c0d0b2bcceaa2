// `jobhook logs` against a running service on the embedded cluster.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { harmless } from '../../src/cli/text.ts'
import { freshWorkerId, type Jobhook, startJobhook, TOKEN } from '../support/jobhook.ts'
import { run, start } from './command.ts'

let jobhook: Jobhook
let env: Record<string, string>

before(async () => {
  jobhook = await startJobhook({
    worker_id: freshWorkerId('cli-logs'),
    cluster: 'embedded',
    backend: { kubernetes: { default_image: 'local' } },
  })
  env = { JOBHOOK_URL: jobhook.url, JOBHOOK_TOKEN: TOKEN, XDG_CONFIG_HOME: '/nonexistent' }
})
after(() => jobhook?.stop())

test('logs prints a finished task’s log, whole or its end', async () => {
  await run(['submit', '--task-id', 'done', '--wait', '--', '/bin/sh', '-c', 'seq 1 5; printf end'], { env })
  assert.deepEqual(await run(['logs', 'done'], { env }), { code: 0, out: '1\n2\n3\n4\n5\nend', err: '' })
  assert.equal((await run(['logs', 'done', '--tail', '2'], { env })).out, '5\nend')
  assert.equal((await run(['logs', '--container', 'task', '--since=1h', 'done'], { env })).code, 0)
})

test('logs --json gives each line as an object, whatever the line holds', async () => {
  await run(['submit', '--task-id', 'lines', '--wait', '--', '/bin/sh', '-c', 'printf "a\\rb\\nend"'], { env })
  const { out } = await run(['logs', 'lines', '--json'], { env })
  assert.equal(out, '{"task":"lines","line":"a\\rb"}\n{"task":"lines","line":"end"}\n')
})

test('a log on a terminal keeps its colours and cannot do more', () => {
  const rows: [log: string, shown: string][] = [
    ['\u001b[1;31mred\u001b[0m\ttab\r\n', '\u001b[1;31mred\u001b[0m\ttab\r\n'],
    ['\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
    ['\u001b[2J\u001b[H', '\\u001b[2J\\u001b[H'],
    ['\u009b31m\u202e', '\\u009b31m\\u202e'],
  ]
  for (const [log, shown] of rows) assert.equal(harmless(log), shown)
})

test('logs -f waits for the container, prints lines as they come, and ends with the task', async () => {
  await run(
    ['submit', '--task-id', 'live', '--', '/bin/sh', '-c', 'trap "echo bye; exit 143" TERM; echo one; while true; do sleep 0.1; done'],
    { env },
  )
  const following = start(['logs', 'live', '-f'], { env })
  await following.until((out) => out.includes('one\n'))
  await run(['cancel', 'live'], { env })
  const { code, out } = await following.finished
  assert.equal(code, 0)
  assert.match(out, /one\n(.*\n)*bye\n/)
})

test('Ctrl-C ends following, not the task', async () => {
  await run(['submit', '--task-id', 'left', '--', '/bin/sh', '-c', 'trap "exit 143" TERM; echo one; while true; do sleep 0.1; done'], {
    env,
  })
  const following = start(['logs', 'left', '--follow'], { env })
  await following.until((out) => out.includes('one\n'))
  following.signal('SIGINT')
  assert.equal((await following.finished).code, 130)
  assert.match((await run(['tasks', 'left'], { env })).out, /state +running/)
  await run(['cancel', 'left'], { env })
})

test('why there is no log is said', async () => {
  const rows: [args: string[], code: number, said: RegExp][] = [
    [['logs', 'nothing'], 1, /no task has this id/],
    [['logs', 'done', '--container', 'sidecar'], 1, /no container of this name; it has task/],
    [['logs', 'done', '--tail', 'x'], 2, /--tail must be a whole number/],
    [['logs', 'done', '--since', 'yesterday'], 1, /\/since/],
    [['logs'], 2, /ID is missing/],
  ]
  for (const [args, code, said] of rows) {
    const done = await run(args, { env })
    assert.equal(done.code, code, `${args.join(' ')}: ${done.err}`)
    assert.match(done.err, said)
  }
})
