// `jobhook doctor` against a real API server: Pod Security, quotas, limit ranges, each right taken away, wrong kubeconfigs. What doctor says of a Pod is
// held against what the API itself answers.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stringify } from 'yaml'
import { workerLabel } from '../../src/jobspec/index.ts'
import { generateSecret } from '../../src/lib/standard-webhooks.ts'
import { LABELS, MANAGED_BY, TASK_APP_NAME } from '../../src/model/keys.ts'
import { type CheckResult, runBlocking } from '../../src/preflight/index.ts'
import { PERMISSIONS } from '../../src/preflight/permissions.ts'
import { podSecurityViolations, refusedBy } from '../../src/preflight/pod-security.ts'
import { run } from '../cli/command.ts'
import { startPolled } from '../support/polled.ts'
import { until } from '../support/wait.ts'
import { configOf, examine } from './examine.ts'
import { ROWS } from './pod-security-cases.ts'
import { ADMIN, FULL_ROLE, kubectl, makeAccount, makeNamespace, removeNamespaces, skip, writeKubeconfig } from './real-namespace.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobhook-doctor-'))
after(async () => {
  rmSync(folder, { recursive: true })
  await removeNamespaces()
})

const SECRET = generateSecret()
/** With SHOW=1 every answer is printed, to be read by eye. */
const show = process.env.JOBHOOK_TEST_SHOW === '1'

let counter = 0
async function doctor(
  kubeconfig: string,
  namespace: string,
  kubernetes: object = {},
  more: object = {},
): Promise<{ code: number | null; checks: CheckResult[] }> {
  const path = join(folder, `config-${++counter}.yaml`)
  writeFileSync(
    path,
    stringify({
      worker_id: 'w1',
      webhook: { secrets: [SECRET] },
      backend: { kubernetes: { namespace, kubeconfig, ...kubernetes } },
      ...more,
    }),
  )
  if (show) process.stdout.write(`\n$ ${JSON.stringify(kubernetes)}\n${(await run(['doctor', '--config', path])).out}`)
  const { code, out, err } = await run(['doctor', '--json', '--config', path])
  assert.equal(err, '')
  return { code, checks: (JSON.parse(out) as { checks: CheckResult[] }).checks }
}
const find = (checks: readonly CheckResult[], name: string): CheckResult | undefined => checks.find((check) => check.name === name)
const told = (check: CheckResult | undefined): string => (check ? `${check.status}${check.blocking ? ' blocking' : ''}` : 'absent')
const enforce = (level: string, version?: string): Record<string, string> => ({
  'pod-security.kubernetes.io/enforce': level,
  ...(version ? { 'pod-security.kubernetes.io/enforce-version': version } : {}),
})

const STRICT = {
  default_image: 'registry.example/dev:1.4',
  pod_template: {
    securityContext: { runAsNonRoot: true, runAsUser: 1000 },
    containers: [{ name: 'task', securityContext: { capabilities: { drop: ['ALL'] } } }],
  },
}

/** Doctor's lines, in the order they are printed. */
const LINES = [
  'api',
  'clock',
  'permissions',
  'rights-too-many',
  'dry-run',
  'pod-security',
  'quota',
  'limit-range',
  'secrets',
  'callback',
  'leftovers',
]

test('an account with exactly the table’s rights has nothing to be told, but that nobody is called', { skip }, async () => {
  const namespace = await makeNamespace()
  const { code, checks } = await doctor(await makeAccount(folder, namespace), namespace)
  assert.equal(code, 0)
  assert.deepEqual(
    checks.filter(({ status }) => status !== 'ok').map(({ name }) => name),
    ['callback'],
  )
  assert.deepEqual(
    checks.map(({ name }) => name),
    LINES,
  )
  assert.equal(told(find(checks, 'pod-admission')), 'absent', 'it may not create Pods, and need not')
  assert.equal(await kubectl(['-n', namespace, 'get', 'jobs,secrets,pods', '-o', 'name']), '')
})

test('a Secret of ours that no Job names is told once it is old enough, and left alone', { skip }, async () => {
  const namespace = await makeNamespace()
  const found = await leftoversOf(namespace, await makeAccount(folder, namespace))
  assert.equal(told(found), 'ok', 'a young one may still get its Job')
  assert.match(found?.what ?? '', /none of 1 Secret/)
  const missing = FULL_ROLE.map((rule) =>
    rule.resources.includes('secrets') ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'list') } : rule,
  )
  const { checks } = await doctor(await makeAccount(folder, namespace, missing), namespace)
  assert.equal(told(find(checks, 'leftovers')), 'absent', 'the missing right has its own line')
})

async function leftoversOf(namespace: string, kubeconfig: string): Promise<CheckResult | undefined> {
  const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.name]: TASK_APP_NAME, [LABELS.worker]: workerLabel('w1') }
  await kubectl(['-n', namespace, 'create', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'task-left-0123456789', labels },
  })
  return find((await doctor(kubeconfig, namespace)).checks, 'leftovers')
}

test('the long poll’s control plane: served, a refused token, nobody there', { skip }, async () => {
  const namespace = await makeNamespace()
  const kubeconfig = await makeAccount(folder, namespace)
  const polled = await startPolled(() => 'the-right-token')
  after(() => polled.close())
  polled.board.put('w1', 'm-1', { type: 'heartbeat' })
  const answerTo = async (url: string, token: string) =>
    find((await doctor(kubeconfig, namespace, {}, { poll: { url, token } })).checks, 'poll')
  assert.equal(told(await answerTo(polled.url, 'the-right-token')), 'ok')
  assert.equal(polled.board.entries()[0]?.handedOut, 0, 'doctor takes no message')
  const refused = await answerTo(polled.url, 'another')
  assert.deepEqual([told(refused), /refused the token \(401\)/.test(refused?.why ?? '')], ['failed', true])
  await polled.close()
  assert.equal(told(await answerTo(polled.url, 'the-right-token')), 'failed')
})

test('at the start of the service it costs seven requests where all is well', { skip }, async () => {
  const namespace = await makeNamespace()
  const kubeconfig = readFileSync(await makeAccount(folder, namespace), 'utf8')
  const { results, requests } = await examine(configOf({ backend: { namespace } }), kubeconfig, runBlocking)
  assert.deepEqual([results.filter(({ status }) => status !== 'ok'), requests], [[], 7])
})

test('the administrator may too much', { skip }, async () => {
  const { checks } = await doctor(ADMIN, await makeNamespace())
  assert.match(find(checks, 'rights-too-many')?.what ?? '', /do everything in the whole cluster/)
})

test('single rights that are too many are named', { skip }, async () => {
  const namespace = await makeNamespace()
  const rules = [...FULL_ROLE, { apiGroups: [''], resources: ['pods', 'pods/exec'], verbs: ['create'] }]
  const { checks } = await doctor(await makeAccount(folder, namespace, rules), namespace)
  assert.match(
    find(checks, 'rights-too-many')?.what ?? '',
    /^the account may create Pods of its own, run commands in running Pods \(pods\/exec\)$/,
  )
})

test('without each right of the table: the right, what goes wrong, and a command that grants it', { skip }, async (context) => {
  const namespace = await makeNamespace()
  for (const { group, resource, verb, need, without } of PERMISSIONS) {
    if (need === 'preflight-job') continue
    await context.test(`${verb} ${resource}`, async () => {
      const rules = FULL_ROLE.map((rule) => {
        const same = rule.resources.includes(resource) && rule.apiGroups.includes(group)
        return same ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) } : rule
      }).filter((rule) => rule.verbs.length > 0)
      const kubeconfig = await makeAccount(folder, namespace, rules)
      const { code, checks } = await doctor(kubeconfig, namespace)
      const [missing, ...others] = checks.filter(({ name, status }) => name === 'permissions' && status !== 'ok')
      assert.ok(missing && others.length === 0, JSON.stringify(checks))
      assert.match(missing.what, new RegExp(`system:serviceaccount:${namespace}:jobhook-\\w+ may not ${verb} ${resource} in`))
      assert.ok(missing.why?.includes(without))
      const serious = need !== 'checks' && need !== 'detail' && need !== 'sweep'
      assert.deepEqual([code, told(missing)], [serious ? 1 : 0, need === 'always' ? 'failed blocking' : serious ? 'failed' : 'warning'])
      if (resource === 'jobs' || resource === 'pods/log') {
        for (const command of (missing.fix ?? '').split(' && ')) await kubectl(command.split(' ').slice(1))
        const after = await doctor(kubeconfig, namespace)
        assert.equal(told(find(after.checks, 'permissions')), 'ok')
      }
    })
  }
})

const podSecurity: [title: string, level: string, kubernetes: object, expected: string, fix: RegExp | null][] = [
  ['baseline takes ordinary tasks', 'baseline', {}, 'ok', null],
  [
    'baseline refuses a privileged task',
    'baseline',
    { pod_template: { containers: [{ name: 'task', securityContext: { privileged: true } }] } },
    'failed blocking',
    /remove backend\.kubernetes\.pod_template\.containers\[task\]\.securityContext\.privileged/,
  ],
  [
    'baseline refuses a hostPath',
    'baseline',
    { pod_template: { volumes: [{ name: 'v', hostPath: { path: '/tmp' } }] } },
    'failed blocking',
    /another kind of volume/,
  ],
  [
    'restricted refuses ordinary tasks',
    'restricted',
    {},
    'failed blocking',
    /set backend\.kubernetes\.pod_template\.securityContext\.runAsNonRoot: true/,
  ],
  [
    'restricted refuses only tasks with sidecars of a strict template',
    'restricted',
    STRICT,
    'failed',
    /set backend\.kubernetes\.use_image_volumes: true/,
  ],
  ['restricted takes a strict template with image volumes', 'restricted', { ...STRICT, use_image_volumes: true }, 'ok', null],
]
for (const [title, level, kubernetes, expected, fix] of podSecurity) {
  test(`Pod Security: ${title}`, { skip }, async () => {
    const namespace = await makeNamespace(enforce(level))
    const { checks } = await doctor(ADMIN, namespace, kubernetes)
    const found = find(checks, 'pod-security')
    assert.equal(told(found), expected, JSON.stringify(found))
    if (fix) assert.match(found?.fix ?? '', fix)
    // The administrator may create Pods, so the API's own word is there too: about a task without sidecars.
    assert.equal(told(find(checks, 'pod-admission')), expected === 'failed blocking' ? 'failed blocking' : 'ok')
  })
}

test('our judgement of Pods is the API server’s, level by level and version by version', { skip }, async (context) => {
  const namespaces = new Map<string, string>()
  const namespaceFor = async (level: string, minor: number | undefined): Promise<string> => {
    const key = `${level} ${minor ?? 'latest'}`
    const known = namespaces.get(key) ?? (await makeNamespace(enforce(level, minor === undefined ? 'latest' : `v1.${minor}`)))
    namespaces.set(key, known)
    return known
  }
  for (const [title, spec, , minor] of ROWS) {
    for (const level of ['baseline', 'restricted'] as const) {
      await context.test(`${title}, ${level}`, async (inner) => {
        const complete = JSON.parse(JSON.stringify(spec), (key, value) =>
          (key === 'containers' || key === 'initContainers') && Array.isArray(value)
            ? value.map((each) => ({ image: 'a', ...each }))
            : value,
        ) as object
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'row-' }, spec: { restartPolicy: 'Never', ...complete } }
        const namespace = await namespaceFor(level, minor)
        const answer = await kubectl(['-n', namespace, 'create', '--dry-run=server', '-f', '-'], pod).then(
          () => '',
          (error: Error) => error.message,
        )
        if (answer !== '' && !answer.includes('violates PodSecurity'))
          return inner.skip(`the API refuses the Pod for another reason: ${answer.split('\n').at(-2)}`)
        const ours = refusedBy(level, podSecurityViolations(spec, minor))
        assert.equal(ours.length > 0, answer !== '', `ours: ${JSON.stringify(ours)}; the API: ${answer || 'takes it'}`)
      })
    }
  }
})

const bounds: [title: string, object: object, kubernetes: object, check: string, expected: string, why: RegExp][] = [
  [
    'a quota that wants requests',
    quota({ 'requests.cpu': '4' }),
    {},
    'quota',
    'failed',
    /requests\.cpu must be set for every container; it is not for task/,
  ],
  ['the same, with resources', quota({ 'requests.cpu': '4' }), { resources: { requests: { cpu: '1' } } }, 'quota', 'ok', /^$/],
  [
    'more than the whole quota',
    quota({ 'requests.cpu': '500m' }),
    { resources: { requests: { cpu: '1' } } },
    'quota',
    'failed',
    /a task needs 1 requests\.cpu, the whole quota is 500m/,
  ],
  ['no Pods at all', quota({ pods: '0' }), {}, 'quota', 'failed blocking', /a task needs 1 pods, the whole quota is 0/],
  [
    'a limit range',
    limits({ max: { memory: '64Mi' } }),
    { resources: { limits: { memory: '1Gi' } } },
    'limit-range',
    'failed',
    /container task: is limited to 1Gi memory, the most is 64Mi/,
  ],
  [
    'a limit range with a least that only some tasks ask for',
    limits({ min: { cpu: '8' }, max: { cpu: '9000' } }),
    { resources: { limits: { cpu: '1' } } },
    'limit-range',
    'failed',
    /the least is 8/,
  ],
  [
    'a limit range that no task can keep',
    limits({ max: { 'ephemeral-storage': '1Gi' }, default: {}, defaultRequest: {} }),
    { resources: { limits: { 'ephemeral-storage': '2Gi' } } },
    'limit-range',
    'failed blocking',
    /is limited to 2Gi ephemeral-storage/,
  ],
  ['a limit range that gives defaults', limits({ default: { memory: '64Mi' } }), {}, 'limit-range', 'ok', /^$/],
]
for (const [title, object, kubernetes, check, expected, why] of bounds) {
  test(`bounds: ${title}: ${expected}`, { skip }, async () => {
    const namespace = await makeNamespace()
    await kubectl(['-n', namespace, 'create', '-f', '-'], object)
    if (check === 'quota') {
      await until(
        'the quota counts',
        async () => (await kubectl(['-n', namespace, 'get', 'resourcequota', 'q', '-o', 'jsonpath={.status.hard}'])) !== '',
      )
    }
    const { checks } = await doctor(ADMIN, namespace, kubernetes)
    const found = find(checks, check)
    assert.equal(told(found), expected, JSON.stringify(found))
    assert.match(found?.why ?? '', why)
    // Quotas are counted at admission: the API says the same of the Pod, without telling a quota that is too small from one that is used up.
    const pod = find(checks, 'pod-admission')
    assert.equal(told(pod), /exceeded quota/.test(pod?.why ?? '') ? 'warning' : expected, JSON.stringify(pod))
  })
}

function quota(hard: Record<string, string>): object {
  return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard } }
}
function limits(item: object): object {
  return { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'r' }, spec: { limits: [{ type: 'Container', ...item }] } }
}

test('a service account that does not exist is told with the command that makes it', { skip }, async () => {
  const namespace = await makeNamespace()
  const { checks } = await doctor(ADMIN, namespace, { service_account: 'agents-own' })
  assert.equal(find(checks, 'pod-admission')?.fix, `kubectl -n ${namespace} create serviceaccount agents-own`)
})

test('an unknown field and a namespace that is not there are told', { skip }, async () => {
  const namespace = await makeNamespace()
  const unknown = await doctor(ADMIN, namespace, { pod_template: { nodeSelektor: { a: 'b' } } })
  assert.match(find(unknown.checks, 'dry-run')?.fix ?? '', /backend\.kubernetes\.pod_template\.nodeSelektor/)
  const nowhere = await doctor(ADMIN, 'doctor-nowhere')
  assert.match(find(nowhere.checks, 'namespace')?.fix ?? '', /^kubectl create namespace doctor-nowhere/)
})

const kubeconfigs: [title: string, change: () => Promise<Parameters<typeof writeKubeconfig>[1]>, what: RegExp][] = [
  ['a token that is wrong', async () => ({ namespace: 'default', user: { token: 'not-a-token' } }), /does not accept the credentials/],
  ['no user', async () => ({ namespace: 'default', user: null }), /no cluster to talk to/],
  ['no credentials', async () => ({ namespace: 'default', user: {} }), /has no credentials/],
  [
    'another CA',
    async () => ({
      namespace: 'default',
      user: { token: 'x' },
      cluster: { 'certificate-authority-data': undefined, 'certificate-authority': undefined, 'insecure-skip-tls-verify': undefined },
    }),
    /certificate that is not trusted/,
  ],
  [
    'an unknown host',
    async () => ({ namespace: 'default', user: { token: 'x' }, cluster: { server: 'https://jobhook.invalid:6443' } }),
    /cannot be found/,
  ],
  [
    'a port where nothing listens',
    async () => ({ namespace: 'default', user: { token: 'x' }, cluster: { server: `https://127.0.0.1:${await freePort()}` } }),
    /refuses connections/,
  ],
]
for (const [title, change, what] of kubeconfigs) {
  test(`a kubeconfig with ${title} is told apart`, { skip }, async () => {
    const { code, checks } = await doctor(writeKubeconfig(folder, await change()), 'default')
    assert.equal(code, 1)
    const failed = checks.filter(({ status, name }) => status === 'failed' && name !== 'secrets')
    assert.match(failed[0]?.what ?? '', what)
    assert.equal(failed[0]?.blocking, true)
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

const noContainers = process.env.JOBHOOK_TEST_NODE === 'real' ? false : 'needs containers, and JOBHOOK_TEST_NODE is not real'
test('the preflight Job runs in a real container, and its image volume is mounted', { skip: skip || noContainers }, async () => {
  const namespace = await makeNamespace()
  const { checks } = await doctor(await makeAccount(folder, namespace), namespace, {
    preflight_image: 'docker.io/library/busybox:1.36',
    use_image_volumes: true,
  })
  assert.equal(told(find(checks, 'preflight-job')), 'ok', JSON.stringify(find(checks, 'preflight-job')))
  await until('it is gone', async () => (await kubectl(['-n', namespace, 'get', 'jobs', '-o', 'name'])) === '')
})

test('a preflight image that cannot be had is told with the registry’s words', { skip: skip || noContainers }, async () => {
  const namespace = await makeNamespace()
  const { checks } = await doctor(await makeAccount(folder, namespace), namespace, { preflight_image: 'registry.example/none:1' })
  const found = find(checks, 'preflight-job')
  assert.equal(told(found), 'failed')
  assert.match(found?.why ?? '', /container task waits: ImagePullBackOff/)
})
