// The page's login: a bearer token in a cookie that only this service's replicas can read. No state: any replica opens what another sealed, because
// the key comes from the configuration. The token is inside, so that a login ends with its token, and so that nobody can make a cookie who only
// knows what the configuration may show (the SHA-256 of tokens).
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'

export interface Sessions {
  cookieName: string
  seal(token: string): string
  /** The token; null when it is not ours, was changed, or has run out. */
  open(sealed: string): string | null
}

const IV_BYTES = 12
const TAG_BYTES = 16
const LONGEST_COOKIE = 4_096

/** `secrets`: everything secret in the configuration. Other secrets, other key: whoever is logged in logs in again. */
export function createSessions(
  deps: { clock: Clock },
  options: { secrets: readonly string[]; name: string; lifetimeMs: number },
): Sessions {
  const material = createHash('sha256')
  for (const secret of [...options.secrets].sort()) material.update(`${secret.length}:${secret}`)
  const key = Buffer.from(hkdfSync('sha256', material.digest(), '', 'jobhook page session 1', 32))
  // Cookies do not tell ports apart: two services on one machine must not log each other out.
  const cookieName = `jobhook_${createHash('sha256').update(options.name).digest('hex').slice(0, 8)}`
  return {
    cookieName,
    seal(token) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      const content = JSON.stringify([token, deps.clock.now() + options.lifetimeMs])
      return Buffer.concat([iv, cipher.update(content, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url')
    },
    open(sealed) {
      if (sealed.length > LONGEST_COOKIE) return null
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length <= IV_BYTES + TAG_BYTES) return null
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
        const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8')
        const [token, untilMs] = JSON.parse(text) as [string, number]
        return deps.clock.now() < untilMs ? token : null
      } catch {
        return null // changed, or sealed under another configuration
      }
    },
  }
}

/** One cookie of a Cookie header. */
export function readCookie(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').split(';')) {
    const equals = part.indexOf('=')
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim()
  }
  return null
}

/** Whether a request was made by a page of this very service. Browsers say so in one of the two; who says neither is no page. */
export function isSameOrigin(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const { 'sec-fetch-site': site, origin, host } = headers
  if (site !== undefined) return site === 'same-origin'
  if (typeof origin !== 'string' || typeof host !== 'string') return false
  return URL.parse(origin)?.host === host.toLowerCase()
}
