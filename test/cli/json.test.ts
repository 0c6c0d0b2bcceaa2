// --json of the commands that need a running service: what a script gets, each value on a line of its own.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CALLBACK_SECRET, freshWorkerId, type Jobhook, startJobhook, TOKEN, WEBHOOK_SECRET } from '../support/jobhook.ts'
import { run } from './command.ts'

const worker = freshWorkerId('json')
let jobhook: Jobhook
let home: string
let env: Record<string, string>

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'jobhook-json-'))
  jobhook = await startJobhook({
    worker_id: worker,
    cluster: 'embedded',
    backend: { kubernetes: { default_image: 'local' } },
    callback: { url: 'http://127.0.0.1:1/', secrets: [CALLBACK_SECRET], schedule: [0, 3600, 3600, 3600] },
    embedded: { kubeconfig_file: join(home, 'kubeconfig') },
  })
  env = { JOBHOOK_URL: jobhook.url, JOBHOOK_TOKEN: TOKEN, XDG_CONFIG_HOME: home }
  assert.equal((await run(['submit', '--task-id', 'owed', '--wait', '--', '/bin/sh', '-c', 'exit 0'], { env })).code, 0)
})
after(async () => {
  await jobhook?.stop()
  rmSync(home, { recursive: true, force: true })
})

test('deliveries prints one report a line; a replay what was opened again', async () => {
  const listed = await run(['deliveries', '--json'], { env })
  assert.deepEqual([JSON.parse(listed.out).task_id, JSON.parse(listed.out).state], ['owed', 'owed'])
  assert.equal(JSON.parse((await run(['deliveries', 'replay', 'owed', '--json'], { env })).out).task_id, 'owed')
  assert.deepEqual(JSON.parse((await run(['deliveries', 'replay', '--since', '1h', '--json'], { env })).out), { replayed: [], failed: [] })
})

test('try prints its steps and whether it went well, also when it did not', async () => {
  writeFileSync(join(home, 'secret'), WEBHOOK_SECRET)
  const args = ['try', '--secret-file', join(home, 'secret'), '--heartbeat', '--json', '--url']
  const good = await run([...args, `${jobhook.url}/v1/webhook`])
  assert.deepEqual(JSON.parse(good.out), { ok: true, steps: ['the service took a signed heartbeat'], problem: null })
  const bad = await run([...args, `${jobhook.url}/v1/nowhere`])
  assert.equal(bad.code, 1)
  assert.match(JSON.parse(bad.out).problem, /answered 404/)
})

test('release prints each Job that it lets go, or would', async () => {
  const args = ['release', '--worker-id', worker, '--namespace', 'default', '--kubeconfig', join(home, 'kubeconfig'), '--dry-run', '--json']
  const { code, out, err } = await run(args)
  assert.equal(code, 0, err)
  const { job, task_id: task, problem } = JSON.parse(out)
  assert.match(job, /^task-owed-/)
  assert.deepEqual([task, problem], ['owed', null])
  assert.match(err, /1 Job would be let go/)
})
