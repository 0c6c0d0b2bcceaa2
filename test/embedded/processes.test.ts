/** Commands as processes of this machine: what they see, how they end, and that nothing of them stays. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import { hasEnded, isAlive, isRunning, JOBS, job, logOf, PODS, type Started, start, until, untilPod } from './start.ts'

let started: Started
before(async () => {
  process.env.EMBEDDED_TEST_SECRET = 'must-not-leak'
  started = await start({ logLimitBytes: 64 * 1024, maxPods: 4 })
})
after(async () => {
  delete process.env.EMBEDDED_TEST_SECRET
  await started.cluster.close()
})

test('a command sees PATH, HOME, TMPDIR and LANG of this process, and nothing else of its environment', async () => {
  await started.call('POST', JOBS, job('environment', ['env'], { env: [{ name: 'GIVEN', value: 'yes' }] }))
  const names = (await logOf(started, 'environment'))
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0])
  const allowed = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'HOSTNAME', 'GIVEN']
  assert.deepEqual(
    names.filter((name) => !allowed.includes(name ?? '')),
    [],
  )
  assert.ok(names.includes('GIVEN') && names.includes('PATH'))
})

test('a command does not start in the folder of this process, and its folder goes with its Pod', async () => {
  await started.call('POST', JOBS, job('folder', ['pwd']))
  const folder = (await logOf(started, 'folder')).trim()
  assert.ok(folder.startsWith(tmpdir()))
  assert.notEqual(folder, process.cwd())
  await started.call('DELETE', `${JOBS}/folder`, { propagationPolicy: 'Background' })
  await until('the folder to go', () => {
    try {
      readdirSync(folder)
      return null
    } catch {
      return true
    }
  })
})

test('an emptyDir is a folder of its own: workingDir leads there, and a variable names it', async () => {
  const spec = {
    restartPolicy: 'Never',
    volumes: [{ name: 'my-work', emptyDir: {} }],
    containers: [
      {
        name: 'task',
        image: 'any:1',
        command: ['sh', '-c', 'echo made > file; cat "$EMBEDDED_VOLUME_MY_WORK/sub/file"'],
        workingDir: '/work/sub',
        volumeMounts: [{ name: 'my-work', mountPath: '/work' }],
      },
    ],
  }
  await started.call('POST', JOBS, { metadata: { name: 'volume' }, spec: { template: { spec } } })
  assert.equal(await logOf(started, 'volume'), 'made\n')
})

test('a Secret volume is files that only the owner can read', async () => {
  await started.call('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'files' }, stringData: { token: 's3cret' } })
  const spec = {
    restartPolicy: 'Never',
    volumes: [{ name: 'creds', secret: { secretName: 'files' } }],
    containers: [
      {
        name: 'task',
        image: 'any:1',
        command: ['sh', '-c', 'cat token; stat -c %a token'],
        workingDir: '/creds',
        volumeMounts: [{ name: 'creds', mountPath: '/creds' }],
      },
    ],
  }
  await started.call('POST', JOBS, { metadata: { name: 'secret-volume' }, spec: { template: { spec } } })
  assert.equal(await logOf(started, 'secret-volume'), 's3cret600\n')
})

test('an image without command and args cannot start: there are no images here', async () => {
  await started.call('POST', JOBS, {
    metadata: { name: 'image-only' },
    spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'task', image: 'nginx' }] } } },
  })
  const pod = await untilPod(started, 'image-only', hasEnded)
  const { exitCode, reason, message } = pod.status.containerStatuses[0].state.terminated
  assert.deepEqual([exitCode, reason], [128, 'StartError'])
  assert.match(message, /no command specified: the embedded cluster runs commands, not images/)
})

test('when the main process ends, what it left in its process group is killed', async () => {
  await started.call('POST', JOBS, job('leaves-child', ['sh', '-c', 'sleep 1000 & echo $!']))
  const pid = Number((await logOf(started, 'leaves-child')).trim())
  assert.ok(pid > 1)
  await until('the child to end', () => (isAlive(pid) ? null : true))
})

test('a log keeps its newest half when it grows beyond its bound', async () => {
  await started.call('POST', JOBS, job('chatty', ['sh', '-c', 'seq 1 20000; echo the end']))
  const text = await logOf(started, 'chatty')
  assert.ok(text.endsWith('20000\nthe end\n'))
  assert.ok(Buffer.byteLength(text) < 64 * 1024)
  const lines = text.trim().split('\n').slice(0, -1).map(Number)
  assert.deepEqual(
    lines,
    Array.from({ length: lines.length }, (_, index) => 20000 - lines.length + 1 + index),
    'no line is missing in between',
  )
})

test('a full node leaves Pods Pending as Unschedulable, and takes them when there is room', async () => {
  for (let index = 0; index < 5; index += 1) await started.call('POST', JOBS, job(`full-${index}`, ['sleep', '1000']))
  const waiting = await until('a Pod that waits', async () => {
    const { body } = await started.call('GET', `${PODS}?fieldSelector=status.phase%3DPending`)
    return body.items.find(
      (pod: { status: { conditions?: { reason?: string }[] } }) => pod.status.conditions?.[0]?.reason === 'Unschedulable',
    )
  })
  assert.match(waiting.status.conditions[0].message, /0\/1 nodes are available: 1 Too many pods/)
  const name = waiting.metadata.labels['job-name']
  const other = name === 'full-0' ? 'full-1' : 'full-0'
  await started.call('DELETE', `${JOBS}/${other}`, { propagationPolicy: 'Background' })
  await untilPod(started, name, isRunning)
  for (let index = 0; index < 5; index += 1) await started.call('DELETE', `${JOBS}/full-${index}`, { propagationPolicy: 'Background' })
  await until('all to go', async () =>
    (await started.call('GET', `${PODS}?fieldSelector=status.phase%3DRunning`)).body.items.length === 0 ? true : null,
  )
})

test('close() ends every process, also those that ignore SIGTERM, and their children', async (t) => {
  const own = await start()
  t.after(own.cluster.close)
  await own.call(
    'POST',
    JOBS,
    job('stays', ['sh', '-c', 'trap "" TERM; sh -c "sleep 1000; true" & echo $!; sleep 1000 & echo $!; wait; sleep 1000']),
  )
  const pod = await untilPod(own, 'stays', isRunning)
  const pids = await until('both pids in the log', async () => {
    const { text } = await own.call('GET', `${PODS}/${pod.metadata.name}/log`)
    const found = text.trim().split('\n').map(Number)
    return found.length === 2 ? found : null
  })
  assert.deepEqual(pids.map(isAlive), [true, true])
  await own.cluster.close()
  for (const pid of pids) await until(`process ${pid} to end`, () => (isAlive(pid) ? null : true))
})

test('close() ends watches and followed logs', async (t) => {
  const own = await start()
  t.after(own.cluster.close)
  await own.call('POST', JOBS, job('followed', ['sh', '-c', 'echo x; sleep 1000']))
  const pod = await untilPod(own, 'followed', isRunning)
  const followed = own.call('GET', `${PODS}/${pod.metadata.name}/log?follow=true`).catch(() => null)
  const watched = own.call('GET', `${PODS}?watch=1`).catch(() => null)
  await own.cluster.close()
  await Promise.all([followed, watched])
})
