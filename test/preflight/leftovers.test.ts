// Doctor's report of what crashes left behind, and of a long poll that is not served.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLeftovers, checkPoll } from '../../src/preflight/index.ts'

const secret = (name: string) => ({ name })

test('Secrets without a Job are named, at most five, with what will happen to them', () => {
  const one = checkLeftovers({ orphans: [secret('a')], secrets: 3, error: null })
  assert.deepEqual([one.status, one.blocking], ['warning', false])
  assert.match(`${one.why} ${one.fix}`, /: a .*sweeper/)
  const many = checkLeftovers({ orphans: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(secret), secrets: 7, error: null })
  assert.match(many.why ?? '', /a, b, c, d, e and 2 more/)
})

test('nothing left, nothing looked for, and a list that failed are told apart', () => {
  const error = { status: 403, reason: 'Forbidden', message: 'no list', retryAfterMs: null, retryable: false, outcomeUnknown: false }
  assert.equal(checkLeftovers({ orphans: [], secrets: 2, error: null }).status, 'ok')
  assert.match(checkLeftovers(null).what, /sweep_secrets is off/)
  assert.equal(checkLeftovers({ orphans: [], secrets: 0, error }).status, 'warning')
})

test('a long poll: not configured, served, refused', () => {
  assert.deepEqual(checkPoll(null, null), [])
  assert.equal(checkPoll('https://c.example', { kind: 'nothing' })[0]?.status, 'ok')
  const greedy = checkPoll('https://c.example', { kind: 'messages', messages: [1, 2] })[0]
  assert.deepEqual([greedy?.status, /handed out 2 message/.test(greedy?.what ?? '')], ['warning', true])
  const refused = checkPoll('https://c.example', { kind: 'unauthenticated', cause: 'it answered 401' })[0]
  assert.deepEqual([refused?.status, refused?.why], ['failed', 'it answered 401'])
  assert.match(refused?.fix ?? '', /poll\.token/)
})
