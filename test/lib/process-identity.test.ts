// Whether the process that a name was given to has ended, asked of real processes.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { hasEnded, processIdentity } from '../../src/lib/process-identity.ts'

const MODULE = join(import.meta.dirname, '../../src/lib/process-identity.ts')
const skip = process.platform === 'linux' ? false : 'only Linux tells when a process was started'

async function start(): Promise<{ child: ChildProcess; identity: string }> {
  const code = `import { processIdentity } from ${JSON.stringify(MODULE)}; console.log(processIdentity()); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [chunk] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer]
  return { child, identity: chunk.toString('utf8').trim() }
}

test('a process lives under its name until it is killed, and from then on is known to have ended', { skip }, async () => {
  const { child, identity } = await start()
  assert.equal(hasEnded(identity), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(hasEnded(identity), true)
})

test('another process that was given the same number is not taken for it', { skip }, () => {
  const own = processIdentity()
  assert.equal(hasEnded(own), false)
  const earlier = own.replace(/-\d+-([0-9a-f]+)$/, '-1-$1')
  assert.equal(hasEnded(earlier), true)
})

test('of a name from another machine, a Pod’s name, or anything else nothing is known', { skip }, () => {
  const elsewhere = processIdentity()
    .replace(/[0-9a-f]{12}$/, '0123456789ab')
    .replace(/-\d+-/, '-999999-')
  for (const name of [elsewhere, 'jobhook-5d9c7b-x2x4z', 'laptop-1a2b3c4d', '']) assert.equal(hasEnded(name), false, name)
})
