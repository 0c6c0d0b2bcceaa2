// Quotas and limit ranges by table: what they make of a task's Pod.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { Sample, Samples } from '../../src/preflight/api.ts'
import { limitRangeConflicts } from '../../src/preflight/limit-range.ts'
import type { LimitRange, LimitRangeItem, ResourceQuota } from '../../src/preflight/limits.ts'
import { formatQuantity, parseQuantity } from '../../src/preflight/quantity.ts'
import { quotaConflicts } from '../../src/preflight/quota.ts'
import { checkRoom } from '../../src/preflight/room.ts'

type Amounts = Record<string, string>
const container = (name: string, requests?: Amounts, limits?: Amounts, more: Partial<V1Container> = {}): V1Container => ({
  name,
  resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) },
  ...more,
})
const pod = (containers: V1Container[], more: Partial<V1PodSpec> = {}): V1PodSpec => ({ containers, ...more })
const quota = (hard: Amounts, used: Amounts = {}, spec: Partial<NonNullable<ResourceQuota['spec']>> = {}): ResourceQuota => ({
  metadata: { name: 'q' },
  spec: { hard, ...spec },
  status: { hard, used },
})
const range = (item: Partial<LimitRangeItem>): LimitRange => ({
  metadata: { name: 'r' },
  spec: { limits: [{ type: 'Container', ...item }] },
})

const quantities: [text: string, value: number | null][] = [
  ['500m', 0.5],
  ['2', 2],
  ['0.1', 0.1],
  ['1e3', 1000],
  ['12E', 12e18],
  ['1Gi', 2 ** 30],
  ['128Mi', 2 ** 27],
  ['100k', 100_000],
  ['two', null],
  ['', null],
  ['1gi', null],
]
for (const [text, value] of quantities) test(`quantity ${JSON.stringify(text)} is ${value}`, () => assert.equal(parseQuantity(text), value))

test('quantities are told as people write them', () => {
  assert.deepEqual(
    [
      formatQuantity(0.5, 'cpu'),
      formatQuantity(2, 'requests.cpu'),
      formatQuantity(2 ** 31, 'memory'),
      formatQuantity(2 ** 29, 'limits.memory'),
    ],
    ['500m', '2', '2Gi', '512Mi'],
  )
})

const small = pod([container('task', { cpu: '1', memory: '1Gi' }, { cpu: '2', memory: '2Gi' })])
const silent = pod([container('task')])

type QuotaRow = [title: string, spec: V1PodSpec, quota: ResourceQuota, expected: string[], ranges?: LimitRange[]]
const quotas: QuotaRow[] = [
  ['room for everything', small, quota({ 'requests.cpu': '10', 'limits.memory': '20Gi', pods: '5' }), []],
  [
    'more CPU than the quota has',
    small,
    quota({ 'requests.cpu': '500m' }),
    ['too-large a task needs 1 requests.cpu, the whole quota is 500m'],
  ],
  ['cpu means requests.cpu', small, quota({ cpu: '500m' }), ['too-large a task needs 1 cpu, the whole quota is 500m']],
  ['a limit counts too', small, quota({ 'limits.memory': '1Gi' }), ['too-large a task needs 2Gi limits.memory, the whole quota is 1Gi']],
  [
    'used up',
    small,
    quota({ 'requests.cpu': '4' }, { 'requests.cpu': '3500m' }),
    ['used-up a task needs 1 requests.cpu, 3500m of 4 are in use'],
  ],
  ['no Pods allowed', silent, quota({ pods: '0' }), ['too-large a task needs 1 pods, the whole quota is 0']],
  ['no Pods left', silent, quota({ 'count/pods': '2' }, { 'count/pods': '2' }), ['used-up a task needs 1 count/pods, 2 of 2 are in use']],
  [
    'no Jobs left',
    silent,
    quota({ 'count/jobs.batch': '3' }, { 'count/jobs.batch': '3' }),
    ['used-up a task needs 1 count/jobs.batch, 3 of 3 are in use'],
  ],
  ['no Secrets left', silent, quota({ secrets: '3' }, { secrets: '3' }), ['used-up a task needs 1 secrets, 3 of 3 are in use']],
  [
    'a quota on CPU wants to be told',
    silent,
    quota({ 'requests.cpu': '10' }),
    ['missing requests.cpu must be set for every container; it is not for task'],
  ],
  ['a limit range tells it', silent, quota({ 'requests.cpu': '10' }), [], [range({ defaultRequest: { cpu: '100m' } })]],
  ['a limit stands for the request', pod([container('task', undefined, { cpu: '1' })]), quota({ 'requests.cpu': '10' }), []],
  [
    'an init container must tell it too',
    pod([container('task', { cpu: '1' })], { initContainers: [container('setup')] }),
    quota({ 'requests.cpu': '10' }),
    ['missing requests.cpu must be set for every container; it is not for setup'],
  ],
  [
    'resources of the whole Pod spare the containers',
    pod([container('task')], { resources: { requests: { cpu: '1' } } }),
    quota({ 'requests.cpu': '10' }),
    [],
  ],
  ['ephemeral storage need not be told', silent, quota({ 'requests.ephemeral-storage': '1Gi' }), []],
  [
    'a GPU',
    pod([container('task', undefined, { 'nvidia.com/gpu': '2' })]),
    quota({ 'requests.nvidia.com/gpu': '1' }),
    ['too-large a task needs 2 requests.nvidia.com/gpu, the whole quota is 1'],
  ],
  [
    'the largest init container counts, not the sum',
    pod([container('task', { cpu: '1' })], { initContainers: [container('a', { cpu: '3' }), container('b', { cpu: '2' })] }),
    quota({ 'requests.cpu': '2' }),
    ['too-large a task needs 3 requests.cpu, the whole quota is 2'],
  ],
  [
    'native sidecars add up',
    pod([container('task', { cpu: '1' })], { initContainers: [container('s', { cpu: '2' }, undefined, { restartPolicy: 'Always' })] }),
    quota({ 'requests.cpu': '2' }),
    ['too-large a task needs 3 requests.cpu, the whole quota is 2'],
  ],
  ['only for Pods with a deadline', small, quota({ 'requests.cpu': '500m' }, {}, { scopes: ['Terminating'] }), []],
  [
    'only for Pods without one',
    small,
    quota({ 'requests.cpu': '500m' }, {}, { scopes: ['NotTerminating'] }),
    ['too-large a task needs 1 requests.cpu, the whole quota is 500m'],
  ],
  [
    'only for Pods that ask for nothing',
    silent,
    quota({ pods: '0' }, {}, { scopes: ['BestEffort'] }),
    ['too-large a task needs 1 pods, the whole quota is 0'],
  ],
  [
    'only for another priority class',
    small,
    quota({ pods: '0' }, {}, { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }),
    [],
  ],
  [
    'only for this priority class',
    pod(small.containers, { priorityClassName: 'high' }),
    quota({ pods: '0' }, {}, { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }),
    ['too-large a task needs 1 pods, the whole quota is 0'],
  ],
]
for (const [title, spec, given, expected, ranges = []] of quotas) {
  test(`quota, ${title}: ${expected.join('; ') || 'fits'}`, () => {
    const found = quotaConflicts({ spec, secret: true }, [given], ranges).map(({ kind, detail }) => `${kind} ${detail}`)
    assert.deepEqual(found, expected)
  })
}

type RangeRow = [title: string, spec: V1PodSpec, range: LimitRange, expected: string[]]
const limitRanges: RangeRow[] = [
  ['within', small, range({ min: { cpu: '100m' }, max: { cpu: '4' } }), []],
  ['a limit above the most', small, range({ max: { cpu: '1' } }), ['container task: is limited to 2 cpu, the most is 1']],
  ['a request below the least', small, range({ min: { memory: '4Gi' } }), ['container task: requests 1Gi memory, the least is 4Gi']],
  [
    'no limit where there is a most',
    silent,
    range({ max: { memory: '4Gi' } }),
    ['container task: has no limit of memory, the most is 4Gi'],
  ],
  ['the default is within', silent, range({ max: { memory: '4Gi' }, default: { memory: '2Gi' } }), []],
  ['no request where there is a least', silent, range({ min: { cpu: '1' } }), ['container task: requests no cpu, the least is 1']],
  [
    'limit and request too far apart',
    pod([container('task', { cpu: '100m' }, { cpu: '2' })]),
    range({ maxLimitRequestRatio: { cpu: '4' } }),
    ['container task: has a limit of cpu of 20.0 times its request, at most 4 are allowed'],
  ],
  [
    'the sum of a Pod',
    pod([container('task', undefined, { cpu: '2' }), container('proxy', undefined, { cpu: '2' })]),
    range({ type: 'Pod', max: { cpu: '3' } }),
    ['the Pod: is limited to 4 cpu, the most is 3'],
  ],
  ['volume claims are none of ours', small, range({ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } }), []],
  [
    'an init container',
    pod(small.containers, { initContainers: [container('setup', undefined, { cpu: '9' })] }),
    range({ max: { cpu: '4' } }),
    ['container setup: is limited to 9 cpu, the most is 4'],
  ],
]
for (const [title, spec, given, expected] of limitRanges) {
  test(`limit range, ${title}: ${expected.join('; ') || 'fits'}`, () => {
    assert.deepEqual(
      limitRangeConflicts(spec, [given]).map(({ detail }) => detail),
      expected,
    )
  })
}

const sample = (spec: V1PodSpec): Sample => ({ job: { spec: { template: { spec } } }, secret: null })
const samples = (plain: V1PodSpec, full = plain, small = plain, large = small): Samples => ({
  plain: sample(plain),
  full: sample(full),
  small: sample(small),
  large: sample(large),
  imagesConfigured: true,
})
const verdict = (given: Samples, quotaItems: ResourceQuota[], ranges: LimitRange[] = []) =>
  checkRoom('agents', given, { quotas: { ok: true, value: quotaItems }, limitRanges: { ok: true, value: ranges } }).map(
    ({ name, status, blocking }) => `${name} ${status}${blocking ? ' blocking' : ''}`,
  )

test('what no task can pass blocks; what instance_shape or no sidecar avoids only fails; what is used up only warns', () => {
  const wantsCpu = [quota({ 'requests.cpu': '10' })]
  assert.deepEqual(verdict(samples(silent), wantsCpu), ['quota failed blocking', 'limit-range ok'])
  assert.deepEqual(verdict(samples(silent, silent, small), wantsCpu), ['quota failed', 'limit-range ok'])
  const withSilentInit = pod(small.containers, { initContainers: [container('copy-sidecar-0')] })
  assert.deepEqual(verdict(samples(small, withSilentInit), wantsCpu), ['quota failed', 'limit-range ok'])
  assert.deepEqual(verdict(samples(small), [quota({ pods: '1' }, { pods: '1' })]), ['quota warning', 'limit-range ok'])
  assert.deepEqual(verdict(samples(small), [], [range({ max: { cpu: '1' } })]), ['quota ok', 'limit-range failed blocking'])
  const least = [range({ min: { cpu: '8' } })]
  assert.deepEqual(verdict(samples(small), [], least), ['quota ok', 'limit-range failed blocking'])
  assert.deepEqual(verdict(samples(small, small, small, pod([container('task', { cpu: '99' })])), [], least), [
    'quota ok',
    'limit-range failed',
  ])
})

test('what may not be read is left to the check of permissions; what is not served does not exist', () => {
  const error = (status: number) => ({
    ok: false as const,
    error: { status, reason: '', message: 'no', retryAfterMs: null, retryable: false, outcomeUnknown: false },
  })
  const of = (status: number) => checkRoom('agents', samples(small), { quotas: error(status), limitRanges: error(status) })
  assert.deepEqual(of(403), [])
  assert.deepEqual(
    of(404).map(({ status }) => status),
    ['ok', 'ok'],
  )
  assert.deepEqual(
    of(500).map(({ status }) => status),
    ['warning', 'warning'],
  )
})
