// The checker itself: a clean history passes, and every promise, broken once on purpose, is found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './checker.ts'
import { type Callback, type Delivery, type History, holdsSecret, type ObjectEvent, SECRET_MARK } from './history.ts'
import { planted as bugs, occurrences } from './planted.ts'
import { summaryOf, timelineOf, violationsText } from './report.ts'

const KEY = { taskId: 't-1', executionId: 'e-1' }
const VERDICT = JSON.stringify({ type: 'task_failed', data: { ...ids(KEY), failure_reason: 'container_exit', exit_code: 7 } })
const STARTED = JSON.stringify({ type: 'task_started', data: { ...ids(KEY), pod: 'p-1', node: 'n-1', started_at: 's' } })

function ids(of: { taskId: string; executionId: string }): object {
  return { task_id: of.taskId, execution_id: of.executionId }
}

function delivery(atMs: number, status: number | null, more: Partial<Delivery> = {}): Delivery {
  return { ...KEY, what: 'assignment', content: 'a', replica: 'r0', atMs, answeredMs: atMs + 5, status, ...more }
}

function callback(atMs: number, type: string, body: string, more: Partial<Callback> = {}): Callback {
  const id = type === 'task_started' ? 'm_started' : 'm_verdict'
  return { ...KEY, id, type, body, verified: true, replica: 'r0', atMs, fault: 'none', alivePods: [], answered: 200, ...more }
}

function event(atMs: number, resource: ObjectEvent['resource'], type: ObjectEvent['type'], more: Partial<ObjectEvent> = {}): ObjectEvent {
  const own =
    resource === 'jobs' ? { name: 'j-1', uid: 'job-1', content: 'a' } : { name: 'p-1', uid: 'pod-1', jobUid: 'job-1', alive: true }
  const base = { ...KEY, atMs, resource, type, name: '', uid: '', content: '', jobUid: '', alive: false, state: '', leaks: false }
  return { ...base, ...own, ...more }
}

/** One task that fails with 7, refused with 503 first; and one that could not be accepted. */
function clean(): History {
  return {
    seed: 7,
    intents: [
      { ...KEY, scenario: 'exit code', outcomes: ['failed container_exit 7'] },
      { taskId: 't-2', executionId: 't-2', scenario: 'invalid', outcomes: [] },
    ],
    deliveries: [
      delivery(0, null),
      delivery(100, 503),
      delivery(200, 202),
      delivery(900, 202),
      delivery(950, 409, { content: 'b' }),
      delivery(300, 422, { taskId: 't-2', executionId: 't-2' }),
    ],
    events: [
      event(210, 'jobs', 'ADDED'),
      event(220, 'pods', 'ADDED'),
      event(300, 'pods', 'MODIFIED'),
      event(400, 'pods', 'MODIFIED', { alive: false }),
      event(700, 'jobs', 'MODIFIED'),
    ],
    callbacks: [
      callback(310, 'task_started', STARTED, { answered: 500 }),
      callback(350, 'task_started', STARTED),
      callback(500, 'task_failed', VERDICT, { answered: null }),
      callback(600, 'task_failed', VERDICT),
      callback(610, 'task_started', STARTED),
    ],
    leftovers: { held: [], open: [], namedSecrets: [], orphanSecrets: ['of-a-killed-replica'] },
    texts: [{ source: 'log of r0', text: '{"time":"2026-11-24T03:00:00.000Z","task_id":"t-1"}' }],
    incidents: [{ atMs: 250, what: 'kill r1' }],
    deaths: [{ atMs: 250, replica: 'r1' }],
    apiDeaths: [],
    exits: [{ replica: 'r0', code: 0 }],
    auditedJobs: 1,
  }
}

test('a clean history has no violation, whatever was lost, repeated and refused on the way', () => {
  assert.deepEqual(check(clean()), [])
})

const rows: [end: string, type: string, body: string, promise: string][] = [
  ['started', 'task_started', STARTED.replace('"s"', '"AT"'), 'one task_started'],
  ['finished', 'task_failed', VERDICT.replace('"data":{', '"data":{"finished_at":"AT",'), 'one verdict'],
]
for (const [end, type, body, promise] of rows) {
  test(`where the API itself has told of two times at which a task ${end}, either may be told`, () => {
    const history = clean()
    const twice = ['2026-11-24T03:00:01', '2026-11-24T03:00:02']
    history.callbacks = history.callbacks.map((each, index) =>
      each.type === type ? { ...each, body: body.replace('AT', `${twice[index % 2]}.000Z`) } : each,
    )
    assert.deepEqual(
      check(history).map((violation) => violation.promise),
      [promise],
    )
    for (const at of twice)
      history.events.splice(2, 0, event(300, 'pods', 'MODIFIED', { state: `Running task {"x":{"${end}At":"${at}Z"}}` }))
    assert.deepEqual(check(history), [])
  })
}

test('two Pods made around the end of an API server are the Job controller’s; at any other time they are not', () => {
  const history = clean()
  const [first] = history.events.filter(({ resource, type }) => resource === 'pods' && type === 'ADDED')
  history.events.splice(2, 0, event((first?.atMs ?? 0) + 50, 'pods', 'ADDED', { name: 'p-2', uid: 'pod-2' }))
  const promises = () => check(history).map(({ promise }) => promise)
  assert.deepEqual(promises(), ['one Pod at a time', 'nothing runs twice'])
  history.apiDeaths = [{ atMs: 60_000 }]
  assert.deepEqual(promises(), ['one Pod at a time', 'nothing runs twice'])
  history.apiDeaths = [{ atMs: first?.atMs ?? 0 }]
  assert.deepEqual(promises(), [])
  // Which of the two a replica names in task_started is up to its watch; another body is another body.
  const started = history.callbacks.find(({ body }) => body.includes('task_started'))
  assert.ok(started)
  const other = { ...started, body: started.body.replace(/"pod":"[^"]*"/, '"pod":"p-2"') }
  assert.notEqual(other.body, started.body)
  history.callbacks.splice(1, 0, other)
  assert.deepEqual(promises(), [])
  history.callbacks[1] = { ...other, body: started.body.replace('"data":{', '"data":{"other":1,') }
  assert.deepEqual(promises(), ['one task_started'])
  history.callbacks[1] = other
  history.events.push(event(800, 'pods', 'ADDED', { name: 'p-3', uid: 'pod-3' }))
  assert.ok(promises().includes('nothing runs twice'))
  assert.ok(promises().includes('one task_started'))
})

test('an audit log that was cut short by the end of its API server may lack Jobs, and never has more', () => {
  assert.deepEqual(check({ ...clean(), auditedJobs: 0, apiDeaths: [{ atMs: 60_000 }] }), [])
  const more = check({ ...clean(), auditedJobs: 2, apiDeaths: [{ atMs: 60_000 }] })
  assert.deepEqual(
    more.map(({ promise }) => promise),
    ['one Job an execution'],
  )
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const planted: [promise: string, how: string, spoil: (history: History) => void][] = [
  ['one Job an execution', 'a second Job', (h) => h.events.push(event(800, 'jobs', 'ADDED', { uid: 'job-2', name: 'j-2' }))],
  ['one Job an execution', 'the audit log has one Job more', (h) => Object.assign(h, { auditedJobs: 2 })],
  ['2xx means durable', 'accepted without a Job', (h) => Object.assign(h, { events: [] })],
  ['one content an execution', 'two contents accepted', (h) => h.deliveries.push(delivery(960, 202, { content: 'b' }))],
  ['4xx means that nothing runs', 'the refused content runs', (h) => h.events.push(event(800, 'jobs', 'MODIFIED', { content: 'b' }))],
  [
    '4xx means that nothing runs',
    'an invalid task has a Job',
    (h) => h.events.push(event(800, 'jobs', 'ADDED', { uid: 'job-2', taskId: 't-2', executionId: 't-2' })),
  ],
  ['no task out of nothing', 'a Job nobody asked for', (h) => h.events.push(event(800, 'jobs', 'ADDED', { uid: 'job-3', taskId: 't-3' }))],
  ['no task out of nothing', 'content nobody sent', (h) => h.events.push(event(800, 'jobs', 'MODIFIED', { content: 'c' }))],
  ['one Pod at a time', 'two Pods alive', (h) => h.events.splice(2, 0, event(250, 'pods', 'ADDED', { name: 'p-2', uid: 'pod-2' }))],
  ['nothing runs twice', 'a second Pod after the first', (h) => h.events.push(event(800, 'pods', 'ADDED', { name: 'p-2', alive: false }))],
  [
    '2xx means reported in the end',
    'no verdict acknowledged',
    (h) => Object.assign(h, { callbacks: h.callbacks.map((each) => (each.type === 'task_failed' ? { ...each, answered: 503 } : each)) }),
  ],
  [
    '2xx means reported in the end',
    'no verdict at all',
    (h) => Object.assign(h, { callbacks: h.callbacks.filter((each) => each.type === 'task_started') }),
  ],
  ['signed callbacks', 'a wrong signature', (h) => h.callbacks.push(callback(620, 'task_failed', VERDICT, { verified: false }))],
  ['one verdict id', 'a second id', (h) => h.callbacks.push(callback(620, 'task_failed', VERDICT, { id: 'm_other' }))],
  [
    'one verdict',
    'another body',
    (h) => h.callbacks.push(callback(620, 'task_failed', VERDICT.replace('"data":{', '"data":{"message":"x",'))),
  ],
  [
    'one verdict',
    'another end of the log',
    (h) => h.callbacks.push(callback(620, 'task_failed', VERDICT.replace('"exit_code":7', '"exit_code":7,"detail":{"log_tail":"x"}'))),
  ],
  [
    'one verdict',
    'completed after failed',
    (h) => h.callbacks.push(callback(620, 'task_completed', '{"type":"task_completed","data":{"exit_code":0}}')),
  ],
  ['one task_started', 'another body', (h) => h.callbacks.push(callback(620, 'task_started', STARTED.replace('n-1', 'n-2')))],
  [
    'started before the verdict',
    'first sent after it',
    (h) => Object.assign(h, { callbacks: h.callbacks.filter((each) => each.type !== 'task_started' || each.atMs > 600) }),
  ],
  [
    'no verdict while a Pod runs',
    'a Pod alive at the verdict',
    (h) => h.callbacks.push(callback(620, 'task_failed', VERDICT, { alivePods: ['p-1 (Running)'] })),
  ],
  [
    'the expected verdict',
    'another exit code expected',
    (h) => Object.assign(h, { intents: [{ ...KEY, scenario: 'ok', outcomes: ['completed 0'] }, ...h.intents.slice(1)] }),
  ],
  [
    'one meaning an id',
    'an id shared with another task',
    (h) => h.callbacks.push(callback(620, 'task_failed', VERDICT, { taskId: 't-2', executionId: 't-2' })),
  ],
  ['no secret anywhere', 'in a log', (h) => h.texts.push({ source: 'log of r1', text: `env ${SECRET_MARK}-1` })],
  ['no secret anywhere', 'in base64', (h) => h.texts.push({ source: 'log of r1', text: base64(`{"a":"${SECRET_MARK}-1"}`) })],
  ['no secret anywhere', 'in a callback', (h) => h.callbacks.push(callback(620, 'task_failed', VERDICT.replace('t-1', SECRET_MARK)))],
  ['no secret anywhere', 'in a Job', (h) => h.events.push(event(800, 'jobs', 'MODIFIED', { leaks: true }))],
  ['nothing is left over', 'a finalizer', (h) => h.leftovers.held.push('j-1')],
  ['nothing is left over', 'an open Job', (h) => h.leftovers.open.push('j-1')],
  ['nothing is left over', 'a Secret', (h) => h.leftovers.namedSecrets.push('j-1-aaaaaaaaaa')],
  ['SIGTERM ends with 0', 'another exit code', (h) => h.exits.push({ replica: 'r1', code: 1 })],
  ['SIGTERM ends with 0', 'had to be killed', (h) => h.exits.push({ replica: 'r1', code: null })],
]
for (const [promise, how, spoil] of planted) {
  test(`a broken promise is found: ${promise} (${how})`, () => {
    const history = clean()
    spoil(history)
    const found = check(history)
    assert.ok(
      found.some((violation) => violation.promise === promise),
      `found ${JSON.stringify(found)}`,
    )
  })
}

test('each bug that `npm run chaos -- --planted` plants has its place in the code', () => {
  for (const bug of bugs) assert.equal(occurrences(bug), 1, `${bug.name}: ${bug.file} has "${bug.find}"`)
})

test('a secret is found in base64 at every alignment', () => {
  for (const before of ['', 'a', 'ab', 'abc', 'abcd']) assert.ok(holdsSecret(base64(`${before}${SECRET_MARK}-value`)), before)
  assert.ok(!holdsSecret(base64('something else entirely, and long enough to hold a secret')))
})

test('a violation is told with the seed and the timeline of its task', () => {
  const history = clean()
  history.events.push(event(800, 'jobs', 'ADDED', { uid: 'job-2', name: 'j-2' }))
  const text = violationsText(history, check(history))
  assert.match(text, /VIOLATION \(one Job an execution\) t-1\/e-1/)
  assert.match(text, /--seed 7/)
  assert.match(text, /API ADDED jobs j-2/)
  assert.match(text, /kill r1/)
  const times = [...timelineOf(history, 't-1/e-1').matchAll(/^ {2}(\S+) /gm)].map(([, time]) => time)
  assert.deepEqual(times, [...times].sort())
  assert.match(summaryOf(history, new Map([['create jobs: reset-after', 2]])), /faults 2/)
})
