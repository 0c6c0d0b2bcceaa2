// The command line itself: help, version, suggestions, exit codes.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CommandSpec, readArguments, readDurationMs, readInteger } from '../../src/cli/options.ts'
import { run } from './command.ts'

test('without a command it explains itself and exits 2', async () => {
  const { code, out, err } = await run([])
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /Usage: jobhook COMMAND/)
})

test('--help lists every command and exits 0', async () => {
  const { code, out } = await run(['--help'])
  assert.equal(code, 0)
  for (const command of ['serve', 'demo', 'keys', 'sign', 'listen']) assert.match(out, new RegExp(`^ {2}${command} `, 'm'))
  assert.match(out, /^ {2}2 +The command line was wrong/m)
})

test('--version prints the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.deepEqual(await run(['--version']), { code: 0, out: `${version}\n`, err: '' })
})

test('a checkout has the command where npx and a PATH with node_modules/.bin find it (scripts/ready.js puts it there)', () => {
  const command = join(import.meta.dirname, '../../node_modules/.bin/jobhook')
  assert.match(execFileSync(command, ['--version'], { encoding: 'utf8' }), /^\d+\.\d+\.\d+/)
})

test('an unknown command is told with the nearest one and exits 2', async () => {
  const { code, err } = await run(['lisen'])
  assert.equal(code, 2)
  assert.match(err, /unknown command "lisen": did you mean "listen"\?/)
})

test('every command explains itself with --help, also when other arguments are wrong', async () => {
  for (const command of ['demo', 'listen']) {
    const { code, out } = await run([command, '--help', '--nonsense'])
    assert.equal(code, 0, command)
    assert.match(out, new RegExp(`Usage: jobhook ${command} `))
  }
})

test('an unknown option is told with the nearest one and exits 2', async () => {
  const { code, out, err } = await run(['listen', '--prot', '0'])
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /jobhook listen: unknown option --prot: did you mean --port\?/)
})

const spec: CommandSpec = {
  name: 'test',
  summary: 'For the test.',
  usage: 'FILE [--port PORT] [--fast]',
  positionals: { min: 0, max: 1 },
  options: {
    port: { value: 'PORT', description: 'A port.' },
    key: { value: 'KEY', multiple: true, description: 'A key.' },
    fast: { description: 'Fast.' },
  },
}
const mistakes: [argv: string[], message: RegExp][] = [
  [['--port'], /--port needs a value: --port PORT/],
  [['--port='], /--port needs a value/],
  [['--port', '--fast'], /--port needs a value/],
  [['--fast=yes'], /--fast takes no value/],
  [['--port', '1', '--port', '2'], /--port is given 2 times/],
  [['a', 'b'], /unexpected argument "b"/],
  [['-x'], /unknown option -x/],
  [['--fats'], /did you mean --fast\?/],
  [['--hlep'], /did you mean --help\?/],
  [['--constructor', 'x'], /unknown option --constructor/],
  [['--__proto__', 'x'], /unknown option --__proto__/],
]
for (const [argv, message] of mistakes) {
  test(`"${argv.join(' ')}" is a mistake that is explained`, () => {
    const read = readArguments(spec, argv)
    assert.match(read.kind === 'usage' ? read.message : read.kind, message)
  })
}

test('options are read: the last value, several values, switches, a value that begins with a dash, what follows --', () => {
  const read = readArguments(spec, ['--port=-1', '--key', 'a', '--key', 'b', '--fast', '--', '--file'])
  assert.equal(read.kind, 'run')
  if (read.kind !== 'run') return
  assert.equal(read.args.text('port'), '-1')
  assert.deepEqual(read.args.list('key'), ['a', 'b'])
  assert.equal(read.args.has('fast'), true)
  assert.deepEqual(read.args.positionals, ['--file'])
})

test('times and numbers are read strictly', () => {
  const times: [string, number | null][] = [
    ['2s', 2000],
    ['500ms', 500],
    ['1m', 60_000],
    ['3', 3000],
    ['0.5s', 500],
    ['2 s', null],
    ['s', null],
    ['-1s', null],
    ['1e3', null],
  ]
  for (const [text, expected] of times) assert.equal(readDurationMs(text), expected, text)
  for (const text of ['', '1.0', '0x1', '-1', '99', ' 5']) assert.equal(readInteger(text, 0, 10), null, text)
  assert.equal(readInteger('10', 0, 10), 10)
})
