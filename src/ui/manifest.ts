// A Job as people may see it: as it is in the cluster, without what is noise, and with everything masked that may be a secret. jobhook itself puts
// values of env_vars into a Secret; what an operator's template or another controller wrote is not known to be harmless.
import { stringify } from 'yaml'

const MASK = '********'
const SECRET_NAME = /token|secret|passw|key|credential|auth|cookie|session|dsn|connection_string/i
const NOISE = new Set(['managedFields', 'kubectl.kubernetes.io/last-applied-configuration'])

export function maskedManifest(job: unknown): string {
  return stringify(masked(job), { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false })
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => !NOISE.has(name))
  // An environment variable: {name, value}.
  const variable = 'name' in value && 'value' in value && typeof value.value === 'string'
  return Object.fromEntries(
    entries.map(([name, content]) => {
      if (variable && name === 'value') return [name, SECRET_NAME.test(String(value.name)) ? MASK : withoutUserInfo(content)]
      if (name === 'jobhook.dev/callback-url') return [name, originOf(content)]
      if ((name === 'data' || name === 'stringData') && typeof content === 'object') return [name, MASK]
      return [name, masked(content)]
    }),
  )
}

/** A callback URL's path and query often hold what lets one in. */
function originOf(url: unknown): string {
  const origin = typeof url === 'string' ? URL.parse(url)?.origin : null
  return origin ? `${origin}/${MASK}` : MASK
}

function withoutUserInfo(text: unknown): unknown {
  return typeof text === 'string' ? text.replace(/(\w+:\/\/)[^/\s:@]+:[^/\s@]+@/g, `$1${MASK}@`) : text
}
