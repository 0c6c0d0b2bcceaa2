// What is published: the right files, and a command line and a library that work where Node refuses TypeScript. No registry is asked; the
// same with npm itself and older Nodes is in install.npm.ts.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { after, before, test } from 'node:test'
import { startEmbedded } from '../../src/embedded/index.ts'
import { sendWebhook, shellTask, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { until } from '../support/wait.ts'
import { installOffline, type PackedPackage, packageVersion, packCheckout, ROOT, temporaryFolder } from './tree.ts'

const folder = temporaryFolder()
let packed: PackedPackage
let bin: string

before(() => {
  packed = packCheckout(folder)
  bin = join(installOffline(packed, join(folder, 'app')), 'node_modules', 'jobhook', 'bin', 'jobhook.js')
})
after(() => rmSync(folder, { recursive: true, force: true }))

const jobhook = (...args: string[]): string =>
  execFileSync(process.execPath, [bin, ...args], { cwd: join(folder, 'app'), encoding: 'utf8', timeout: 100_000 })

test('the package holds compiled JavaScript with types, the licence and the API description, and no sources or tests', () => {
  for (const file of [
    'LICENSE',
    'README.md',
    'package.json',
    'openapi.yaml',
    'bin/jobhook.js',
    'dist/src/main.js',
    'dist/src/index.d.ts',
    'dist/src/ui/assets/app.css',
    'dist/src/ui/assets/page-tasks.js',
    'dist/src/ui/assets/html.js',
    'dist/src/ui/assets/icon.svg',
  ])
    assert.ok(packed.files.includes(file), `${file} is missing`)
  const odd = packed.files.filter(
    (file) => (/\.ts$/.test(file) && !file.endsWith('.d.ts')) || /^(test|src|chart|bench|scripts)\//.test(file),
  )
  assert.deepEqual(odd, [])
})

test('the installed command says its version', () => {
  assert.equal(jobhook('--version').trim(), packageVersion())
})

test('the installed command makes keys', () => {
  assert.match(jobhook('keys'), /whsec_/)
})

test('the installed command runs the demo to its end', () => {
  // Its exit code says that every task got exactly its verdict, once.
  jobhook('demo', '--plain')
})

test('the library can be embedded: createApp, loadConfig and the signatures are there, and nothing happens on import', () => {
  const script = "import('jobhook').then((jobhook) => console.log(Object.keys(jobhook).sort().join(' ')))"
  const names = execFileSync(process.execPath, ['-e', script], { cwd: join(folder, 'app'), encoding: 'utf8' })
    .trim()
    .split(' ')
  for (const name of ['createApp', 'loadConfig', 'createLog', 'systemClock', 'createSigner', 'createVerifier', 'VERSION'])
    assert.ok(names.includes(name), `${name} is not exported`)
})

test('a program that embeds it type-checks against the published types', () => {
  const program = `import { createApp, createLog, loadConfig, systemClock, type JobhookApp } from 'jobhook'
const loaded = loadConfig({ file: 'jobhook.yaml', env: {} })
if (!loaded.ok) throw new Error(loaded.problems.map(({ key, detail }) => key + detail).join())
const log = createLog({ level: 'info', workerId: loaded.config.worker_id })
const app: JobhookApp = createApp({ clock: systemClock, log }, { config: loaded.config, kubeconfig: { kind: 'default' }, identity: 'a', insecure: false, env: {} })
app.start()
// @ts-expect-error: the types are really there
app.strat()
`
  writeFileSync(join(folder, 'app', 'program.mts'), program)
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck', '--types', 'node', 'program.mts']
  execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), options, { cwd: join(folder, 'app'), stdio: ['ignore', 'inherit', 'inherit'] })
})

test('the program of docs/embedding.md serves webhooks and a route of its own, and ends on SIGTERM', async () => {
  const program = /```js\n(.*?)```/s.exec(readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8'))?.[1] ?? ''
  const cwd = join(folder, 'app')
  writeFileSync(join(cwd, 'embed.mjs'), program)
  const settings = { worker_id: 'embedded-in', webhook: { secrets: [WEBHOOK_SECRET] }, backend: { kubernetes: { default_image: 'local' } } }
  writeFileSync(join(cwd, 'jobhook.yaml'), JSON.stringify(settings))
  const kubeconfig = join(folder, 'kubeconfig')
  const cluster = await startEmbedded({ kubeconfigFile: kubeconfig })
  const env = { PATH: process.env.PATH, KUBECONFIG: kubeconfig, PORT: '0', DRAIN_MS: '1' }
  const child = spawn(process.execPath, ['embed.mjs'], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  try {
    let url = ''
    for await (const line of createInterface(child.stdout)) {
      if (line.startsWith('http://')) url = line
      if (url !== '') break
    }
    child.stdout.resume()
    assert.deepEqual(await (await fetch(`${url}/mine`)).json(), { worker: 'embedded-in' })
    await until('it is ready', async () => (await fetch(`${url}/readyz`)).ok)
    assert.equal((await sendWebhook(url, shellTask('through-the-library', 'exit 0'))).status, 202)
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  } finally {
    child.kill('SIGKILL')
    await cluster.close()
  }
})
