// Text from an assignment on its way into a manifest: what Kubernetes and Linux cannot carry is refused, what Kubernetes would expand is escaped.

/** Linux passes at most 32 pages a string to a program (MAX_ARG_STRLEN), its terminating zero included. */
export const MAX_ARGUMENT_BYTES = 131_071
/** One Secret holds at most 1 MiB of values. */
export const MAX_SECRET_BYTES = 1_048_576
/** All annotations of one object, names and values. */
export const MAX_ANNOTATIONS_BYTES = 262_144

/** Kubernetes expands $(NAME) in command, args and env values, and reads $$ as $. This makes any text arrive as it is. */
export function literal(text: string): string {
  return text.includes('$') ? text.replace(/\$(?=[$(])/g, '$$$$') : text
}

/** Why a string cannot be an argument of a program, or null. */
export function argumentProblem(text: string): string | null {
  return (
    textProblem(text) ??
    (Buffer.byteLength(text) > MAX_ARGUMENT_BYTES
      ? `is longer than the ${MAX_ARGUMENT_BYTES} bytes Linux passes in one argument; put it into a file`
      : null)
  )
}

/** Why a string cannot be the value of the variable `name`, or null. */
export function envValueProblem(name: string, value: string): string | null {
  const limit = MAX_ARGUMENT_BYTES - Buffer.byteLength(name) - 1
  return (
    textProblem(value) ??
    (Buffer.byteLength(value) > limit
      ? `has a value longer than the ${limit} bytes Linux passes in one variable; put it into a file`
      : null)
  )
}

/** Why Kubernetes would refuse a variable's name, or null. Since 1.34 any printable ASCII but = is allowed. */
export function envNameProblem(name: string): string | null {
  if (name === '') return 'is an empty name; a variable needs one'
  if (name.includes('=')) return 'has = in its name, which ends the name of a variable; rename it'
  return /^[\x20-\x7e]+$/.test(name) ? null : 'has a name with characters other than printable ASCII, which Kubernetes refuses; rename it'
}

/** Why a string cannot travel through JSON and UTF-8 unchanged, or null. */
export function unicodeProblem(text: string): string | null {
  return text.isWellFormed() ? null : 'has half of a surrogate pair, which UTF-8 cannot carry; send whole characters'
}

function textProblem(text: string): string | null {
  if (text.includes('\u0000')) return 'has a NUL character, which no program can receive; remove it or encode the text'
  return unicodeProblem(text)
}

const LABEL_PART = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

/** The part of a label's or annotation's name after the slash. */
export function isNamePart(text: string): boolean {
  return LABEL_PART.test(text)
}

export function isLabelValue(text: string): boolean {
  return text === '' || LABEL_PART.test(text)
}

/** A whole label or annotation name: [prefix/]name. */
export function isQualifiedName(text: string): boolean {
  const parts = text.split('/')
  const name = parts.pop() ?? ''
  const prefix = parts.join('/')
  return parts.length <= 1 && isNamePart(name) && (parts.length === 0 || (prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix)))
}
