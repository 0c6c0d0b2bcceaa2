// The alert rules as Prometheus itself takes them: promtool reads them and runs chart/files/alerts.test.yaml. promtool is Debian's (package prometheus),
// unpacked into the cache and not installed; one that is on PATH goes first.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse, stringify } from 'yaml'

const FILES = join(import.meta.dirname, '../../chart/files')
const folder = mkdtempSync(join(tmpdir(), 'jobhook-alerts-'))
let promtool = ''

function run(command: string, args: string[], cwd = folder): { ok: boolean; output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  return { ok: status === 0, output: error ? error.message : stdout + stderr }
}

function findPromtool(): string {
  if (run('promtool', ['--version']).ok) return 'promtool'
  const cache = join(process.env.JOBHOOK_CACHE ?? join(homedir(), '.cache', 'jobhook'), 'promtool')
  const path = join(cache, 'usr/bin/promtool')
  if (existsSync(path)) return path
  mkdirSync(cache, { recursive: true })
  // Lists of packages are often left out of images.
  let got = run('apt-get', ['download', 'prometheus'])
  if (!got.ok && run('apt-get', ['update', '-qq']).ok) got = run('apt-get', ['download', 'prometheus'])
  const [archive = ''] = globSync('prometheus_*.deb', { cwd: folder })
  const unpacked = run('dpkg', ['-x', archive, cache])
  assert.ok(
    got.ok && unpacked.ok && existsSync(path),
    `promtool is not on PATH and cannot be had by "apt-get download prometheus": put it on PATH (it comes with Prometheus). ${got.output} ${unpacked.output}`,
  )
  return path
}

const withSelector = (text: string): string =>
  text.replaceAll('SELECTOR', 'namespace="jobhook", pod=~"jobhook-.+"').replaceAll('RUNBOOKS', 'https://docs.example/runbooks')

before(() => {
  promtool = findPromtool()
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('promtool finds nothing wrong with the rules', () => {
  writeFileSync(join(folder, 'all.yaml'), withSelector(readFileSync(join(FILES, 'alerts.yaml'), 'utf8')))
  const { ok, output } = run(promtool, ['check', 'rules', 'all.yaml'])
  assert.ok(ok, output)
  assert.match(output, /SUCCESS: 15 rules found/)
})

test('each alert fires when it should, and is silent when it should be', () => {
  const rules = parse(withSelector(readFileSync(join(FILES, 'alerts.yaml'), 'utf8')))
  for (const group of rules.groups) for (const rule of group.rules) delete rule.annotations
  writeFileSync(join(folder, 'rules.yaml'), stringify(rules))
  copyFileSync(join(FILES, 'alerts.test.yaml'), join(folder, 'alerts.test.yaml'))
  const { ok, output } = run(promtool, ['test', 'rules', 'alerts.test.yaml'])
  assert.ok(ok, output)

  // The tests can fail: with another threshold they do.
  const owed = rules.groups[0].rules.find(({ alert }: { alert: string }) => alert === 'JobhookVerdictsOwed')
  owed.expr = owed.expr.replace('> 900', '> 90000')
  writeFileSync(join(folder, 'rules.yaml'), stringify(rules))
  assert.match(run(promtool, ['test', 'rules', 'alerts.test.yaml']).output, /JobhookVerdictsOwed/)
})
