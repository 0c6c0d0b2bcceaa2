// The check `secrets`: webhook keys and tokens that are valid but easy to guess. Pure; never says anything of a value but its position.
import { createHash } from 'node:crypto'
import { type CheckResult, failed, ok, warning } from './check.ts'

export interface ConfiguredSecrets {
  webhook: readonly string[]
  callback: readonly string[]
  /** Bearer tokens given as text. */
  tokens: readonly { name: string; token: string }[]
}

const NAME = 'secrets'
const MAKE = 'make a new one: jobhook keys'

/** Keys printed in the Standard Webhooks specification and its libraries' tests, by SHA-256: everybody has them. */
const PUBLISHED = new Set(['96ad2ccd81462a766178ae09a71df55f548a3f66da11606f9cdf40b391e22dd0'])

export function checkSecrets(secrets: ConfiguredSecrets): CheckResult[] {
  const found: CheckResult[] = []
  for (const list of ['webhook', 'callback'] as const) {
    secrets[list].forEach((key, index) => {
      const place = `${list}.secrets[${index}]`
      if (PUBLISHED.has(sha256(key)))
        found.push(failed(NAME, `${place} is the example key of the Standard Webhooks specification`, 'everybody can sign with it', MAKE))
      else if (key.startsWith('whsec_') && weak(Buffer.from(key.slice(6), 'base64'))) {
        found.push(warning(NAME, `${place} does not look random`, 'a key made from words or repeated characters can be guessed', MAKE))
      }
    })
  }
  if (secrets.webhook.some((key) => key.startsWith('whsec_') && secrets.callback.includes(key))) {
    const why = 'whoever receives callbacks could sign assignments'
    found.push(warning(NAME, 'webhook.secrets and callback.secrets share a key', why, 'use one key for each direction: jobhook keys'))
  }
  for (const { name, token } of secrets.tokens) {
    if (token.length < 24 || new Set(token).size < 10) {
      const fix = 'make a longer one: openssl rand -base64 32'
      found.push(warning(NAME, `the token ${JSON.stringify(name)} of api.tokens is short or repeats itself`, 'it could be guessed', fix))
    }
  }
  if (found.length > 0) return found
  const count = secrets.webhook.length + secrets.callback.length + secrets.tokens.length
  return [ok(NAME, count === 0 ? 'none are configured' : `no key or token is easy to guess (${count} looked at)`)]
}

/** Random bytes are hardly ever all printable (24 of them: 1 in 10^10) and seldom repeat much. */
function weak(bytes: Buffer): boolean {
  const printable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  return printable || new Set(bytes).size < bytes.length / 2
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
