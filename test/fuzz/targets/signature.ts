// Signatures: whatever the headers and the body are, verifying never throws, and says yes to nothing but what was signed.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createSigner, createVerifier, generateKeyPair, generateSecret, keyProblem } from '../../../src/lib/standard-webhooks.ts'
import { type Bytes, bytesOf, latin1, mutated } from '../mutate.ts'
import type { Target } from '../target.ts'

interface Input {
  id: Bytes | null
  timestamp: Bytes | null
  signature: Bytes | null
  body: Bytes
  key: Bytes
}

const secret = generateSecret()
const { privateKey, publicKey } = generateKeyPair()
const verifier = createVerifier([secret, publicKey])
const nowSeconds = 1_767_225_600
const id = 'msg_1'
const timestamp = String(nowSeconds)
const body = latin1('{"type":"heartbeat","data":{"a":"ü"}}')
const signed = createSigner([secret, privateKey]).sign(id, nowSeconds, bytesOf(body))
/** What an attacker can make out of what is public: the public key used as a shared secret. */
const confused = createSigner([`whsec_${publicKey.slice(5)}`]).sign(id, nowSeconds, bytesOf(body))
const goodSignatures = new Set(signed.split(' '))

export const signature: Target<Input> = {
  name: 'signature',
  inputs: fc.record({
    id: fc.oneof({ weight: 3, arbitrary: fc.constant(id) }, mutated([id]), fc.constant(null)),
    timestamp: fc.oneof({ weight: 3, arbitrary: fc.constant(timestamp) }, mutated([timestamp]), fc.constant(null)),
    signature: fc.oneof(
      mutated([signed, ...goodSignatures, confused, signed.replaceAll('v1,', 'v1a,'), signed.replaceAll('v1a,', 'v1,')]),
      fc.constant(null),
    ),
    body: fc.oneof({ weight: 3, arbitrary: fc.constant(body) }, mutated([body])),
    key: mutated([secret, publicKey, privateKey]),
  }),
  runs: 20_000,
  check(input) {
    const headers = { id: input.id ?? undefined, timestamp: input.timestamp ?? undefined, signature: input.signature ?? undefined }
    const result = verifier.verify(headers, bytesOf(input.body), nowSeconds)
    const honest =
      input.id === id &&
      input.timestamp === timestamp &&
      input.body === body &&
      (input.signature ?? '').split(' ').some((each) => isGood(each))
    if (result.ok) assert.ok(honest, 'accepted, but not what was signed')
    else assert.ok(!result.detail.includes(secret) && result.detail.isWellFormed())
    for (const use of ['sign', 'verify'] as const) {
      const problem = keyProblem(input.key, use)
      if (problem === null) assert.match(input.key, use === 'sign' ? /^wh(sec|sk)_/ : /^wh(sec|pk)_/)
      else for (const key of [secret, publicKey, privateKey]) assert.ok(!problem.includes(key.slice(6, 18)), 'a problem tells of the key')
    }
  },
}

/** Base64 may be spelled with other bits behind its end: the bytes are what counts. */
function isGood(text: string): boolean {
  const [version, value = ''] = text.split(',')
  return [...goodSignatures].some(
    (good) => good.startsWith(`${version},`) && Buffer.from(good.split(',')[1] ?? '', 'base64').equals(Buffer.from(value, 'base64')),
  )
}
