// Standard Webhooks signatures: the golden vectors, the npm package as an oracle, properties, and every way headers and keys can be wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import {
  createSigner,
  createVerifier,
  generateKeyPair,
  generateSecret,
  idProblem,
  keyProblem,
  MAX_SIGNATURES,
  type Verification,
  type WebhookHeaders,
} from '../../src/lib/standard-webhooks.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const now = 1614265330
const body = Buffer.from('{"test": 2432232314}')
const goldenV1 = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
const goldenV1a = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=='

function headers(more: Partial<WebhookHeaders> = {}): WebhookHeaders {
  return { id, timestamp: String(now), signature: goldenV1, ...more }
}

function problem(result: Verification): string {
  return result.ok ? 'ok' : result.problem
}

test('golden vector: v1 signs and verifies', () => {
  assert.equal(createSigner([secret]).sign(id, now, body), goldenV1)
  assert.equal(createSigner([secret]).sign(id, now, body.toString()), goldenV1)
  assert.deepEqual(createVerifier([secret]).verify(headers(), body, now), { ok: true })
})

test('golden vector: v1a verifies with the public key', () => {
  assert.deepEqual(createVerifier([publicKey]).verify(headers({ signature: goldenV1a }), body, now), { ok: true })
})

test('what is signed here the standardwebhooks package verifies, and the other way round', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 24, maxLength: 64 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
      fc.json(),
      (bytes, messageId, text) => {
        const key = `whsec_${Buffer.from(bytes).toString('base64')}`
        const seconds = Math.floor(Date.now() / 1000) // the package has no clock of its own to hand in
        const oracle = new Webhook(key)
        const signature = createSigner([key]).sign(messageId, seconds, text)
        assert.equal(signature, oracle.sign(messageId, new Date(seconds * 1000), text))
        oracle.verify(text, { 'webhook-id': messageId, 'webhook-timestamp': String(seconds), 'webhook-signature': signature })
        const given = { id: messageId, timestamp: String(seconds), signature: oracle.sign(messageId, new Date(seconds * 1000), text) }
        assert.equal(createVerifier([key]).verify(given, Buffer.from(text), seconds).ok, true)
      },
    ),
    { numRuns: 50 },
  )
})

test('any bytes sign and verify with both kinds of key, and one changed byte is noticed', () => {
  const pair = generateKeyPair()
  const signer = createSigner([secret, pair.privateKey])
  const verifiers = [createVerifier([secret]), createVerifier([pair.publicKey])]
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, position, flip) => {
      const signed = headers({ signature: signer.sign(id, now, bytes) })
      const changed = Uint8Array.from(bytes)
      const at = position % bytes.length
      changed[at] = (bytes[at] ?? 0) ^ flip
      for (const verifier of verifiers) {
        assert.equal(problem(verifier.verify(signed, bytes, now)), 'ok')
        assert.equal(problem(verifier.verify(signed, changed, now)), 'signature')
      }
    }),
    { numRuns: 50 },
  )
})

test('whatever the headers are, verifying never throws and never succeeds without the key', () => {
  const verifier = createVerifier([secret, publicKey])
  const anything = fc.oneof(fc.string(), fc.constant(undefined), fc.array(fc.string()), fc.constant(String(now)), fc.constant(id))
  const signature = fc.oneof(
    anything,
    fc.base64String({ maxLength: 100 }).chain((value) => fc.constantFrom(`v1,${value}`, `v1a,${value}`, `v1,${value} v1a,${value}`)),
  )
  fc.assert(
    fc.property(anything, anything, signature, (anyId, timestamp, anySignature) => {
      assert.equal(verifier.verify({ id: anyId, timestamp, signature: anySignature }, body, now).ok, false)
    }),
  )
})

test('bytes that are not UTF-8 are not mixed up with U+FFFD', () => {
  const replacement = Buffer.from('\ufffd')
  const signed = headers({ signature: createSigner([secret]).sign(id, now, replacement) })
  assert.equal(createVerifier([secret]).verify(signed, replacement, now).ok, true)
  assert.equal(createVerifier([secret]).verify(signed, Buffer.from([0xff]), now).ok, false)
})

const other = `v1,${Buffer.alloc(32, 1).toString('base64')}`
const headerRows: [name: string, given: Partial<WebhookHeaders>, expected: string][] = [
  ['no id', { id: undefined }, 'headers'],
  ['no timestamp', { timestamp: undefined }, 'headers'],
  ['no signature', { signature: undefined }, 'headers'],
  ['empty id', { id: '' }, 'headers'],
  ['empty signature', { signature: '' }, 'headers'],
  ['blank signature', { signature: '   ' }, 'headers'],
  ['an id sent twice, joined by node', { id: `${id}, ${id}` }, 'headers'],
  ['an id sent twice, as an array', { id: [id, id] }, 'headers'],
  ['an id of 257 characters', { id: 'x'.repeat(257) }, 'headers'],
  ['an id with a full stop', { id: 'msg_1.2' }, 'headers'],
  ['an id with a letter outside ASCII', { id: 'msg_é' }, 'headers'],
  ['an id with a control character', { id: 'msg_\u0007' }, 'headers'],
  ['a timestamp with junk behind', { timestamp: `${now}junk` }, 'headers'],
  ['a timestamp with a sign', { timestamp: `+${now}` }, 'headers'],
  ['a negative timestamp', { timestamp: '-1' }, 'headers'],
  ['a timestamp with a fraction', { timestamp: `${now}.0` }, 'headers'],
  ['a timestamp with leading zeros', { timestamp: `0${now}` }, 'headers'],
  ['a timestamp in exponent form', { timestamp: '1e9' }, 'headers'],
  ['a timestamp in hexadecimal', { timestamp: '0x6037' }, 'headers'],
  ['a timestamp with a space', { timestamp: ` ${now}` }, 'headers'],
  ['a timestamp in other digits', { timestamp: '١٦١٤٢٦٥٣٣٠' }, 'headers'],
  ['a timestamp of 20 digits', { timestamp: '1'.repeat(20) }, 'headers'],
  ['a timestamp in milliseconds', { timestamp: `${now}000` }, 'timestamp'],
  ['a timestamp 301 s behind', { timestamp: String(now - 301) }, 'timestamp'],
  ['a timestamp 301 s ahead', { timestamp: String(now + 301) }, 'timestamp'],
  ['a timestamp within the window but not the signed one', { timestamp: String(now - 300) }, 'signature'],
  ['another id than the signed one', { id: 'msg_other' }, 'signature'],
  ['a signature without a version', { signature: goldenV1.slice(3) }, 'headers'],
  ['a signature with nothing behind its comma', { signature: 'v1,' }, 'headers'],
  ['a signature header sent twice, joined by node', { signature: `${goldenV1}, ${goldenV1}` }, 'headers'],
  ['too many signatures', { signature: [...Array(MAX_SIGNATURES).fill(other), goldenV1].join(' ') }, 'headers'],
  ['as many signatures as allowed, the last one good', { signature: [...Array(MAX_SIGNATURES - 1).fill(other), goldenV1].join(' ') }, 'ok'],
  ['two signatures, the first good', { signature: `${goldenV1} ${other}` }, 'ok'],
  ['two signatures, one of them garbage', { signature: `garbage ${goldenV1}` }, 'ok'],
  ['two signatures, one of an unknown version', { signature: `v9,AAAA ${goldenV1}` }, 'ok'],
  ['two spaces between signatures', { signature: `${other}  ${goldenV1}` }, 'ok'],
  ['only an unknown version', { signature: 'v9,AAAA' }, 'signature'],
  ['a wrong signature', { signature: other }, 'signature'],
  ['a signature that is too short', { signature: 'v1,AAAA' }, 'signature'],
  ['the right signature under the wrong version', { signature: goldenV1.replace('v1,', 'v1a,') }, 'signature'],
  ['a version in capitals', { signature: goldenV1.replace('v1', 'V1') }, 'headers'],
]
for (const [name, given, expected] of headerRows) {
  test(`${name} is ${expected === 'ok' ? 'accepted' : `refused: ${expected}`}`, () => {
    assert.equal(problem(createVerifier([secret]).verify(headers(given), body, now)), expected)
  })
}

test('a timestamp at the edge of the window is accepted', () => {
  const signer = createSigner([secret])
  for (const skew of [-300, 300]) {
    const given = headers({ timestamp: String(now + skew), signature: signer.sign(id, now + skew, body) })
    assert.equal(problem(createVerifier([secret]).verify(given, body, now)), 'ok')
  }
})

test('the window can be narrowed', () => {
  const given = headers({ timestamp: String(now - 6), signature: createSigner([secret]).sign(id, now - 6, body) })
  assert.equal(problem(createVerifier([secret], { toleranceSeconds: 5 }).verify(given, body, now)), 'timestamp')
})

test('a refusal says how far the clock is off, or what exactly is signed', () => {
  const verifier = createVerifier([secret])
  const late = verifier.verify(headers({ timestamp: String(now - 400) }), body, now)
  assert.match(late.ok ? '' : late.detail, /timestamp is 400 s from the server's clock/)
  const milliseconds = verifier.verify(headers({ timestamp: `${now}000` }), body, now)
  assert.match(milliseconds.ok ? '' : milliseconds.detail, /looks like milliseconds/)
  const wrong = verifier.verify(headers({ signature: other }), body, now)
  assert.match(wrong.ok ? '' : wrong.detail, /no signature matches.*\{webhook-id\}\.\{webhook-timestamp\}\.\{raw body\}/)
  const kind = verifier.verify(headers({ signature: goldenV1a }), body, now)
  assert.match(kind.ok ? '' : kind.detail, /v1a \(ed25519\) signatures are not verified here/)
})

test('several keys: an old and a new secret both verify, and a signer with both signs twice', () => {
  const newer = generateSecret()
  const both = createSigner([secret, newer]).sign(id, now, body)
  assert.equal(both.split(' ').length, 2)
  for (const key of [secret, newer]) {
    assert.equal(problem(createVerifier([key]).verify(headers({ signature: both }), body, now)), 'ok')
    const single = headers({ signature: createSigner([key]).sign(id, now, body) })
    assert.equal(problem(createVerifier([secret, newer]).verify(single, body, now)), 'ok')
  }
})

test('a public key is never used as an HMAC secret', () => {
  const pair = generateKeyPair()
  const bytes = pair.publicKey.slice('whpk_'.length)
  const forged = createSigner([`whsec_${bytes}`]).sign(id, now, body)
  const verifier = createVerifier([pair.publicKey])
  assert.equal(problem(verifier.verify(headers({ signature: forged }), body, now)), 'signature')
  assert.equal(problem(verifier.verify(headers({ signature: forged.replace('v1,', 'v1a,') }), body, now)), 'signature')
})

test('fresh keys are usable: a secret both ways, a pair each for its own use', () => {
  const key = generateSecret()
  assert.equal(keyProblem(key, 'sign'), null)
  assert.equal(keyProblem(key, 'verify'), null)
  const pair = generateKeyPair()
  const signed = headers({ signature: createSigner([pair.privateKey]).sign(id, now, body) })
  assert.equal(problem(createVerifier([pair.publicKey]).verify(signed, body, now)), 'ok')
})

test('a 32-byte private key signs like the 64-byte form of it', () => {
  const long = Buffer.from(generateKeyPair().privateKey.slice('whsk_'.length), 'base64')
  const [full, seed] = [long, long.subarray(0, 32)].map((bytes) => createSigner([`whsk_${bytes.toString('base64')}`]).sign(id, now, body))
  assert.equal(full, seed)
})

const base64 = (length: number) => Buffer.alloc(length, 7).toString('base64')
const keyRows: [name: string, key: string, use: 'sign' | 'verify', expected: RegExp | null][] = [
  ['24 bytes', `whsec_${base64(24)}`, 'verify', null],
  ['64 bytes', `whsec_${base64(64)}`, 'verify', null],
  ['padding left out', `whsec_${base64(25).replace(/=+$/, '')}`, 'verify', null],
  ['23 bytes', `whsec_${base64(23)}`, 'verify', /24 to 64 bytes.*it is 23/],
  ['65 bytes', `whsec_${base64(65)}`, 'verify', /24 to 64 bytes.*it is 65/],
  ['no prefix', base64(32), 'verify', /must begin with whsec_/],
  ['prefix in capitals', `WHSEC_${base64(32)}`, 'verify', /must begin with whsec_/],
  ['nothing after the prefix', 'whsec_', 'verify', /not valid base64/],
  ['not base64', 'whsec_********************************', 'verify', /not valid base64/],
  ['the URL alphabet', `whsec_${Buffer.alloc(32, 0xff).toString('base64url')}`, 'verify', /not valid base64/],
  ['a line break at the end', `whsec_${base64(32)}\n`, 'verify', /not valid base64/],
  ['a private key to verify with', generateKeyPair().privateKey, 'verify', /private key.*give its public key/],
  ['a public key to sign with', publicKey, 'sign', /public key.*cannot sign/],
  ['a public key of 31 bytes', `whpk_${base64(31)}`, 'verify', /must be 32 bytes/],
  ['a private key of 33 bytes', `whsk_${base64(33)}`, 'sign', /must be 32 or 64 bytes/],
  ['a private key whose halves do not belong together', `whsk_${base64(64)}`, 'sign', /damaged/],
]
for (const [name, key, use, expected] of keyRows) {
  test(`a key with ${name} is ${expected ? 'refused without being shown' : 'accepted'}`, () => {
    const found = keyProblem(key, use)
    if (!expected) return assert.equal(found, null)
    assert.match(found ?? '', expected)
    const bare = key.trim().replace(/^\w+?_/, '')
    if (bare) assert.ok(!found?.includes(bare))
  })
}

test('a signer and a verifier name the position of a bad key, not the key', () => {
  for (const make of [createSigner, createVerifier]) {
    assert.throws(
      () => make([secret, 'hunter2']),
      (error: Error) => /webhook key 2 of 2 must begin with/.test(error.message) && !error.message.includes('hunter2'),
    )
    assert.throws(() => make([]), /at least one webhook key/)
  }
})

test('a signer refuses ids and timestamps that no receiver would accept', () => {
  const signer = createSigner([secret])
  for (const bad of ['', 'a b', 'a.b', 'x'.repeat(257), 'line\nbreak']) assert.throws(() => signer.sign(bad, now, body), /webhook-id/)
  for (const bad of [1.5, -1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => signer.sign(id, bad, body), /webhook-timestamp/)
  assert.equal(idProblem('msg_~!*'), null)
})
