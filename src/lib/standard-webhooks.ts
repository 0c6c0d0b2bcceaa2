// Standard Webhooks signatures: v1 (HMAC-SHA256, whsec_ keys) and v1a (ed25519, whsk_/whpk_ keys), signing and verifying raw bytes.
// Not for: HTTP, JSON, replay memory. Source: the Standard Webhooks specification 1.0.0.
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'

/** Seconds a timestamp may be away from the receiver's clock, in either direction. */
export const DEFAULT_TOLERANCE_SECONDS = 300
/** More signatures than any rotation needs: each one costs a verification, so the header is refused beyond this. */
export const MAX_SIGNATURES = 10
export const MAX_ID_LENGTH = 256

export type KeyUse = 'sign' | 'verify'

type Key = { kind: 'symmetric'; secret: Buffer } | { kind: 'private'; key: KeyObject } | { kind: 'public'; key: KeyObject }
type Parsed = { ok: true; key: Key } | { ok: false; problem: string }

export interface Signer {
  /** The value of webhook-signature: one signature a key, space-separated. Throws for an id or timestamp that no receiver would accept. */
  sign(id: string, timestampSeconds: number, body: Uint8Array | string): string
}

/** Header values as node:http gives them: undefined when absent. */
export interface WebhookHeaders {
  id: string | string[] | undefined
  timestamp: string | string[] | undefined
  signature: string | string[] | undefined
}

export type Verification =
  | { ok: true }
  /** headers: missing or malformed (400); timestamp: outside the window (401); signature: none matches (401). `detail` never tells which key. */
  | { ok: false; problem: 'headers' | 'timestamp' | 'signature'; detail: string }

export interface Verifier {
  /** `rawBody` must be the bytes as received: JSON that was parsed and written again has another signature. */
  verify(headers: WebhookHeaders, rawBody: Uint8Array, nowSeconds: number): Verification
}

/** What is wrong with a key for this use, in words that never contain the key; null when it is usable. */
export function keyProblem(text: string, use: KeyUse): string | null {
  const parsed = parseKey(text, use)
  return parsed.ok ? null : parsed.problem
}

/** Keys: whsec_… gives a v1 signature, whsk_… (private ed25519) a v1a one. Throws, naming the position and the problem, when a key is unusable. */
export function createSigner(keys: readonly string[]): Signer {
  const parsed = parseKeys(keys, 'sign')
  return {
    sign(id, timestampSeconds, body) {
      const problem = idProblem(id)
      if (problem) throw new Error(problem)
      if (!Number.isSafeInteger(timestampSeconds) || timestampSeconds < 0)
        throw new Error('webhook-timestamp must be whole seconds since 1970')
      const prefix = `${id}.${timestampSeconds}.`
      return parsed
        .map((key) =>
          key.kind === 'symmetric' ? `v1,${hmac(key.secret, prefix, body).toString('base64')}` : signV1a(key.key, prefix, body),
        )
        .join(' ')
    },
  }
}

/** Keys: whsec_… verifies v1 signatures only, whpk_… (public ed25519) v1a only, so that a public key can never be used as an HMAC secret. */
export function createVerifier(
  keys: readonly string[],
  { toleranceSeconds = DEFAULT_TOLERANCE_SECONDS }: { toleranceSeconds?: number } = {},
): Verifier {
  const parsed = parseKeys(keys, 'verify')
  const secrets = parsed.flatMap((key) => (key.kind === 'symmetric' ? [key.secret] : []))
  const publicKeys = parsed.flatMap((key) => (key.kind === 'public' ? [key.key] : []))
  return {
    verify(headers, rawBody, nowSeconds) {
      const read = readHeaders(headers)
      if ('problem' in read) return { ok: false, problem: 'headers', detail: read.problem }
      const skewSeconds = Math.round(Number(read.timestamp) - nowSeconds)
      if (Math.abs(Number(read.timestamp) - nowSeconds) > toleranceSeconds) {
        return { ok: false, problem: 'timestamp', detail: timestampDetail(Number(read.timestamp), skewSeconds, toleranceSeconds) }
      }
      const prefix = `${read.id}.${read.timestamp}.`
      const v1 = read.signatures.filter((entry) => entry.version === 'v1').map((entry) => entry.value)
      const v1a = read.signatures.filter((entry) => entry.version === 'v1a').map((entry) => entry.value)
      const matches = matchesV1(secrets, v1, prefix, rawBody) || matchesV1a(publicKeys, v1a, prefix, rawBody)
      if (matches) return { ok: true }
      return {
        ok: false,
        problem: 'signature',
        detail: mismatchDetail(secrets.length > 0, publicKeys.length > 0, v1.length > 0, v1a.length > 0),
      }
    },
  }
}

/** A fresh symmetric secret (32 random bytes). */
export function generateSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/** A fresh ed25519 pair: the private key in the 64-byte form (seed, then public key) that the field's libraries share. */
export function generateKeyPair(): { privateKey: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
  const point = publicBytes(publicKey)
  return { privateKey: `whsk_${Buffer.concat([seed, point]).toString('base64')}`, publicKey: `whpk_${point.toString('base64')}` }
}

/** What is wrong with a message id, or null. A full stop is refused, as the specification advises: it would let one signed text be read in two ways. */
export function idProblem(id: string): string | null {
  if (id.length === 0 || id.length > MAX_ID_LENGTH) return `webhook-id must have 1 to ${MAX_ID_LENGTH} characters (it has ${id.length})`
  if (!/^[\x21-\x7e]+$/.test(id)) return 'webhook-id must be visible ASCII characters without spaces (is the header sent twice?)'
  if (id.includes('.')) return 'webhook-id must not contain a full stop: it separates the parts of what is signed'
  return null
}

function parseKeys(texts: readonly string[], use: KeyUse): Key[] {
  if (texts.length === 0) throw new Error('at least one webhook key is needed')
  return texts.map((text, index) => {
    const parsed = parseKey(text, use)
    if (!parsed.ok) throw new Error(`webhook key ${index + 1} of ${texts.length} ${parsed.problem}`)
    return parsed.key
  })
}

function parseKey(text: string, use: KeyUse): Parsed {
  const prefix = /^(whsec_|whsk_|whpk_)/.exec(text)?.[1]
  const wanted =
    use === 'sign' ? 'whsec_ (shared secret) or whsk_ (private ed25519 key)' : 'whsec_ (shared secret) or whpk_ (public ed25519 key)'
  if (!prefix) return { ok: false, problem: `must begin with ${wanted}, followed by base64` }
  if (prefix === 'whpk_' && use === 'sign')
    return { ok: false, problem: 'is a public key (whpk_), which cannot sign: give the private key (whsk_)' }
  if (prefix === 'whsk_' && use === 'verify') {
    return { ok: false, problem: 'is a private key (whsk_), which a receiver should not have: give its public key (whpk_)' }
  }
  const bytes = decodeBase64(text.slice(prefix.length))
  if (!bytes) return { ok: false, problem: `is not valid base64 after ${prefix} (standard alphabet, no spaces or line breaks)` }
  if (prefix === 'whsec_') {
    if (bytes.length < 24 || bytes.length > 64)
      return { ok: false, problem: `must be 24 to 64 bytes after decoding (it is ${bytes.length}); "jobhook keys" makes one` }
    return { ok: true, key: { kind: 'symmetric', secret: bytes } }
  }
  if (prefix === 'whpk_') {
    if (bytes.length !== 32) return { ok: false, problem: `must be 32 bytes after decoding (it is ${bytes.length})` }
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' })
    return { ok: true, key: { kind: 'public', key } }
  }
  return parsePrivateKey(bytes)
}

function parsePrivateKey(bytes: Buffer): Parsed {
  if (bytes.length !== 32 && bytes.length !== 64)
    return { ok: false, problem: `must be 32 or 64 bytes after decoding (it is ${bytes.length})` }
  const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex') // PKCS#8 header of a raw ed25519 seed (RFC 8410)
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, bytes.subarray(0, 32)]), format: 'der', type: 'pkcs8' })
  if (bytes.length === 64 && !publicBytes(createPublicKey(key)).equals(bytes.subarray(32))) {
    return { ok: false, problem: 'is damaged: its second half is not the public key of its first' }
  }
  return { ok: true, key: { kind: 'private', key } }
}

function publicBytes(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
}

/** Strict: Buffer.from alone would skip what is not base64. Padding may be left out. */
function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  const canonical = bytes.toString('base64')
  return text.length > 0 && (text === canonical || text === canonical.replace(/=+$/, '')) ? bytes : null
}

function readHeaders(
  headers: WebhookHeaders,
): { id: string; timestamp: string; signatures: { version: string; value: string }[] } | { problem: string } {
  const { id, timestamp, signature } = headers
  const missing = [!id && 'webhook-id', !timestamp && 'webhook-timestamp', !signature && 'webhook-signature'].filter(
    (name) => name !== false,
  )
  if (missing.length > 0) return { problem: `${missing.join(', ')} missing: sign the request as Standard Webhooks describes` }
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string')
    return { problem: 'each webhook header may be sent only once' }
  const wrongId = idProblem(id)
  if (wrongId) return { problem: wrongId }
  if (!/^(0|[1-9][0-9]{0,14})$/.test(timestamp)) return { problem: 'webhook-timestamp must be whole seconds since 1970, digits only' }
  const entries = signature.split(' ').filter((entry) => entry !== '')
  if (entries.length > MAX_SIGNATURES)
    return { problem: `webhook-signature has ${entries.length} signatures; at most ${MAX_SIGNATURES} are allowed` }
  // Node joins repeated headers with a comma and a space, which no signature contains.
  if (entries.some((entry) => entry.endsWith(',')))
    return { problem: 'webhook-signature has a signature with nothing after its comma, or is sent twice' }
  const signatures = entries.flatMap((entry) => {
    const parts = /^([a-z0-9]{1,16}),([A-Za-z0-9+/]+={0,2})$/.exec(entry)
    return parts?.[1] && parts[2] ? [{ version: parts[1], value: parts[2] }] : [] // others are skipped: a later version may look otherwise
  })
  if (signatures.length === 0) return { problem: 'webhook-signature has no signature of the form "v1,<base64>" or "v1a,<base64>"' }
  return { id, timestamp, signatures }
}

function hmac(secret: Buffer, prefix: string, body: Uint8Array | string): Buffer {
  return createHmac('sha256', secret).update(prefix).update(body).digest()
}

function signV1a(key: KeyObject, prefix: string, body: Uint8Array | string): string {
  return `v1a,${sign(null, signedBytes(prefix, body), key).toString('base64')}`
}

function signedBytes(prefix: string, body: Uint8Array | string): Buffer {
  return Buffer.concat([Buffer.from(prefix), typeof body === 'string' ? Buffer.from(body) : body])
}

/** Compares every signature with every secret, so that the time taken does not tell which one matched. */
function matchesV1(secrets: readonly Buffer[], values: readonly string[], prefix: string, body: Uint8Array): boolean {
  if (values.length === 0) return false
  const candidates = values.map((value) => Buffer.from(value, 'base64')).filter((candidate) => candidate.length === 32)
  let matched = false
  for (const secret of secrets) {
    const expected = hmac(secret, prefix, body)
    for (const candidate of candidates) matched = timingSafeEqual(expected, candidate) || matched
  }
  return matched
}

/** Public keys and signatures are no secrets: the first match ends it. */
function matchesV1a(keys: readonly KeyObject[], values: readonly string[], prefix: string, body: Uint8Array): boolean {
  if (keys.length === 0 || values.length === 0) return false
  const bytes = signedBytes(prefix, body)
  const candidates = values.map((value) => Buffer.from(value, 'base64')).filter((candidate) => candidate.length === 64)
  return candidates.some((candidate) => keys.some((key) => verify(null, bytes, key, candidate)))
}

function timestampDetail(timestamp: number, skewSeconds: number, toleranceSeconds: number): string {
  const side = skewSeconds < 0 ? 'behind' : 'ahead of'
  const hint = timestamp > 99_999_999_999 ? ' It looks like milliseconds: send seconds.' : ''
  return `timestamp is ${Math.abs(skewSeconds)} s from the server's clock (${side} it; at most ${toleranceSeconds} s are allowed): sign each attempt anew with the current time.${hint}`
}

function mismatchDetail(hasSecrets: boolean, hasPublicKeys: boolean, hasV1: boolean, hasV1a: boolean): string {
  const signed = 'Signed is exactly {webhook-id}.{webhook-timestamp}.{raw body}, joined by full stops, the body byte for byte as sent.'
  if (hasV1a && !hasV1 && !hasPublicKeys)
    return `no signature matches: v1a (ed25519) signatures are not verified here, v1 (HMAC-SHA256) ones are. ${signed}`
  if (hasV1 && !hasV1a && !hasSecrets)
    return `no signature matches: v1 (HMAC-SHA256) signatures are not verified here, v1a (ed25519) ones are. ${signed}`
  if (!hasV1 && !hasV1a) return `no signature matches: none is of a known version (v1, v1a). ${signed}`
  return `no signature matches: v1 is the base64 HMAC-SHA256 with the decoded whsec_ secret, v1a the base64 ed25519 signature. ${signed}`
}
