// Reads the log lines out of the source: level, message and the fields that can be seen. Text in, data out.

export interface LogLine {
  file: string
  level: string
  /** A template's variable parts as `…`; null: the whole message is a variable. */
  message: string | null
  fields: string[]
}

export function logLines(file: string, source: string): LogLine[] {
  return [...source.matchAll(/\blog\??\.(debug|info|warn|error)\(/g)].map((match) => {
    const parts = argumentsAt(source, match.index + match[0].length)
    const message = parts.at(-1) ?? ''
    const literal = /^(['`"])([\s\S]*)\1$/.exec(message)?.[2]
    return {
      file,
      level: match[1] ?? '',
      message: literal === undefined ? null : shorten(literal),
      fields: parts.length > 1 ? fieldsOf(parts[0] ?? '') : [],
    }
  })
}

/** `a ${b} c ${d}` becomes `a … c …`; neighbouring variable parts become one. */
function shorten(literal: string): string {
  return literal
    .replace(/\$\{[^}]*\}/g, '…')
    .replace(/…( ?…)+/g, '…')
    .replaceAll("\\'", "'")
}

/** The top-level arguments of a call, as text. */
function argumentsAt(source: string, start: number): string[] {
  const parts: string[] = []
  let depth = 0
  let quote = ''
  let from = start
  for (let at = start; at < source.length; at++) {
    const character = source[at] ?? ''
    if (quote !== '') {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (/['"`]/.test(character)) quote = character
    else if (/[({[]/.test(character)) depth++
    else if (/[)}\]]/.test(character)) {
      if (depth-- === 0) {
        parts.push(source.slice(from, at))
        break
      }
    } else if (character === ',' && depth === 0) {
      parts.push(source.slice(from, at))
      from = at + 1
    }
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** Names in an object literal: `{ a, b: 1, ...c }` has a and b. */
function fieldsOf(text: string): string[] {
  if (!text.startsWith('{')) return []
  const inner = text.slice(1, -1)
  return argumentsAt(`${inner})`, 0)
    .filter((part) => !part.startsWith('...'))
    .map((part) => /^[a-z_]+/i.exec(part)?.[0] ?? part)
}
