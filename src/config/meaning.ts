// What a schema cannot say about a configuration: keys that exclude or need each other, files that must be
// there. Each problem names the keys and the remedy.
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { describeError } from '../lib/log.ts'
import { keyProblem } from '../lib/standard-webhooks.ts'
import type { ConfigProblem } from './problem.ts'
import type { Config } from './schema.ts'

export interface Meaning {
  problems: ConfigProblem[]
  warnings: ConfigProblem[]
}

export function checkMeaning(config: Config): Meaning {
  const problems: ConfigProblem[] = []
  const warnings: ConfigProblem[] = []
  const problem = (key: string, detail: string): void => void problems.push({ key, detail })
  const kubernetes = config.backend.kubernetes

  config.webhook.secrets.forEach((secret, index) => {
    const detail = keyProblem(secret, 'verify')
    if (detail) problem(`webhook.secrets.${index}`, detail)
  })
  config.callback.secrets.forEach((secret, index) => {
    const detail = keyProblem(secret, 'sign')
    if (detail) problem(`callback.secrets.${index}`, detail)
  })
  for (const [key, tls] of Object.entries({ tls: config.tls, 'callback.tls': config.callback.tls })) {
    if ((tls.cert_file === undefined) !== (tls.key_file === undefined)) problem(key, 'needs cert_file and key_file together, or neither')
    for (const [name, file] of Object.entries(tls)) {
      const detail = name.endsWith('_file') ? pemProblem(file) : null
      if (detail) problem(`${key}.${name}`, detail)
    }
  }
  if (config.tls.client_ca_file !== undefined && config.tls.cert_file === undefined)
    problem('tls.client_ca_file', 'needs tls.cert_file and tls.key_file: client certificates are a part of TLS')
  if (config.callback.url !== undefined) {
    if (!isHttpUrl(config.callback.url)) problem('callback.url', 'must be an http:// or https:// URL without user name and password')
    if (config.callback.secrets.length === 0)
      problem('callback.secrets', 'is needed with callback.url: callbacks are always signed. Make one with: jobhook keys')
  } else if (config.callback.allow_origins.length > 0 && config.callback.secrets.length === 0) {
    problem('callback.secrets', 'is needed with callback.allow_origins: callbacks are always signed. Make one with: jobhook keys')
  }
  if (config.callback.url === undefined && config.callback.allow_origins.length === 0 && config.socket === undefined) {
    warnings.push({ key: 'callback.url', detail: 'is not set: nobody is called when a task ends; results are to be had by REST only' })
  }

  config.trust_proxy.forEach((range, index) => {
    if (!isRange(range)) problem(`trust_proxy.${index}`, 'must be an address or a CIDR, such as 10.0.0.0/8 or fd00::/8')
  })

  config.api.tokens.forEach((token, index) => {
    const key = `api.tokens.${index}`
    if ((token.token === undefined) === (token.sha256 === undefined)) problem(key, 'needs either token or sha256, not both')
    if (token.token !== undefined && token.token.length < 16) problem(`${key}.token`, 'must have at least 16 characters')
  })
  const names = config.api.tokens.map((token) => token.name)
  if (new Set(names).size < names.length)
    problem('api.tokens', 'has two tokens of the same name; the name says in the audit log who it was')

  if (config.max_concurrent_tasks !== undefined && config.limits.max_concurrent_tasks !== 0)
    both('max_concurrent_tasks', 'limits.max_concurrent_tasks')
  if (kubernetes?.unschedulable_timeout !== undefined && config.deadlines.schedule !== undefined)
    both('backend.kubernetes.unschedulable_timeout', 'deadlines.schedule')
  if (kubernetes?.active_deadline_seconds !== undefined && config.deadlines.run !== undefined)
    both('backend.kubernetes.active_deadline_seconds', 'deadlines.run')
  if (
    kubernetes?.ttl_seconds_after_finished !== undefined &&
    (config.retention.success !== undefined || config.retention.failure !== undefined)
  ) {
    both('backend.kubernetes.ttl_seconds_after_finished', 'retention.success and retention.failure')
  }
  function both(old: string, now: string): void {
    problem(old, `and ${now} are the same setting: keep one of them`)
  }

  if (config.limits.overflow === 'queue' && (config.max_concurrent_tasks ?? config.limits.max_concurrent_tasks) === 0)
    problem('limits.max_concurrent_tasks', 'is needed with limits.overflow: queue: how many tasks may run at once')
  if (config.poll && !isHttpUrl(config.poll.url)) problem('poll.url', 'must be an http:// or https:// URL without user name and password')
  if (config.socket && !/^wss?:$/.test(URL.parse(config.socket.url)?.protocol ?? ''))
    problem('socket.url', 'must be a ws:// or wss:// URL, such as wss://control.example')
  for (const [name, part] of Object.entries({ poll: config.poll, socket: config.socket })) {
    const unread = part && typeof part.token === 'object' && 'file' in part.token ? unreadable(part.token.file) : null
    if (unread) problem(`${name}.token`, unread)
  }
  if (config.profile === 'oz' && config.oz?.server_root_url === undefined) problem('oz.server_root_url', 'is needed with profile: oz')
  return { problems, warnings }
}

/** What is wrong with a file of certificates or keys, or null. Its content is never told. */
function pemProblem(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').includes('-----BEGIN ') ? null : `names ${file}, which is no PEM file`
  } catch (error) {
    return `names a file that cannot be read: ${describeError(error)}`
  }
}

function unreadable(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() === '' ? `names the file ${file}, which is empty` : null
  } catch (error) {
    return `names a file that cannot be read: ${describeError(error)}`
  }
}

function isRange(text: string): boolean {
  const [address = '', prefix] = text.split('/')
  const version = isIP(address)
  return version !== 0 && (prefix === undefined || Number(prefix) <= (version === 4 ? 32 : 128))
}

export function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
}

/** Ways in that are open: without any, there is nothing to serve. */
export function entrances(config: Config): string[] {
  return [
    ...(config.webhook.secrets.length > 0 ? ['webhook'] : []),
    ...(config.api.tokens.length > 0 ? ['REST'] : []),
    ...(config.poll ? ['long poll'] : []),
    ...(config.socket ? ['socket'] : []),
  ]
}
