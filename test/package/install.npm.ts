// `npm run test:package`: the tarball installed by npm itself on the oldest Node that is supported, the one before this and this; and the
// Dockerfile's steps without Docker, the result started as another user on a read-only tree. Needs the npm registry (or its cache).
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { buildWithoutDocker } from './dockerfile.ts'
import { type PackedPackage, packageVersion, packCheckout, ROOT, temporaryFolder } from './tree.ts'

const NODES = ['22.19.0', '24', '26']
const NPM_OPTIONS = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
const folder = temporaryFolder()
let packed: PackedPackage

before(() => {
  packed = packCheckout(folder)
})
after(() => {
  execFileSync('chmod', ['-R', 'u+w', folder])
  rmSync(folder, { recursive: true, force: true })
})

/** The folder of a Node's binary, from the npm package `node`. */
function installNode(version: string): string {
  const place = join(folder, `node-${version}`)
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
  execFileSync('npm', ['install', ...NPM_OPTIONS, `node@${version}`], { cwd: place, stdio: ['ignore', 'ignore', 'inherit'] })
  return join(place, 'node_modules', 'node', 'bin')
}

for (const version of NODES) {
  test(`the tarball, installed by npm in an empty folder, runs on Node ${version}: version, keys, demo`, { timeout: 140_000 }, () => {
    const nodeFolder = installNode(version)
    const app = join(folder, `app-${version}`)
    mkdirSync(app)
    writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true }))
    const env = { ...process.env, PATH: `${nodeFolder}:${process.env.PATH}` }
    execFileSync('npm', ['install', ...NPM_OPTIONS, packed.tarball], { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] })
    const npx = (...args: string[]): string =>
      execFileSync(join(app, 'node_modules', '.bin', 'jobhook'), args, { cwd: app, env, encoding: 'utf8', timeout: 90_000 })
    const actual = execFileSync('node', ['--version'], { env, encoding: 'utf8' })
    assert.ok(actual.startsWith(`v${version}`), `node is ${actual}`)
    assert.equal(npx('--version').trim(), packageVersion())
    assert.match(npx('keys'), /whsec_/)
    npx('demo', '--plain')
  })
}

test('the Dockerfile’s steps make a tree that another user can start, with nothing to write to and only production packages', {
  timeout: 140_000,
  skip: process.getuid?.() === 0 ? false : 'starting it as another user needs root',
}, async () => {
  const nodeFolder = join(process.execPath, '..')
  const image = buildWithoutDocker({ context: ROOT, folder, path: `${nodeFolder}:${process.env.PATH}` })
  const app = join(image.root, image.workdir)
  assert.match(image.user, /^[1-9]\d*:[1-9]\d*$/)
  assert.equal(image.labels['org.opencontainers.image.licenses'], 'Apache-2.0')
  assert.deepEqual(image.entrypoint, ['node', '--max-semi-space-size=8', '--heap-growing-percent=50', '/app/bin/jobhook.js'])
  for (const name of ['typescript', '@biomejs', 'fast-check', 'node'])
    assert.ok(!readdirSync(join(app, 'node_modules')).includes(name), `${name} is for development only`)
  assert.deepEqual(readdirSync(app).sort(), ['LICENSE', 'bin', 'dist', 'node_modules', 'openapi.yaml', 'package.json'])

  execFileSync('chmod', ['-R', 'a+rX,a-w', image.root])
  for (const path of [folder, image.root]) chmodSync(path, 0o755)
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    `worker_id: w1\nlisten: 127.0.0.1:0\nwebhook: { secrets: ["${generateSecret()}"] }\nbackend: { kubernetes: { kubeconfig: ${folder}/kubeconfig } }\n`,
  )
  writeFileSync(join(folder, 'kubeconfig'), KUBECONFIG)
  const [uid = 65_532, gid = 65_532] = image.user.split(':').map(Number)
  const readable = readableNode()
  const child = spawn(readable, [join(app, 'bin/jobhook.js'), 'serve', '--config', config], {
    uid,
    gid,
    cwd: app,
    env: { PATH: process.env.PATH, ...image.env, JOBHOOK_LISTEN: '127.0.0.1:0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  try {
    const url = await listening(child.stdout)
    assert.equal((await fetch(`${url}/livez`)).status, 200)
    assert.equal((await fetch(`${url}/readyz`)).status, 503) // no cluster there: alive, and not ready
    child.kill('SIGTERM')
    assert.equal(await exited, 0)
  } finally {
    child.kill('SIGKILL')
  }
})

const KUBECONFIG = `apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
current-context: none
`

/** A Node that any user may run: ours may lie in a folder that only its owner can enter. */
function readableNode(): string {
  const place = join(folder, 'bin')
  mkdirSync(place)
  cpSync(process.execPath, join(place, 'node'))
  chmodSync(join(place, 'node'), 0o755)
  return join(place, 'node')
}

/** The address from the log line that says it listens. */
async function listening(log: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of log) {
    text += String(chunk)
    const url = /"url":"(http:[^"]+)"/.exec(text)?.[1]
    if (url) return url
  }
  throw new Error(`it ended without listening:\n${text}`)
}
