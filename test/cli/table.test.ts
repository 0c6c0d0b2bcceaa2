// The table of commands as a whole: what every command promises, and what the shells complete.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { exitRows, readArguments } from '../../src/cli/options.ts'
import { COMMANDS } from '../../src/cli/table.ts'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { run } from './command.ts'

const commands = await Promise.all(Object.entries(COMMANDS).map(async ([name, entry]) => ({ name, entry, ...(await entry.load()) })))

for (const { name, entry, spec } of commands) {
  test(`${name} is called the same in the list, in its help and in the documentation`, () => {
    assert.equal(spec.name, name)
    assert.equal(spec.summary, entry.summary)
    const help = readArguments(spec, ['--help'])
    assert.equal(help.kind, 'help')
    if (help.kind !== 'help') return
    assert.ok(help.text.startsWith(`${spec.summary}\n\nUsage: jobhook ${name} `), help.text)
    for (const [code] of exitRows(spec)) assert.match(help.text, new RegExp(`^  ${code} +[A-Z]`, 'm'))
  })

  test(`${name} prints JSON on request, or says why it does not`, () => {
    assert.notEqual('json' in spec.options, spec.notJson !== undefined)
  })

  test(`${name}: every option of the usage line exists, and every sentence ends`, () => {
    for (const [, option = ''] of spec.usage.matchAll(/--([a-z][a-z0-9-]+)/g)) assert.ok(option in spec.options, option)
    for (const text of [spec.summary, ...Object.values(spec.options).map(({ description }) => description), ...exitRows(spec).flat()])
      assert.match(text, /[.\d}]$|^other$|Default:? [^ ]+$|environment variable/, text)
  })
}

/** Commands that need neither a service nor a cluster; the others are asked for JSON beside their own tests. */
const message = '{"type":"task_assignment","data":{"task_id":"t-1","docker_image":"busybox","command":["true"]}}'
const alone: [args: string[], input: string, keys: string[]][] = [
  [['keys', '--json'], '', ['secret']],
  [['keys', '--ed25519', '--json'], '', ['private_key', 'public_key']],
  [['sign', '-', '--secret', generateSecret(), '--json'], message, ['url', 'headers']],
  [['render', '-', '--json'], message, ['apiVersion', 'kind', 'items']],
  [['config', 'print', '--json'], '', ['settings']],
  [['serve', '--check', '--json'], '', ['ok', 'problems', 'warnings', 'meaning']],
]
test('--json prints one JSON value and nothing else', async () => {
  await Promise.all(
    alone.map(async ([args, input, keys]) => {
      const { code, out, err } = await run(args, {
        input,
        env: { JOBHOOK_WORKER_ID: 'w1', JOBHOOK_WEBHOOK__SECRETS: `[${generateSecret()}]` },
      })
      assert.equal(code, 0, err)
      assert.deepEqual(Object.keys(JSON.parse(out)), keys)
    }),
  )
})

test('serve --check --json gives the problems as JSON, too', async () => {
  const { code, out } = await run(['serve', '--check', '--json'], { env: { JOBHOOK_WORKER_ID: 'w1', JOBHOOK_LISTNE: 'x' } })
  assert.equal(code, 1)
  assert.match(JSON.parse(out).problems[0].detail, /did you mean JOBHOOK_LISTEN\?/)
})

test('bash completes commands, their options and their words, by the script that completion prints', async () => {
  const { code, out } = await run(['completion', 'bash'])
  assert.equal(code, 0)
  const complete = (...words: string[]): string[] => {
    const array = ['jobhook', ...words].map((word) => `'${word}'`).join(' ')
    const script = `${out}\nCOMP_WORDS=(${array}); COMP_CWORD=${words.length}; _jobhook; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n')
  }
  assert.deepEqual(
    complete('de'),
    ['demo', 'deliveries'].toSorted((a, b) => Object.keys(COMMANDS).indexOf(a) - Object.keys(COMMANDS).indexOf(b)),
  )
  assert.deepEqual(complete('logs', '--fo'), ['--follow'])
  assert.deepEqual(complete('deliveries', 're'), ['replay'])
  assert.match((await run(['completion', 'fish'])).out, /^complete -c jobhook -n '__fish_seen_subcommand_from logs' -l follow -s f /m)
  assert.match((await run(['completion', 'csh'])).err, /"csh" is none of bash, zsh, fish/)
})
