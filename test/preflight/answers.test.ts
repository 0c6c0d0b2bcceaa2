// What doctor makes of single answers, by table: versions, connection errors, refused dry-runs, clocks, keys, callback statuses, a Pod's state.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeError } from '../../src/model/kube-api.ts'
import { judgeAnswer, judgeError } from '../../src/preflight/callback-probe.ts'
import { checkClock } from '../../src/preflight/clock-skew.ts'
import { connectionProblem } from '../../src/preflight/connection.ts'
import { explain, keepsImageVolumes } from '../../src/preflight/dry-run.ts'
import { type PodLike, podState } from '../../src/preflight/preflight-job.ts'
import { checkSecrets } from '../../src/preflight/secret-strength.ts'
import { judgeImageVolumes, judgeNamespaceDeletion, judgeVersion, parseVersion } from '../../src/preflight/version.ts'

const versions: [text: string | undefined, minor: number | null, status: 'ok' | 'failed' | null][] = [
  ['v1.37.1', 37, 'ok'],
  ['v1.31.4-eks-2d5f260', 31, 'ok'],
  ['v1.30.2+k3s1', 30, 'failed'],
  ['1.33.0', 33, 'ok'],
  ['v1.37.0+embedded', 37, 'ok'],
  ['v1.36.0-rc.1', 36, 'ok'],
  ['v2.0.0', 0, 'ok'],
  ['v0.0.0-master+abc', 0, null],
  ['nginx/1.25', null, null],
  ['', null, null],
  [undefined, null, null],
]
for (const [text, minor, status] of versions) {
  test(`version ${text}: minor ${minor}, ${status ?? 'not judged'}`, () => {
    const version = parseVersion(text)
    assert.equal(version?.minor ?? null, minor)
    if (version && status) assert.equal(judgeVersion(version, 'https://api').status, status)
  })
}

const imageVolumes: [version: string, kept: boolean | null, status: string][] = [
  ['v1.36.0', true, 'ok'],
  ['v1.36.0', null, 'ok'],
  ['v1.34.0', true, 'warning'],
  ['v1.34.0', null, 'failed'],
  ['v1.34.0', false, 'failed'],
]
for (const [text, kept, status] of imageVolumes) {
  test(`image volumes on ${text}, ${kept === null ? 'not tried' : kept ? 'kept' : 'dropped'}: ${status}`, () => {
    const version = parseVersion(text)
    assert.ok(version)
    assert.equal(judgeImageVolumes(version, kept).status, status)
  })
}

const warnedOfDeletion: [version: string, warned: boolean][] = [
  ['v1.31.4-eks-2d5f260', true],
  ['v1.32.9+k3s1', true],
  ['v1.33.0', false],
  ['v1.37.1', false],
]
for (const [text, warned] of warnedOfDeletion) {
  test(`deleting a namespace on ${text}: ${warned ? 'a warning that names the remedy' : 'nothing to say'}`, () => {
    const version = parseVersion(text)
    assert.ok(version)
    const [result] = judgeNamespaceDeletion(version, 'agents')
    assert.equal(result?.status, warned ? 'warning' : undefined)
    if (warned) assert.match(result?.fix ?? '', /jobhook release/)
  })
}

test('whether the API kept the image volumes is seen in what it would store', () => {
  const job = (...volumes: object[]) => ({ spec: { template: { spec: { containers: [], volumes: volumes as never } } } })
  const sent = job({ name: 'a', image: { reference: 'x' } })
  assert.deepEqual(
    [
      keepsImageVolumes(sent, sent),
      keepsImageVolumes(sent, job({ name: 'a' })),
      keepsImageVolumes(sent, null),
      keepsImageVolumes(job(), job()),
    ],
    [true, false, null, null],
  )
})

const error = (status: number, reason: string, message: string): KubeError => ({
  status,
  reason,
  message,
  retryAfterMs: null,
  retryable: false,
  outcomeUnknown: false,
})

const connections: [error: KubeError, what: RegExp, fix: RegExp][] = [
  [error(0, 'ENOTFOUND', 'getaddrinfo'), /cannot be found/, /cluster\.server in ~\/k/],
  [error(0, 'ECONNREFUSED', 'connect'), /refuses connections/, /start the cluster/],
  [error(0, 'UND_ERR_CONNECT_TIMEOUT', 'timeout'), /does not answer/, /firewall/],
  [error(0, 'ConnectionError', 'The operation was aborted due to timeout'), /does not answer/, /firewall/],
  [error(0, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'), /not trusted/, /certificate-authority-data/],
  [error(0, 'ERR_TLS_CERT_ALTNAME_INVALID', 'altname'), /another name/, /tls-server-name/],
  [error(0, 'CERT_HAS_EXPIRED', 'expired'), /out of date/, /renew/],
  [error(0, 'ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number'), /does not speak TLS/, /scheme and port/],
  [error(0, 'ENOENT', 'spawn aws ENOENT'), /cannot be reached/, /credentials program/],
  [error(401, 'Unauthorized', 'Unauthorized'), /does not accept the credentials/, /log in again/],
  [error(400, 'HTTP400', 'Client sent an HTTP request to an HTTPS server.'), /wants TLS/, /https:\/\//],
  [error(404, 'HTTP404', '<html>'), /is no Kubernetes API/, /correct/],
  [error(403, 'Forbidden', 'forbidden: User "system:anonymous"'), /forbids/, /system:discovery/],
  [error(503, 'HTTP503', 'no upstream'), /has trouble/, /readyz/],
]
for (const [given, what, fix] of connections) {
  test(`${given.status === 0 ? given.reason : given.status} (${given.message}): ${what.source}`, () => {
    const result = connectionProblem(given, { server: 'https://api.example:6443', source: '~/k' })
    assert.deepEqual([result.name, result.status, result.blocking], ['api', 'failed', true])
    assert.match(result.what, what)
    assert.match(result.fix ?? '', fix)
  })
}

const dryRuns: [message: string, status: number, kind: string, fix: RegExp][] = [
  [
    'strict decoding error: unknown field "spec.template.spec.nodeSelektor"',
    400,
    'refused',
    /correct backend\.kubernetes\.pod_template\.nodeSelektor/,
  ],
  [
    'Job.batch "x" is invalid: spec.template.spec.containers[0].image: Required value',
    422,
    'refused',
    /pod_template\.containers\[0\]\.image/,
  ],
  ['namespaces "agents" not found', 404, 'refused', /kubectl create namespace agents/],
  [
    'jobs.batch "x" is forbidden: unable to create new content in namespace agents because it is being terminated',
    403,
    'refused',
    /another namespace/,
  ],
  [
    'jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group "batch" in the namespace "agents"',
    403,
    'forbidden',
    /^$/,
  ],
  ['jobs.batch "x" is forbidden: exceeded quota: q, requested: count/jobs.batch=1', 403, 'full', /describe resourcequota/],
  ['admission webhook "w" denied the request: no', 403, 'policy', /policy/],
  ["jobs.batch \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", 422, 'policy', /policy/],
  ['admission webhook "w" does not support dry run', 400, 'untried', /sideEffects/],
  ['Internal error occurred: failed calling webhook "w": connection refused', 500, 'refused', /repair the webhook/],
  ['etcdserver: request timed out', 500, 'untried', /try again/],
  ['too many requests', 429, 'untried', /try again/],
  ['connect ECONNREFUSED', 0, 'untried', /try again/],
]
for (const [message, status, kind, fix] of dryRuns) {
  test(`a dry-run that is answered ${status} "${message}" is ${kind}`, () => {
    const found = explain(error(status, '', message), 'agents')
    assert.equal(found.kind, kind)
    assert.match(found.fix, fix)
  })
}

const clocks: [title: string, serverMs: number | null, expected: string][] = [
  ['the same second', 100_000, 'ok'],
  ['four seconds behind', 104_000, 'ok'],
  ['seven seconds behind', 107_500, 'warning 7 s behind'],
  ['ten seconds ahead', 89_000, 'warning 10 s ahead'],
  ['two minutes behind', 220_500, 'failed 120 s behind'],
  ['no Date header', null, 'ok'],
]
for (const [title, serverMs, expected] of clocks) {
  test(`clock, ${title}: ${expected}`, () => {
    const { status, what } = checkClock(serverMs, 100_000, 100_400)
    assert.equal([status, /\d+ s (behind|ahead)/.exec(what)?.[0]].filter(Boolean).join(' '), expected)
  })
}

const key = (bytes: Buffer): string => `whsec_${bytes.toString('base64')}`
const random = key(Buffer.from('8f3a91c27be0d4561f9a02cc7745b3e86d10fa93b5c2de7748019f6ea4c35d21', 'hex'))
const other = key(Buffer.from('1c27be0d4561f9a02cc7745b3e86d10fa93b5c2de7748019f6ea4c35d218f3a9', 'hex'))
const keys: [title: string, webhook: string[], callback: string[], tokens: string[], expected: string[]][] = [
  ['random keys', [random], [other], ['b3e86d10fa93b5c2de7748019f6ea4c3'], ['ok']],
  ['none', [], [], [], ['ok']],
  ['a key of words', [key(Buffer.from('correct horse battery staple'))], [], [], ['warning']],
  ['a key of one byte', [key(Buffer.alloc(32, 0xfe))], [], [], ['warning']],
  ['the specification’s own', ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], [], [], ['failed']],
  ['the same key both ways', [random], [random], [], ['warning']],
  ['a short token', [random], [], ['0123456789abcdef'], ['warning']],
  ['a token of one letter', [random], [], ['a'.repeat(40)], ['warning']],
  ['a public key', ['whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='], [], [], ['ok']],
]
for (const [title, webhook, callback, tokens, expected] of keys) {
  test(`keys, ${title}: ${expected}`, () => {
    const results = checkSecrets({ webhook, callback, tokens: tokens.map((token) => ({ name: 'ci', token })) })
    assert.deepEqual(
      results.map(({ status }) => status),
      expected,
    )
    const text = JSON.stringify(results)
    for (const secret of [...webhook, ...callback, ...tokens]) assert.ok(!text.includes(secret) && !text.includes(secret.slice(6)))
  })
}

const statuses: [status: number, expected: string][] = [
  [200, 'ok'],
  [204, 'ok'],
  [301, 'failed'],
  [400, 'warning'],
  [401, 'failed'],
  [403, 'failed'],
  [404, 'warning'],
  [405, 'failed'],
  [410, 'warning'],
  [422, 'warning'],
  [429, 'failed'],
  [503, 'failed'],
]
for (const [status, expected] of statuses) {
  test(`a callback URL that answers ${status}: ${expected}, never a reason not to take tasks`, () => {
    const result = judgeAnswer('https://control.example', status)
    assert.deepEqual([result.status, result.blocking], [expected, false])
  })
}
for (const code of ['ENOTFOUND', 'ECONNREFUSED', 'TimeoutError', 'CERT_HAS_EXPIRED', 'SOMETHING_ELSE']) {
  test(`a callback URL that ends in ${code} fails with its own words`, () => {
    const result = judgeError('https://control.example', code, 'words')
    assert.equal(result.status, 'failed')
    assert.match(result.what, /^https:\/\/control\.example (cannot|refuses|does|shows)/)
  })
}

const pods: [title: string, status: NonNullable<PodLike['status']>, expected: RegExp][] = [
  ['just made', { phase: 'Pending' }, /waiting: the Pod is Pending/],
  [
    'without a node',
    {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }],
    },
    /waiting: no node takes the Pod: 0\/3/,
  ],
  [
    'with an image that is not there',
    { phase: 'Pending', containerStatuses: [{ name: 'task', state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } }] },
    /waiting: container task waits: ErrImagePull: not found/,
  ],
  [
    'whose init container failed',
    {
      phase: 'Failed',
      initContainerStatuses: [{ name: 'copy-sidecar-0', state: { terminated: { exitCode: 127 } } }],
      containerStatuses: [{ name: 'task', state: { waiting: { reason: 'PodInitializing' } } }],
    },
    /failed: container copy-sidecar-0 ended with 127/,
  ],
  [
    'with an image that is not there, for good',
    { phase: 'Pending', containerStatuses: [{ name: 'task', state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    /failed: container task waits: ImagePullBackOff/,
  ],
  ['done', { phase: 'Succeeded', containerStatuses: [{ name: 'task', state: { terminated: { exitCode: 0 } } }] }, /^done/],
  [
    'done beside a proxy that runs on',
    {
      phase: 'Running',
      containerStatuses: [
        { name: 'proxy', state: {} },
        { name: 'task', state: { terminated: { exitCode: 0 } } },
      ],
    },
    /^done/,
  ],
  ['evicted', { phase: 'Failed', reason: 'Evicted', message: 'disk pressure' }, /failed: Evicted: disk pressure/],
]
for (const [title, status, expected] of pods) {
  test(`a preflight Pod ${title}: ${expected.source}`, () => {
    const state = podState({ metadata: { name: 'p' }, status }, 'agents')
    assert.match(state.kind === 'done' ? 'done' : `${state.kind}: ${state.why}`, expected)
  })
}
