// Random texts that nobody can guess, from bytes fetched in advance: asking the system for nine bytes costs more than checking a signature.
import { randomBytes } from 'node:crypto'

const POOL_BYTES = 4_096
let pool = Buffer.alloc(0)
let used = 0

/** `bytes` fresh bytes as text; none is ever given out twice. */
export function randomText(bytes: number, encoding: 'hex' | 'base64url'): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(Math.max(POOL_BYTES, bytes))
    used = 0
  }
  used += bytes
  return pool.toString(encoding, used - bytes, used)
}
