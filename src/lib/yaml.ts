// Reading YAML that may hold secrets: what is wrong is told by place and kind, never by the text around it, and nothing is printed on the side.
import { parse, YAMLParseError } from 'yaml'

export type ReadYaml = { ok: true; value: unknown } | { ok: false; detail: string }

/** One document; null when it is empty. */
export function readYaml(text: string): ReadYaml {
  try {
    // The library would print warnings of its own, with the line concerned.
    return { ok: true, value: parse(text, { logLevel: 'error' }) ?? null }
  } catch (error) {
    if (!(error instanceof YAMLParseError))
      return { ok: false, detail: 'is not YAML: an alias (*name) has no anchor (&name), or too many of them' }
    const [start] = error.linePos ?? []
    const place = start ? `line ${start.line}, column ${start.col}, ` : ''
    const kind = error.code.toLowerCase().replaceAll('_', ' ')
    return {
      ok: false,
      detail: `is not YAML: ${place}${kind}; text that begins with a special character, or has ": " or " #" in it, needs quotes`,
    }
  }
}
