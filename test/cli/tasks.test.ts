// submit, tasks and cancel against a running service on the embedded cluster: what a person or a script sees, and the exit codes.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freshWorkerId, type Jobhook, startJobhook, TOKEN } from '../support/jobhook.ts'
import { run, start } from './command.ts'

let jobhook: Jobhook
let home: string
/** As if nobody had set anything: no client file of the machine, no variables. */
let env: Record<string, string>

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'jobhook-cli-'))
  jobhook = await startJobhook({
    worker_id: freshWorkerId('cli'),
    cluster: 'embedded',
    backend: { kubernetes: { default_image: 'local' } },
    api: {
      tokens: [
        { name: 'test', token: TOKEN, scopes: ['admin'] },
        { name: 'reader', token: 'reader-token-0123456789', scopes: ['read'] },
      ],
    },
  })
  env = { JOBHOOK_URL: jobhook.url, JOBHOOK_TOKEN: TOKEN, XDG_CONFIG_HOME: home, NO_COLOR: '1' }
})
after(async () => {
  await jobhook?.stop()
  rmSync(home, { recursive: true, force: true })
})

const FOREVER = 'trap "exit 143" TERM; while true; do sleep 0.1; done'

test('submit prints the id alone; with --wait its exit code is the task’s', async () => {
  const rows = [
    // script, exit code
    ['exit 0', 0],
    ['exit 7', 7],
    ['kill -9 $$', 137],
  ] as const
  await Promise.all(
    rows.map(async ([script, exitCode]) => {
      const { code, out, err } = await run(['submit', '--wait', '--', '/bin/sh', '-c', script], { env })
      assert.equal(code, exitCode, err)
      assert.match(out, /^task-[a-z0-9-]+\n$/)
      assert.match(err, exitCode === 0 ? /: completed, exit code 0/ : new RegExp(`: failed \\(container_exit\\), exit code ${exitCode}`))
      assert.ok(!err.includes('\u001b'), 'no colours and no cursor movements where there is no terminal')
    }),
  )
})

test('submit from a file or standard input, JSON or YAML, message or data; options win over it', async () => {
  const file = join(home, 'task.yaml')
  writeFileSync(file, 'task_id: from-file\ncommand: [/bin/sh, -c]\nargs: ["exit 5"]\nlabels: {team: web}\ntitle: null\n')
  assert.equal((await run(['submit', file, '--wait'], { env })).code, 5)
  const message = {
    type: 'task_assignment',
    data: { task_id: 'from-stdin', command: ['/bin/sh', '-c'], args: ['test "$A-$B" = "one-two"'] },
  }
  const { code, out, err } = await run(
    ['submit', '-', '--env', 'A=one', '--env', 'B', '--label', 'team=db', '--title', 'A title', '--wait', '--json'],
    {
      env: { ...env, B: 'two' },
      input: JSON.stringify(message),
    },
  )
  assert.equal(code, 0, err)
  const task = JSON.parse(out)
  assert.deepEqual([task.task_id, task.title, task.labels, task.state], ['from-stdin', 'A title', { team: 'db' }, 'completed'])
})

test('the same task again is said to be a repeat, other content is refused with the field', async () => {
  const args = ['submit', '--task-id', 'again', '--', '/bin/sh', '-c']
  assert.match((await run([...args, 'true'], { env })).err, /again: accepted/)
  assert.match((await run([...args, 'true'], { env })).err, /again: had been accepted before/)
  const other = await run([...args, 'false'], { env })
  assert.equal(other.code, 1)
  assert.match(other.err, /\/args/)
})

test('tasks shows a table, one task, or JSON, filtered by state and label', async () => {
  await run(['submit', '--task-id', 'shown', '--label', 'kind=shown', '--wait', '--', '/bin/sh', '-c', 'exit 3'], { env })
  const { out } = await run(['tasks', '--label', 'kind=shown'], { env })
  const [heading = '', row = '', ...more] = out.trimEnd().split('\n')
  assert.match(heading, /^TASK +STATE +REASON +EXIT +AGE +DELIVERY +ID$/)
  assert.match(row, /^shown +failed +container_exit +3 +\d+[smhd] +none +task-shown-[a-z2-7]+$/)
  assert.deepEqual(more, [])
  const one = await run(['tasks', 'shown'], { env })
  assert.match(one.out, /^ {2}state +failed$/m)
  assert.match(one.out, /^ {2}labels +kind=shown$/m)
  assert.equal(JSON.parse((await run(['tasks', 'shown', '--json'], { env })).out).exit_code, 3)
  assert.equal(
    JSON.parse((await run(['tasks', '--state', 'failed,cancelled', '--json'], { env })).out).items.every(
      (task: { state: string }) => task.state === 'failed',
    ),
    true,
  )
  assert.match((await run(['tasks', '--label', 'kind=none'], { env })).err, /no such tasks/)
})

test('tasks ID --watch says each change and ends with the task; cancel stops it and says what it found', async () => {
  await run(['submit', '--task-id', 'watched', '--', '/bin/sh', '-c', FOREVER], { env })
  const watching = start(['tasks', 'watched', '--watch'], { env })
  await watching.until((out) => /watched {2}running/.test(out))
  const cancelled = await run(['cancel', 'watched', '--wait'], { env })
  assert.deepEqual([cancelled.code, cancelled.out], [0, 'watched: stopping\n'])
  assert.match(cancelled.err, /watched: cancelled/)
  const { code, out } = await watching.finished
  assert.equal(code, 0)
  assert.match(out, /watched {2}cancelled {2}task_cancelled/)
  const again = await run(['cancel', 'watched', 'never-heard-of'], { env })
  assert.deepEqual([again.code, again.out], [1, 'watched: had ended: cancelled\n'])
  assert.match(again.err, /never-heard-of: no task has this id/)
})

test('with --json each command prints what it did, one JSON value a task', async () => {
  const ids = ['json-1', 'json-2']
  for (const id of ids) await run(['submit', '--task-id', id, '--', '/bin/sh', '-c', FOREVER], { env })
  const { out } = await run(['cancel', ...ids, '--wait', '--json'], { env })
  const tasks = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    tasks.map((task) => [task.task_id, task.state]),
    ids.map((id) => [id, 'cancelled']),
  )
  assert.deepEqual(JSON.parse((await run(['cancel', 'json-1', '--json'], { env })).out).state, 'cancelled')
})

test('colours: none without a terminal, some with FORCE_COLOR, none with --no-color; control characters never', async () => {
  const title = 'red\u001b[31m\u202e'
  await run(['submit', '--task-id', 'colour', '--title', title, '--wait', '--', '/bin/sh', '-c', 'exit 0'], { env })
  const forced: Record<string, string> = { ...env, FORCE_COLOR: '1', NO_COLOR: '' }
  const [table, plain, one] = await Promise.all([
    run(['tasks', '--state', 'completed'], { env: forced }),
    run(['tasks', '--state', 'completed', '--no-color'], { env: forced }),
    run(['tasks', 'colour'], { env }),
  ])
  assert.ok(table.out.includes('\u001b[32mcompleted'))
  assert.doesNotMatch(`${plain.out}${one.out}`.replaceAll('\n', ''), /[\p{Cc}\u202e]/u)
  assert.match(one.out, /red\\u001b\[31m\\u202e/)
})

test('Ctrl-C while waiting leaves the task alone and says how to stop it', async () => {
  const waiting = start(['submit', '--task-id', 'interrupted', '--wait', '--', '/bin/sh', '-c', FOREVER], { env })
  await waiting.until((_out, err) => /interrupted: running/.test(err))
  waiting.signal('SIGINT')
  const { code, err } = await waiting.finished
  assert.equal(code, 130)
  assert.match(err, /the task runs on. To stop it: jobhook cancel task-interrupted-/)
  assert.match((await run(['tasks', 'interrupted'], { env })).out, /state +running/)
  await run(['cancel', 'interrupted'], { env })
})

test('what is wrong is said with its remedy', async () => {
  const rows: [what: string, args: string[], overrides: Record<string, string>, code: number, said: RegExp][] = [
    ['no token', ['tasks'], { JOBHOOK_TOKEN: '' }, 1, /a token is needed, one of the service’s setting api\.tokens: set JOBHOOK_TOKEN/],
    ['a wrong token', ['tasks', '--token', 'wrong-wrong-wrong'], {}, 1, /does not know this token: its setting api\.tokens must list/],
    [
      'a missing scope',
      ['cancel', 'x'],
      { JOBHOOK_TOKEN: 'reader-token-0123456789' },
      1,
      /the token reader lacks the scope cancel: add it in api\.tokens .*or use another token: JOBHOOK_TOKEN/,
    ],
    [
      'nobody there',
      ['tasks', '--url', 'http://127.0.0.1:1'],
      {},
      1,
      /nothing listens at http:\/\/127.0.0.1:1\.\n {2}Start it there: jobhook serve/,
    ],
    ['another service', ['tasks', '--url', `${jobhookUrl()}/metrics?x=`], {}, 1, /not as jobhook does: is it the right URL\?/],
    ['no URL', ['tasks', '--url', 'localhost'], {}, 2, /no URL that begins with http/],
    ['an unknown task', ['tasks', 'nothing'], {}, 1, /no task has this id/],
    ['an unknown state', ['tasks', '--state', 'done'], {}, 2, /none of queued, pending/],
    ['a word of another command', ['cancel', 'x', '--follow'], {}, 2, /unknown option --follow/],
    ['nothing to run', ['submit'], {}, 2, /nothing to run/],
    ['no command', ['submit', '--'], {}, 2, /a command is missing after --/],
    ['a file that is not there', ['submit', '/no/such/file'], {}, 1, /cannot be read/],
    ['a variable that is not there', ['submit', '--env', 'NO_SUCH_VARIABLE', '--', 'x'], {}, 2, /NO_SUCH_VARIABLE: there is no variable/],
    ['a mistake in a field', ['submit', '--label', 'a b=c', '--', 'x'], {}, 1, /\/labels/],
  ]
  for (const [what, args, overrides, code, said] of rows) {
    const done = await run(args, { env: { ...env, ...overrides } })
    assert.equal(done.code, code, `${what}: ${done.err}`)
    assert.match(done.err, said, what)
    assert.ok(!done.err.includes(TOKEN), 'the token is never printed')
  }
})

test('the client file gives URL and token; what is wrong with it is said without its content', async () => {
  const other = mkdtempSync(join(tmpdir(), 'jobhook-cli-file-'))
  const file = join(other, 'jobhook', 'config.yaml')
  const fromFile = { XDG_CONFIG_HOME: other, JOBHOOK_URL: '', JOBHOOK_TOKEN: '' }
  try {
    mkdirSync(join(other, 'jobhook'))
    writeFileSync(file, `url: ${jobhook.url}\ntoken: ${TOKEN}\n`, { mode: 0o644 })
    const open = await run(['tasks', '--json'], { env: fromFile })
    assert.equal(open.code, 2)
    assert.match(open.err, /holds a token and other users of this machine can read it: chmod 600 /)
    chmodSync(file, 0o600)
    assert.equal((await run(['tasks', '--json'], { env: fromFile })).code, 0)
    writeFileSync(join(other, 'token'), `${TOKEN}\n`)
    writeFileSync(file, `url: ${jobhook.url}/\ntoken: {file: ${join(other, 'token')}}\n`)
    assert.equal((await run(['tasks', '--json'], { env: fromFile })).code, 0)
    writeFileSync(file, `tokn: ${TOKEN}\n`)
    const unknown = await run(['tasks'], { env: fromFile })
    assert.equal(unknown.code, 2)
    assert.match(unknown.err, /tokn is not known/)
    writeFileSync(file, `token: "${TOKEN}\n`)
    const broken = await run(['tasks'], { env: fromFile })
    assert.match(broken.err, /is not YAML/)
    assert.ok(!`${unknown.err}${broken.err}`.includes(TOKEN))
  } finally {
    rmSync(other, { recursive: true, force: true })
  }
})

function jobhookUrl(): string {
  return jobhook.url
}
