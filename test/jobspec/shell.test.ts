// The scripts in a task's Pod, run by real shells: the teardown runs exactly once, after the task's command, whatever ended it.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { copyScript, entryScript, preStopScript, teardownScript } from '../../src/jobspec/shell.ts'
import { kubernetesExpands } from './fixtures.ts'

const SHELLS: [name: string, ...command: string[]][] = [
  ['dash', '/bin/dash'],
  ['busybox', 'busybox', 'sh'],
  ['bash', 'bash', '--posix'],
]
const shells = SHELLS.filter(([, program = '', ...rest]) => spawnSync(program, [...rest, '-c', 'exit 0']).status === 0)
for (const [name] of SHELLS)
  if (!shells.some(([here]) => here === name)) test(`${name} is not on this machine`, { skip: 'its rows are left out' }, () => {})
assert.ok(shells.length > 0, 'a POSIX shell is needed')

const root = mkdtempSync(join(tmpdir(), 'jobhook-shell-'))
const running: ChildProcess[] = []
after(() => {
  // Each wrapper leads a process group of its own: whatever a failed test left in it ends here.
  for (const { pid } of running) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch {
      // Ended already.
    }
  }
  rmSync(root, { recursive: true, force: true })
})

let counter = 0
interface Box {
  dir: string
  /** A path in the box, or what a file there says. */
  path(name: string): string
  text(name: string): string
  run(command: string[], teardown?: string, limitSeconds?: number): ChildProcess
  stop(waitSeconds?: number): void
  end(child: ChildProcess): Promise<number | null>
}

/** One container's worth of files, with the scripts' own folder put inside. `sh` in a script is the shell under test. */
function box(shell: readonly string[]): Box {
  const dir = join(root, String(counter++))
  mkdirSync(join(dir, 'state'), { recursive: true })
  mkdirSync(join(dir, 'bin'))
  writeFileSync(join(dir, 'bin/sh'), `#!/bin/sh\nexec ${shell.join(' ')} "$@"\n`)
  chmodSync(join(dir, 'bin/sh'), 0o755)
  // HOME: bash reads its start-up files when its input is a socket.
  const env = { HOME: dir, PATH: `${join(dir, 'bin')}:${process.env.PATH}`, ENV_FILE: join(dir, 'env'), OUT: join(dir, 'out') }
  const [program = '', ...rest] = shell
  const here = (script: string) => script.replaceAll('/run/jobhook', join(dir, 'state'))
  const path = (name: string) => join(dir, name)
  return {
    dir,
    path,
    text: (name) => (existsSync(path(name)) ? readFileSync(path(name), 'utf8') : ''),
    run(command, teardown = 'echo teardown $TASK_EXIT_CODE >>"$OUT"', limitSeconds = 30) {
      const script = here(teardownScript('ENV_FILE', limitSeconds, path('message')))
      const child = spawn(program, [...rest, '-c', script, 'jobhook', teardown, ...command], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      running.push(child)
      return child
    },
    // As the kubelet does: the hook, and when it has returned, SIGTERM to the container's first process.
    stop(waitSeconds = 15) {
      const hook = spawnSync(program, [...rest, '-c', here(preStopScript(waitSeconds))], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      assert.equal(hook.status, 0, String(hook.stderr))
      running.at(-1)?.kill('SIGTERM')
    },
    async end(child) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
      return child.exitCode
    },
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!holds()) {
    assert.ok(Date.now() < deadline, `waited too long for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const task = (text: string) => ['sh', '-c', text]

for (const [name, ...shell] of shells) {
  test(`${name}: a command that ends by itself is followed by one teardown, and keeps its exit code`, async () => {
    const { run, end, text } = box(shell)
    assert.equal(await end(run(task('echo task >>"$OUT"; exit 3'))), 3)
    assert.equal(text('out'), 'task\nteardown 3\n')
    assert.equal(text('message'), '')
  })

  test(`${name}: a stop ends the command, then one teardown runs`, async () => {
    const { run, stop, end, text, path } = box(shell)
    const child = run(task('trap \'echo asked >>"$OUT"; exit 7\' TERM; : >"$OUT"; while :; do sleep 0.05; done'))
    await until('the task', () => existsSync(path('out')))
    stop()
    assert.equal(await end(child), 7)
    assert.equal(text('out'), 'asked\nteardown 7\n')
  })

  test(`${name}: a command without a handler ends by the signal, with 143`, async () => {
    const { run, stop, end, text, path } = box(shell)
    const child = run(['sleep', '60'])
    let log = ''
    child.stderr?.on('data', (chunk) => {
      log += chunk
    })
    await until('the task', () => existsSync(path('state/pid')) && readFileSync(path('state/pid'), 'utf8').endsWith('\n'))
    stop()
    assert.equal(await end(child), 143)
    assert.equal(text('out'), 'teardown 143\n')
    assert.equal(log, '', 'the shells say nothing of their own')
  })

  test(`${name}: a command that ignores SIGTERM is killed in time for the teardown`, async () => {
    const { run, stop, end, text, path } = box(shell)
    const child = run(task('trap "" TERM; : >"$OUT"; while :; do sleep 0.05; done'))
    await until('the task', () => existsSync(path('out')))
    stop(1)
    assert.equal(await end(child), 137)
    assert.equal(text('out'), 'teardown 137\n')
  })

  test(`${name}: a stop before the command has started is not lost`, async () => {
    const { run, stop, end, text } = box(shell)
    stop()
    assert.equal(await end(run(task('echo task >>"$OUT"'))), 143)
    assert.equal(text('out'), 'teardown 143\n')
  })

  test(`${name}: a stop during the teardown neither repeats nor cuts it`, async () => {
    const { run, stop, end, text, path } = box(shell)
    const child = run(task('exit 5'), 'echo begin >>"$OUT"; while [ ! -e "$OUT.go" ]; do sleep 0.05; done; echo end >>"$OUT"')
    await until('the teardown', () => text('out') === 'begin\n')
    stop()
    stop()
    writeFileSync(path('out.go'), '')
    assert.equal(await end(child), 5)
    assert.equal(text('out'), 'begin\nend\n')
  })

  test(`${name}: a teardown that fails is told beside the task’s own message and exit code`, async () => {
    const { run, end, text, path } = box(shell)
    const child = run(task(`printf '{"a":1}' >"${path('message')}"; exit 0`), 'exit 9')
    let log = ''
    child.stderr?.on('data', (chunk) => {
      log += chunk
    })
    assert.equal(await end(child), 0)
    assert.equal(text('message'), '{"a":1}\njobhook: teardown_command ended with exit code 9\n')
    await until('the log', () => log === 'jobhook: teardown_command ended with exit code 9\n')
  })

  test(`${name}: a teardown that hangs is killed at its limit`, async () => {
    const { run, end, text } = box(shell)
    assert.equal(await end(run(task('exit 0'), 'exec sleep 60', 1)), 0)
    assert.equal(text('message'), '\njobhook: teardown_command ended with exit code 137\n')
  })

  test(`${name}: a command that is not there ends with 127, and the teardown still runs`, async () => {
    const { run, end, text } = box(shell)
    assert.equal(await end(run(['/no/such/command'])), 127)
    assert.equal(text('out'), 'teardown 127\n')
  })

  test(`${name}: the environment file is set for the command and the teardown`, async () => {
    const { run, end, text, path } = box(shell)
    writeFileSync(path('env'), 'FROM_SETUP="a b"\n')
    assert.equal(await end(run(task('echo "$FROM_SETUP" >>"$OUT"'), 'echo "$FROM_SETUP" again >>"$OUT"')), 0)
    assert.equal(text('out'), 'a b\na b again\n')
  })

  test(`${name}: arguments arrive as they are, and SIGINT is as in any container`, async () => {
    const { run, end, text } = box(shell)
    const odd = ['', 'a b', '$(x)', '*', '"', "'", '\\', 'two\nlines', '-n']
    const print = [
      'process.once("SIGINT", () => { require("fs").writeFileSync(process.env.OUT, JSON.stringify(process.argv.slice(1))); process.exit(0) })',
      'setTimeout(() => process.exit(1), 20000)',
      'process.kill(process.pid, "SIGINT")',
    ].join('\n')
    assert.equal(await end(run([process.execPath, '-e', print, '--', ...odd], 'true')), 0)
    assert.deepEqual(JSON.parse(text('out')), odd)
  })

  test(`${name}: the entry without teardown becomes the command`, () => {
    const { path, dir } = box(shell)
    writeFileSync(path('env'), 'A=1\nB="x y"\n')
    const [program = '', ...rest] = shell
    const script = [...rest, '-c', entryScript('ENV_FILE'), 'jobhook', 'sh', '-c', 'echo "$A $B $1"; exit 4', 'sh', '$(z)']
    const done = spawnSync(program, script, { env: { HOME: dir, PATH: process.env.PATH, ENV_FILE: path('env') }, encoding: 'utf8' })
    assert.equal(done.stdout, '1 x y $(z)\n')
    assert.equal(done.status, 4)
    const without = spawnSync(program, script, {
      env: { HOME: dir, PATH: process.env.PATH, ENV_FILE: join(dir, 'none') },
      encoding: 'utf8',
    })
    assert.equal(without.stdout, '  $(z)\n')
  })

  test(`${name}: a sidecar’s files are copied whole, without what the node mounts and without secrets`, () => {
    const { dir, path } = box(shell)
    const image = path('image')
    const target = path('image/.jobhook-target')
    for (const folder of [
      'bin',
      'proc/1',
      'sys',
      'dev',
      'run/secrets/x',
      'run/app',
      'var/run/secrets',
      'var/lib',
      '.hidden',
      '..odd',
      'a b',
      '.jobhook-target',
    ]) {
      mkdirSync(join(image, folder), { recursive: true })
    }
    for (const file of [
      'bin/tool',
      'proc/1/x',
      'dev/null',
      'run/secrets/token',
      'run/app/sock.txt',
      'var/run/pid',
      'var/run/secrets/t',
      'var/lib/db',
      '.dockerenv',
      '.hidden/f',
      '..odd/f',
      'a b/*',
    ]) {
      writeFileSync(join(image, file), file)
    }
    chmodSync(join(image, 'bin/tool'), 0o755)
    symlinkSync('bin', join(image, 'sbin'))
    symlinkSync('/nowhere', join(image, 'dangling'))
    const [program = '', ...rest] = shell
    const done = spawnSync(program, [...rest, '-c', copyScript(image, target)], { encoding: 'utf8', cwd: dir })
    assert.equal(done.status, 0, done.stderr)
    const copied = readdirSync(target, { recursive: true, encoding: 'utf8' }).sort()
    const folders = ['..odd', '.hidden', 'a b', 'bin', 'run', 'run/app', 'var', 'var/lib', 'var/run']
    const files = ['..odd/f', '.hidden/f', 'a b/*', 'bin/tool', 'run/app/sock.txt', 'var/lib/db', 'var/run/pid']
    assert.deepEqual(copied, [...folders, ...files, 'dangling', 'sbin', 'sbin/tool'].sort())
    assert.ok(lstatSync(join(target, 'sbin')).isSymbolicLink())
    assert.equal(lstatSync(join(target, 'bin/tool')).mode & 0o111, 0o111)
  })

  test(`${name}: links in place of run and var are copied as links`, () => {
    const { dir, path } = box(shell)
    const image = path('image')
    mkdirSync(join(image, '.jobhook-target'), { recursive: true })
    mkdirSync(join(image, 'data'))
    symlinkSync('data', join(image, 'var'))
    symlinkSync('data', join(image, 'run'))
    const [program = '', ...rest] = shell
    const done = spawnSync(program, [...rest, '-c', copyScript(image, join(image, '.jobhook-target'))], { encoding: 'utf8', cwd: dir })
    assert.equal(done.status, 0, done.stderr)
    assert.deepEqual(readdirSync(join(image, '.jobhook-target')).sort(), ['data', 'run', 'var'])
  })

  test(`${name}: a copy that fails is a failure`, () => {
    const { dir, path } = box(shell)
    mkdirSync(path('image/bin'), { recursive: true })
    const [program = '', ...rest] = shell
    assert.notEqual(spawnSync(program, [...rest, '-c', copyScript(path('image'), join(dir, 'no/such/target'))]).status, 0)
  })
}

test('Kubernetes hands a hook’s command over as it is: the script holds nothing that would be expanded elsewhere', () => {
  assert.equal(kubernetesExpands(preStopScript(15)), preStopScript(15))
})
