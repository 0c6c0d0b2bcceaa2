/** kubectl against the embedded cluster: the verbs people try in the first minute. Skipped, with the reason, where kubectl is not installed. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Started, start, temporaryFolder } from './start.ts'

const run = promisify(execFile)
const installed = await run('kubectl', ['version', '--client']).then(
  () => true,
  () => false,
)
const options = installed ? {} : { skip: 'kubectl is not on the PATH' }

const folder = temporaryFolder()
const kubeconfig = join(folder.path, 'kubeconfig')
const manifest = join(folder.path, 'job.json')
let started: Started
before(async () => {
  started = await start({ kubeconfigFile: kubeconfig })
})
after(async () => {
  await started.cluster.close()
  folder.remove()
})

const environment = { ...process.env, KUBECONFIG: kubeconfig, HOME: folder.path }

async function kubectl(...words: string[]): Promise<string> {
  const { stdout, stderr } = await run('kubectl', words, { env: environment })
  return stdout + stderr
}

function write(labels: object): void {
  const containers = [{ name: 'task', image: 'busybox', command: ['sh', '-c', 'echo hello; sleep 0.3; echo bye'] }]
  const template = { spec: { restartPolicy: 'Never', containers } }
  writeFileSync(
    manifest,
    JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'applied', labels }, spec: { template } }),
  )
}

test('version, api-resources, auth can-i', options, async () => {
  assert.match(await kubectl('version'), /Server Version: v1\.\d+/)
  const resources = await kubectl('api-resources')
  for (const kind of ['Job', 'Pod', 'Secret', 'ConfigMap', 'Lease', 'Event', 'Namespace'])
    assert.match(resources, new RegExp(`\\b${kind}\\b`))
  assert.match(await kubectl('auth', 'can-i', 'create', 'jobs'), /yes/)
})

test('create: namespace, secret, configmap, job', options, async () => {
  await kubectl('create', 'namespace', 'made')
  await kubectl('create', 'secret', 'generic', 's', '--from-literal=a=b')
  await kubectl('create', 'configmap', 'c', '--from-literal=a=b')
  await kubectl('create', 'job', 'created', '--image=busybox', '--', 'sh', '-c', 'echo created')
  await kubectl('wait', '--for=condition=complete', 'job/created', '--timeout=30s')
  assert.match(await kubectl('logs', 'job/created'), /^created$/m)
  const secret = JSON.parse(await kubectl('get', 'secret', 's', '-o', 'json'))
  assert.deepEqual([secret.data, secret.type], [{ a: 'Yg==' }, 'Opaque'])
})

test('apply makes, changes and leaves; unknown fields are refused', options, async () => {
  write({ a: '1' })
  assert.match(await kubectl('apply', '-f', manifest), /created/)
  write({ a: '2' })
  assert.match(await kubectl('apply', '-f', manifest), /configured/)
  assert.match(await kubectl('apply', '-f', manifest), /unchanged/)
  assert.equal((await kubectl('get', 'job', 'applied', '-o', 'jsonpath={.metadata.labels.a}')).trim(), '2')
  const typo = join(folder.path, 'typo.json')
  writeFileSync(typo, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'typo' }, dat: {} }))
  await assert.rejects(kubectl('apply', '-f', typo), /unknown field "dat"/)
})

test('logs -f follows to the end', options, async () => {
  assert.match(await kubectl('logs', '-f', 'job/applied'), /hello\nbye/)
})

test('get in its forms, with selectors', options, async () => {
  await kubectl('wait', '--for=condition=complete', 'job/applied', '--timeout=30s')
  assert.match(await kubectl('get', 'jobs'), /^NAME +STATUS +COMPLETIONS +DURATION +AGE/)
  assert.match(await kubectl('get', 'jobs', '-o', 'wide'), /CONTAINERS +IMAGES +SELECTOR/)
  assert.match(await kubectl('get', 'job', 'applied', '-o', 'yaml'), /^kind: Job$/m)
  assert.equal(await kubectl('get', 'job', 'applied', '-o', 'name'), 'job.batch/applied\n')
  assert.match(await kubectl('get', 'pods', '-l', 'job-name=applied', '-o', 'wide'), /Completed/)
  assert.match(await kubectl('get', 'pods', '--field-selector', 'status.phase=Succeeded'), /applied-/)
  assert.match(await kubectl('get', 'pods', '--field-selector', 'status.phase=Failed'), /No resources found/)
  assert.match(await kubectl('get', 'all'), /job\.batch\/applied/)
  assert.match(await kubectl('get', 'events'), /SuccessfulCreate/)
})

test('describe shows the Job, its Pod and their events', options, async () => {
  assert.match(await kubectl('describe', 'job', 'applied'), /Events:[\s\S]*SuccessfulCreate[\s\S]*Completed/)
  assert.match(await kubectl('describe', 'pods', '-l', 'job-name=applied'), /Controlled By: +Job\/applied[\s\S]*Exit Code: +0/)
})

test('get -w shows changes as they come', options, async () => {
  const child = spawn('kubectl', ['get', 'configmaps', '-w', '-o', 'name'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  let shown = ''
  const seen = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      shown += String(chunk)
      if (shown.includes('configmap/c\n') && !shown.includes('configmap/watched')) void kubectl('create', 'configmap', 'watched')
      if (shown.includes('configmap/watched')) resolve()
    })
  })
  await seen
  child.kill()
})

test('patch in its three forms, label, annotate', options, async () => {
  await kubectl('patch', 'job', 'applied', '-p', '{"spec":{"ttlSecondsAfterFinished":100}}')
  await kubectl('patch', 'job', 'applied', '--type=merge', '-p', '{"metadata":{"annotations":{"m":"1"}}}')
  await kubectl('patch', 'job', 'applied', '--type=json', '-p', '[{"op":"replace","path":"/spec/ttlSecondsAfterFinished","value":300}]')
  await kubectl('label', 'job', 'applied', 'team=web')
  await kubectl('annotate', 'job', 'applied', 'note=x')
  const { metadata, spec } = JSON.parse(await kubectl('get', 'job', 'applied', '-o', 'json'))
  assert.deepEqual(
    [spec.ttlSecondsAfterFinished, metadata.labels.team, metadata.annotations.note, metadata.annotations.m],
    [300, 'web', 'x', '1'],
  )
})

test('delete waits until the object and its Pods are gone', options, async () => {
  await kubectl('delete', 'job', 'applied')
  assert.match(await kubectl('get', 'pods', '-l', 'job-name=applied'), /No resources found/)
  await assert.rejects(kubectl('get', 'job', 'applied'), /NotFound/)
  await kubectl('delete', 'namespace', 'made')
  await assert.rejects(kubectl('get', 'namespace', 'made'), /NotFound/)
})
