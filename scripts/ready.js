// Makes the checkout ready to run: installs what package-lock.json says when node_modules is missing or stale, then checks the Node that
// npm scripts run on. Plain JavaScript without dependencies, because it runs on whatever Node the machine has (20 or newer).
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.jobhook-installed')
const localNode = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
const minimum = [22, 19]

function fail(message) {
  console.error(`jobhook: ${message}`)
  process.exit(1)
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

function installed() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockHash()
}

if (!installed()) {
  console.error('jobhook: installing dependencies (npm ci), once')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (npm.error) fail(`could not run npm: ${npm.error.message}. Install Node.js 20 or newer with npm, then try again.`)
  if (npm.status !== 0) fail('npm ci failed (its message is above). Check that the npm registry is reachable, then try again.')
  writeFileSync(stampFile, lockHash())
}

let version
try {
  version = execFileSync(localNode, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
} catch {
  fail(
    'node_modules/.bin/node does not run: the npm package "node" was installed without its binary (was npm told --ignore-scripts?). Remedy: rm -rf node_modules && npm ci',
  )
}
const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
  fail(`node_modules/.bin/node is ${version}, but ${minimum.join('.')} or newer is needed. Remedy: rm -rf node_modules && npm ci`)
}

// npm links the commands of dependencies, not this package’s own. With it, "jobhook" works for whoever puts node_modules/.bin on the PATH, and "npx jobhook"
// finds it there instead of making a copy of its own.
const command = join(modules, '.bin', 'jobhook')
if (process.platform !== 'win32' && !existsSync(command)) {
  try {
    symlinkSync(join('..', '..', 'bin', 'jobhook.js'), command)
  } catch {
    // a script that ran at the same moment was first, or node_modules is read-only: npx still works
  }
}

// With arguments: runs them on that Node. Not by "&& node …" in the script: a shell that has looked node up once, before it was installed, keeps the old one.
const [script, ...args] = process.argv.slice(2)
if (script !== undefined) {
  const path = [join(modules, '.bin'), process.env.PATH].join(process.platform === 'win32' ? ';' : ':')
  // TypeScript whose types are stripped once: a run of the tests starts some hundred processes of the same files.
  const cache = { NODE_COMPILE_CACHE: join(modules, '.cache', 'jobhook-compiled') }
  const child = spawn(localNode, [script, ...args], { stdio: 'inherit', env: { ...cache, ...process.env, PATH: path } })
  // Ctrl-C reaches the child from the terminal; a signal sent to this process alone is passed on. Either way the child decides when it is over.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`could not start ${localNode}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}
