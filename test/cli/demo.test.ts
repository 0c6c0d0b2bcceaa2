// The demo end to end, as another process: the example control plane, jobhook and the embedded cluster, 20 tasks.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createSigner } from '../../src/lib/standard-webhooks.ts'
import { run, start } from './command.ts'

const DEADLINE_MS = 20_000

test('the demo shows every task with its expected verdict and exits 0', async () => {
  const { code, out, err } = await run(['demo', '--timeout', '90'])
  assert.equal(code, 0, `${out}\n${err}`)
  assert.match(out, /20 of 20 tasks reported/)
  assert.match(out, /20 verdict ids in 21 verified deliveries \(1 repeated under the same id/)
  assert.match(out, /webhook → Job {3}p50 .* \(n=20\)/)
  assert.match(out, /Every task got its expected verdict, exactly once, under one id\./)
  assert.ok(!out.includes('\u001b'), 'no colours and no cursor movement where the output is no terminal')
})

test('the demo exits 1 and names the tasks when they are not reported in time', async () => {
  const { code, out } = await run(['demo', '--timeout', '1'])
  assert.equal(code, 1)
  assert.match(out, /Gave up after 1 s: .*t-\d\d has no verdict/)
  assert.match(out, /tasks did not end as promised:\n {2}t-/)
})

test('demo --keep leaves everything running with commands that work, until Ctrl-C ends and removes it all', async () => {
  const demo = start(['demo', '--keep', '--timeout', '90'])
  try {
    await demo.until((out) => out.includes('Ctrl-C ends everything'))
    const out = demo.out()
    const kubeconfig = /KUBECONFIG=(\S+)/.exec(out)?.[1] ?? ''
    const [, tokenFile = '', jobhook = ''] = /\$\(cat (\S+)\)" (http\S+)\/v1\/tasks/.exec(out) ?? []
    assert.ok(existsSync(kubeconfig) && existsSync(tokenFile))
    const page = /(http\S+\/ui)\n +cat (\S+)/.exec(out)
    assert.deepEqual(page?.slice(1), [`${jobhook}/ui`, tokenFile])
    assert.match(await (await fetch(`${jobhook}/ui`, { headers: { accept: 'text/html' } })).text(), /<h1>Log in<\/h1>/)
    const controlPlane = /curl -sS (http\S+)\/state/.exec(out)?.[1] ?? ''
    const assignment = { task_id: 'mine-1', command: ['/bin/echo'], args: ['hello'] }
    await fetch(`${controlPlane}/tasks`, { method: 'POST', body: JSON.stringify({ assignment }) })
    await eventually(async () => /"mine-1".*"kind":"completed"/s.test(await (await fetch(`${controlPlane}/state`)).text()))
    const forged = {
      'webhook-id': 'm',
      'webhook-timestamp': '1',
      'webhook-signature': createSigner([`whsec_${'A'.repeat(32)}`]).sign('m', 1, '{}'),
    }
    assert.equal(
      (await fetch(`${jobhook}/v1/webhook`, { method: 'POST', headers: { ...forged, 'content-type': 'application/json' }, body: '{}' }))
        .status,
      401,
    )

    demo.signal('SIGINT')
    const { code } = await demo.finished
    assert.equal(code, 0)
    assert.equal(existsSync(dirname(kubeconfig)), false)
    for (const url of [jobhook, controlPlane]) await assert.rejects(fetch(url), `${url} still answers`)
  } finally {
    demo.signal('SIGTERM')
    await demo.finished
  }
})

test('Ctrl-C in the middle ends all processes and leaves nothing behind', async () => {
  const demo = start(['demo'])
  try {
    await demo.until((out) => out.includes('running'))
    const urls = [...demo.out().matchAll(/http:\/\/[0-9.:]+[0-9]/g)].map(([url]) => url)
    assert.equal(urls.length, 2)
    demo.signal('SIGINT')
    assert.equal((await demo.finished).code, 1)
    for (const url of urls) await assert.rejects(fetch(url), `${url} still answers`)
  } finally {
    demo.signal('SIGTERM')
    await demo.finished
  }
})

async function eventually(check: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  while (!(await check())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${DEADLINE_MS} ms: ${check}`)
    await delay(50)
  }
}
