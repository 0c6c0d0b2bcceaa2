// The page's login without a server: what a cookie proves, when it ends, whose requests count.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSessions, isSameOrigin, readCookie } from '../../src/ui/session.ts'
import { manualClock } from '../intake/parts.ts'

const TOKEN = 'token-0123456789abcdef'
const options = { secrets: ['a'.repeat(64), 'whsec_b'], name: 'w1', lifetimeMs: 60_000 }

test('another replica opens what one sealed; the token cannot be read out of it', () => {
  const clock = manualClock()
  const one = createSessions({ clock }, options)
  const other = createSessions({ clock }, { ...options, secrets: options.secrets.toReversed() })
  const sealed = one.seal(TOKEN)
  assert.equal(other.open(sealed), TOKEN)
  assert.ok(!Buffer.from(sealed, 'base64url').toString('latin1').includes(TOKEN.slice(0, 8)))
  assert.notEqual(one.seal(TOKEN), sealed)
})

test('it ends with its time, with a change of the secrets, and with any change of its bytes', async () => {
  const clock = manualClock()
  const sessions = createSessions({ clock }, options)
  const sealed = sessions.seal(TOKEN)
  for (let index = 0; index < sealed.length - 1; index += 7) {
    const changed = sealed.slice(0, index) + (sealed[index] === 'A' ? 'B' : 'A') + sealed.slice(index + 1)
    assert.equal(sessions.open(changed), null, `changed at ${index}`)
  }
  for (const text of ['', 'x', sealed.slice(0, 30), 'A'.repeat(10_000), '%%%']) assert.equal(sessions.open(text), null)
  assert.equal(createSessions({ clock }, { ...options, secrets: ['a'.repeat(64)] }).open(sealed), null)
  await clock.advance(59_999)
  assert.equal(sessions.open(sealed), TOKEN)
  await clock.advance(1)
  assert.equal(sessions.open(sealed), null)
})

test('two services on one host have cookies of their own', () => {
  const clock = manualClock()
  const [one = '', other = ''] = ['w1', 'w2'].map((name) => createSessions({ clock }, { ...options, name }).cookieName)
  assert.notEqual(one, other)
  assert.equal(readCookie(`a=1; ${one}=x=y; b`, one), 'x=y')
  assert.equal(readCookie(undefined, one), null)
})

test('which requests come from the page itself', () => {
  const rows: [headers: Record<string, string>, own: boolean][] = [
    [{ 'sec-fetch-site': 'same-origin', host: 'a' }, true],
    [{ 'sec-fetch-site': 'same-site', origin: 'http://a', host: 'a' }, false],
    [{ 'sec-fetch-site': 'cross-site', host: 'a' }, false],
    [{ 'sec-fetch-site': 'none', host: 'a' }, false],
    [{ origin: 'http://a:8080', host: 'a:8080' }, true],
    [{ origin: 'http://a:8080', host: 'a:9090' }, false],
    [{ origin: 'http://evil', host: 'a' }, false],
    [{ origin: 'null', host: 'a' }, false],
    [{ host: 'a' }, false],
  ]
  for (const [headers, own] of rows) assert.equal(isSameOrigin(headers), own, JSON.stringify(headers))
})
