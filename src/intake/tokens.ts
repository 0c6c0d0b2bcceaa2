// Bearer tokens of the REST API: compared as SHA-256 digests in constant time; only the digest is kept.
import { createHash, timingSafeEqual } from 'node:crypto'

export type Scope = 'read' | 'logs' | 'submit' | 'cancel' | 'admin'

export interface Caller {
  name: string
  scopes: ReadonlySet<Scope>
}

export type Authenticate = (authorization: string | undefined) => Caller | null

export function createAuthenticate(
  tokens: readonly { name: string; token?: string; sha256?: string; scopes: readonly Scope[] }[],
): Authenticate {
  const known = tokens.map((entry) => ({
    digest: entry.sha256 === undefined ? sha256(entry.token ?? '') : Buffer.from(entry.sha256, 'hex'),
    caller: { name: entry.name, scopes: new Set(entry.scopes) },
  }))
  return (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return null
    const digest = sha256(token)
    let found: Caller | null = null
    // Every entry is compared, so that the time tells nothing about which one matched.
    for (const entry of known) if (timingSafeEqual(entry.digest, digest)) found = entry.caller
    return found
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
