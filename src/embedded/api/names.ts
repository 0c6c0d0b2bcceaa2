/** What may be a name, a label, a finalizer, an environment variable or a config key. Each check gives the complaint, or null when it is fine. Pure. */

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const LABEL_VALUE = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'
const CONFIG_KEY = '[-._a-zA-Z0-9]+'

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${pattern})$`).test(text)
}

const quoted = (pattern: string): string => `regex used for validation is '${pattern}'`

export function subdomainComplaint(name: string): string | null {
  if (name.length > 253) return 'must be no more than 253 bytes'
  if (matches(SUBDOMAIN, name)) return null
  return `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', ${quoted(SUBDOMAIN)})`
}

export function labelNameComplaint(name: string): string | null {
  if (name.length > 63) return 'must be no more than 63 bytes'
  if (matches(LABEL, name)) return null
  return `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', ${quoted(LABEL)})`
}

export function qualifiedNameComplaint(key: string): string | null {
  const parts = key.split('/')
  const examples = `(e.g. 'MyName',  or 'my.name',  or '123-abc', ${quoted(QUALIFIED)})`
  const rule = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${examples}`
  if (parts.length > 2) return `a valid label key ${rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`
  const name = parts.at(-1) ?? ''
  if (parts.length === 2 && subdomainComplaint(parts[0] ?? '') !== null) return `prefix part ${subdomainComplaint(parts[0] ?? '')}`
  if (name === '') return 'name part must be non-empty'
  if (name.length > 63) return 'name part must be no more than 63 bytes'
  return matches(QUALIFIED, name) ? null : `name part ${rule}`
}

export function labelValueComplaint(value: string): string | null {
  if (value.length > 63) return 'must be no more than 63 bytes'
  if (matches(LABEL_VALUE, value)) return null
  return `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', ${quoted(LABEL_VALUE)})`
}

const STANDARD_FINALIZERS = new Set(['orphan', 'foregroundDeletion', 'kubernetes'])

export function finalizerComplaint(name: string): string | null {
  return name.includes('/') || STANDARD_FINALIZERS.has(name) ? null : 'name is neither a standard finalizer name nor is it fully qualified'
}

export function envNameComplaint(name: string): string | null {
  return /^[ -<>-~]+$/.test(name)
    ? null
    : "a valid environment variable name must consist only of printable ASCII characters other than '='"
}

export function configKeyComplaint(key: string): string | null {
  if (key.length > 253) return 'must be no more than 253 bytes'
  if (key === '.' || key === '..' || key.startsWith('..'))
    return `must not ${key.startsWith('..') && key !== '..' ? "start with '..'" : `be '${key}'`}`
  if (matches(CONFIG_KEY, key)) return null
  return `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', ${quoted(CONFIG_KEY)})`
}
