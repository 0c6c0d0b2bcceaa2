/** Contract: pods/log: whole, in part, followed, and refused while there is nothing to read. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assertStatus,
  corePath,
  create,
  job,
  jobsPath,
  needsContainers,
  untilFinished,
  untilGone,
  untilPod,
  untilRunning,
} from './helpers.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
before(async () => {
  target = await openTarget()
})
after(() => target.close())

function log(pod: string, query = '') {
  return target.call('GET', `${corePath(target, 'pods', pod)}/log${query === '' ? '' : `?${query}`}`, { accept: '*/*' })
}

async function finishedPod(name: string, script: string): Promise<string> {
  await create(target, jobsPath(target), job(target, name, { command: ['sh', '-c', script] }))
  await untilFinished(target, name)
  const pod = await untilPod(target, name, 'ended', (item) => item.status.containerStatuses?.[0]?.state.terminated !== undefined)
  return pod.metadata.name
}

test('the log of a Pod that is not there is 404', async () => {
  const answer = await log('nowhere')
  assertStatus(answer, 404, 'NotFound')
  assert.equal(answer.body.message, 'pods "nowhere" not found')
})

test('a finished container: whole, the last lines, the first bytes, the first bytes of the last lines', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = await finishedPod('log-parts', 'seq 1 100')
  const lines = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('')
  const whole = await log(pod)
  assert.equal(whole.status, 200)
  assert.match(String(whole.headers['content-type']), /^text\/plain/)
  assert.equal(whole.text, lines(1, 100))
  assert.equal((await log(pod, 'tailLines=3')).text, lines(98, 100))
  assert.equal((await log(pod, 'tailLines=0')).text, '')
  assert.equal((await log(pod, 'limitBytes=5')).text, '1\n2\n3')
  assert.equal((await log(pod, 'tailLines=2&limitBytes=4')).text, '99\n1')
  assert.equal((await log(pod, 'container=task')).text, lines(1, 100))
})

test('standard output and standard error come merged, a last line without a newline as it is', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = await finishedPod('log-merged', 'echo out; echo err >&2; sleep 0.2; printf end')
  const { text } = await log(pod)
  assert.deepEqual(text.split('\n').sort(), ['end', 'err', 'out'])
  assert.ok(text.endsWith('\nend'))
})

test('timestamps stand before each line; sinceTime cuts', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = await finishedPod('log-times', 'echo one; sleep 1.2; echo two')
  const { text } = await log(pod, 'timestamps=true')
  const [first, second] = text.trimEnd().split('\n')
  assert.match(first ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z one$/)
  const at = (second ?? '').split(' ')[0] ?? ''
  assert.equal((await log(pod, `sinceTime=${encodeURIComponent(at)}`)).text, 'two\n')
  assert.equal((await log(pod, 'sinceSeconds=3600')).text, 'one\ntwo\n')
})

test('follow gives lines as they come and ends with the container', async (t) => {
  if (!needsContainers(t, target)) return
  await create(target, jobsPath(target), job(target, 'log-follow', { command: ['sh', '-c', 'echo begin; sleep 2; echo end'] }))
  const pod = await untilRunning(target, 'log-follow')
  const stream = await target.stream(`${corePath(target, 'pods', pod.metadata.name)}/log?follow=true`, { accept: '*/*' })
  assert.equal(await stream.line(), 'begin')
  assert.equal(await stream.line(), 'end')
  assert.equal(await stream.line(), null)
})

test('a container that waits has no log: 400 says what it waits for', async (t) => {
  if (!needsContainers(t, target)) return
  const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'not-there', key: 'a' } } }]
  await create(target, jobsPath(target), job(target, 'log-waiting', { container: { env } }))
  const pod = await untilPod(
    target,
    'log-waiting',
    'waiting',
    (item) => item.status.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError',
  )
  const answer = await log(pod.metadata.name)
  assertStatus(answer, 400, 'BadRequest')
  assert.equal(answer.body.message, `container "task" in pod "${pod.metadata.name}" is waiting to start: CreateContainerConfigError`)
})

test('a container that is none of the Pod is 400', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = await finishedPod('log-other', 'echo x')
  const answer = await log(pod, 'container=other')
  assertStatus(answer, 400, 'BadRequest')
  assert.equal(answer.body.message, `container other is not valid for pod ${pod}`)
})

test('the log of a previous start that never was is 400', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = await finishedPod('log-previous', 'echo x')
  const answer = await log(pod, 'previous=true')
  assertStatus(answer, 400, 'BadRequest')
  assert.equal(answer.body.message, `previous terminated container "task" in pod "${pod}" not found`)
})

test('with several containers one has to be named', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = {
    containers: ['a', 'b'].map((name) => ({
      name,
      image: target.image,
      imagePullPolicy: 'IfNotPresent',
      command: ['sh', '-c', `echo ${name}`],
    })),
  }
  await create(target, jobsPath(target), job(target, 'log-two', { pod }))
  await untilFinished(target, 'log-two')
  const found = await untilPod(target, 'log-two', 'ended', () => true)
  const answer = await log(found.metadata.name)
  assertStatus(answer, 400, 'BadRequest')
  assert.equal(answer.body.message, `a container name must be specified for pod ${found.metadata.name}, choose one of: [a b]`)
  assert.equal((await log(found.metadata.name, 'container=b')).text, 'b\n')
})

test('a log goes with its Pod', async (t) => {
  if (!needsContainers(t, target)) return
  const pod = await finishedPod('log-gone', 'echo x')
  await target.call('DELETE', jobsPath(target, 'log-gone'), { body: { propagationPolicy: 'Foreground' } })
  await untilGone(target, corePath(target, 'pods', pod))
  assertStatus(await log(pod), 404, 'NotFound')
})
