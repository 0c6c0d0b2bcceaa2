// Setup, task, teardown and sidecars in real containers: each runs when it should and exactly once, however the task ends.
// Needs JOBHOOK_TEST_ADMIN_KUBECONFIG and a real node (JOBHOOK_TEST_NODE=real) with the images of test/cluster.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { V1Pod } from '@kubernetes/client-node'
import { type JobSpecOptions, render } from '../../src/jobspec/index.ts'
import type { Assignment } from '../../src/model/assignment.ts'
import type { KubernetesBackend } from '../../src/model/pod-settings.ts'
import { built, options } from './fixtures.ts'

const kubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? ''
const skip =
  kubeconfig === '' || process.env.JOBHOOK_TEST_NODE !== 'real' ? 'needs JOBHOOK_TEST_ADMIN_KUBECONFIG and JOBHOOK_TEST_NODE=real' : false
const namespace = `jobspec-pods-${process.pid}`
const BUSYBOX = 'docker.io/library/busybox:1.36'
const AGENT = 'registry.local/agent:1'
const TIMEOUT_MS = 60_000
const followers: ChildProcess[] = []

function kubectl(args: string[], input?: string): string {
  const done = spawnSync('kubectl', ['--kubeconfig', kubeconfig, '--namespace', namespace, ...args], {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  })
  assert.equal(done.status, 0, done.stderr)
  return done.stdout
}

before(() => {
  if (!skip) kubectl(['create', 'namespace', namespace])
})
after(() => {
  for (const follower of followers) follower.kill()
  if (!skip) kubectl(['delete', 'namespace', namespace, '--wait=false'])
})

interface Running {
  job: string
  pod(wanted: (pod: V1Pod) => boolean): Promise<V1Pod>
  /** The whole log of the task's container, followed from its start: a stopped Pod takes its log along. */
  log(): Promise<string>
  stop(): void
}

let counter = 0
async function run(asked: Partial<Assignment>, kubernetes: KubernetesBackend, more: Partial<JobSpecOptions> = {}): Promise<Running> {
  const given = options({ default_image: BUSYBOX, ...kubernetes }, { namespace, jobFinalizer: false, ...more })
  const manifest = built({ task_id: `t-${counter++}`, docker_image: BUSYBOX, ...asked }, given)
  kubectl(['create', '--validate=strict', '-f', '-'], render(manifest, { showSecrets: true }))
  const job = manifest.job.metadata?.name ?? ''
  const pod = async (wanted: (pod: V1Pod) => boolean): Promise<V1Pod> => {
    const deadline = Date.now() + TIMEOUT_MS
    for (;;) {
      const { items } = JSON.parse(kubectl(['get', 'pods', '-l', `job-name=${job}`, '-o', 'json'])) as { items: V1Pod[] }
      const found = items.find(wanted)
      if (found) return found
      assert.ok(Date.now() < deadline, `waited too long for ${job}: ${JSON.stringify(items.map((item) => item.status))}`)
      await delay(200)
    }
  }
  const { metadata } = await pod((found) => {
    const state = task(found)?.state
    return state?.running !== undefined || state?.terminated !== undefined
  })
  const follower = spawn('kubectl', [
    '--kubeconfig',
    kubeconfig,
    '--namespace',
    namespace,
    'logs',
    '--follow',
    metadata?.name ?? '',
    '-c',
    'task',
  ])
  followers.push(follower)
  let text = ''
  follower.stdout.on('data', (chunk) => {
    text += chunk
  })
  const closed = once(follower, 'close')
  return {
    job,
    pod,
    log: async () => {
      await closed
      return text
    },
    stop: () => void kubectl(['patch', 'job', job, '--type=merge', '-p', '{"spec":{"activeDeadlineSeconds":1}}']),
  }
}

function task(pod: V1Pod) {
  return pod.status?.containerStatuses?.find((status) => status.name === 'task')
}
const ended = (pod: V1Pod) => task(pod)?.state?.terminated !== undefined

test('setup, task and teardown run once each and in order when the task ends by itself', { skip }, async () => {
  const { pod, log } = await run(
    { command: ['sh', '-c', 'echo "task $FROM_SETUP $TOKEN"; cat setup.txt; ls -a; exit 3'], env_vars: { TOKEN: 'tok', 'odd name': 'x' } },
    {
      setup_command: 'echo written >setup.txt; echo "FROM_SETUP=\'a b\'" >"$JOBHOOK_ENVIRONMENT_FILE"',
      teardown_command: 'echo "teardown after $TASK_EXIT_CODE with $FROM_SETUP in $(pwd)"',
    },
  )
  const state = task(await pod(ended))?.state?.terminated
  assert.equal(await log(), 'task a b tok\nwritten\n.\n..\nsetup.txt\nteardown after 3 with a b in /workspace\n')
  assert.equal(state?.exitCode, 3)
})

test('a stopped task is asked to end, then its teardown runs once', { skip }, async () => {
  const { log, stop } = await run(
    { command: ['sh', '-c', 'trap "echo asked; exit 0" TERM; echo started; while :; do sleep 0.1; done'] },
    { teardown_command: 'echo "teardown after $TASK_EXIT_CODE"' },
  )
  stop()
  assert.equal(await log(), 'started\nasked\nteardown after 0\n')
})

test('a task that ignores the stop is killed in time for its teardown', { skip }, async () => {
  const { log, stop } = await run(
    { command: ['sh', '-c', 'trap "" TERM; echo started; while :; do sleep 0.1; done'] },
    { teardown_command: 'echo "teardown after $TASK_EXIT_CODE"', pod_template: { terminationGracePeriodSeconds: 6 } },
  )
  stop()
  assert.equal(await log(), 'started\nteardown after 137\n')
})

test('a deleted Pod runs its teardown once', { skip }, async () => {
  const { job, log } = await run({ command: ['sleep', '600'] }, { teardown_command: 'echo "teardown after $TASK_EXIT_CODE"' })
  kubectl(['delete', 'pod', '-l', `job-name=${job}`, '--wait=false'])
  assert.equal(await log(), 'teardown after 143\n')
})

test('a failed teardown is in the termination message, the exit code stays the task’s', { skip }, async () => {
  const { pod } = await run({ command: ['sh', '-c', 'printf \'{"ok":true}\' >/dev/termination-log'] }, { teardown_command: 'exit 9' })
  const state = task(await pod(ended))?.state?.terminated
  assert.equal(state?.exitCode, 0)
  assert.equal(state?.message, '{"ok":true}\njobhook: teardown_command ended with exit code 9\n')
})

test('setup and teardown work for a user without rights', { skip }, async () => {
  const { pod, log } = await run(
    { command: ['sh', '-c', 'id -u; echo "$A"'] },
    {
      setup_command: 'echo A=from-setup >"$JOBHOOK_ENVIRONMENT_FILE"',
      teardown_command: 'echo teardown',
      pod_template: {
        securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000 },
        containers: [{ name: 'task', securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } }],
      },
    },
  )
  await pod(ended)
  assert.equal(await log(), '1000\nfrom-setup\nteardown\n')
})

test('text of the assignment arrives letter by letter', { skip }, async () => {
  const odd = ['$(TASK_ID)', '$$', '$(', '$$(TASK_ID)', '${X}', '$$$', 'a b', '"', "'", '\\', '😀']
  const { pod, log } = await run({ command: ['printf', '%s\n', ...odd], task_id: '$(HOME)/😀' }, {})
  await pod(ended)
  assert.equal(await log(), `${odd.join('\n')}\n`)
})

const look =
  'cat /mnt/tools/agent/entrypoint.sh | head -1; /mnt/tools/bin/busybox echo runs; ls /mnt/tools; if (: >/mnt/tools/new) 2>/dev/null; then echo writable; else echo read-only; fi'
const folders = 'agent\nbin\n'
const forms: [title: string, readWrite: boolean, kubernetes: KubernetesBackend, last: string][] = [
  ['copied by an init container', false, {}, 'read-only'],
  ['copied, to be written', true, {}, 'writable'],
  ['mounted as an image volume', false, { use_image_volumes: true }, 'read-only'],
]
for (const [title, read_write, kubernetes, last] of forms) {
  test(`a sidecar’s files, ${title}`, { skip }, async () => {
    const { pod, log } = await run(
      { command: ['sh', '-c', look], additional_sidecars: [{ image: AGENT, mount_path: '/mnt/tools', read_write }] },
      kubernetes,
    )
    await pod(ended)
    const [first = '', ...lines] = (await log()).split('\n')
    const text = lines.join('\n')
    assert.match(first, /^#!/)
    assert.ok(text.startsWith('runs\n'), text)
    for (const folder of folders.trim().split('\n')) assert.ok(lines.includes(folder), text)
    assert.ok(text.endsWith(`${last}\n`), text)
  })
}
