// Takes a task's secret values out of the end of its log before that is sent to anybody. Pure. A best effort for what a task prints by accident:
// the value itself and its usual disguises. A task that wants to tell its secrets still can.

/** Shorter values (true, 8080, prod) are left: their letters are everywhere, and a log without them would be unreadable. */
const SHORTEST = 6
const MARK = '[redacted]'

/** What to look for: each value, its lines (a key of several lines is often printed one by one), as JSON, URL and base64 text. */
export function secretForms(values: readonly string[]): string[] {
  const forms = new Set<string>()
  const add = (text: string): void => {
    if (text.length >= SHORTEST) forms.add(text)
  }
  for (const value of values) {
    const trimmed = value.trim()
    if (trimmed.length < SHORTEST) continue
    for (const text of new Set([value, trimmed])) {
      add(text)
      add(JSON.stringify(text).slice(1, -1))
      add(urlForm(text))
      for (const encoding of ['base64', 'base64url'] as const) {
        const encoded = Buffer.from(text).toString(encoding).replace(/=+$/, '')
        add(encoded)
        // What its last characters are depends on what follows the value (echo adds a newline): the whole groups of four do not.
        add(encoded.slice(0, encoded.length - (encoded.length % 4)))
      }
    }
    for (const line of trimmed.split(/\r?\n/)) add(line.trim())
  }
  return [...forms]
}

export interface Redacted {
  text: string
  /** Places where something was taken out. */
  places: number
}

/** `cutFront`, `cutBack`: the text is a piece of a longer one, so a value may stand there in part. */
export function redact(text: string, forms: readonly string[], { cutFront, cutBack }: { cutFront: boolean; cutBack: boolean }): Redacted {
  const spans: [from: number, to: number][] = []
  for (const form of forms) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + form.length)) spans.push([at, at + form.length])
    if (cutFront) {
      const length = overlap(form, text.slice(0, form.length - 1))
      if (length >= SHORTEST) spans.push([0, length])
    }
    if (cutBack) {
      const length = overlap(text.slice(Math.max(0, text.length - form.length + 1)), form)
      if (length >= SHORTEST) spans.push([text.length - length, text.length])
    }
  }
  spans.sort((a, b) => a[0] - b[0])
  const parts: string[] = []
  let done = 0
  let places = 0
  for (const [from, to] of spans) {
    if (to <= done) continue
    if (from >= done && !(from === done && done > 0)) {
      parts.push(text.slice(done, from), MARK)
      places++
    }
    done = to
  }
  parts.push(text.slice(done))
  return { text: parts.join(''), places }
}

/** Length of the longest end of `left` that is a beginning of `right`. Linear (Knuth, Morris, Pratt): a task chooses both texts. */
function overlap(left: string, right: string): number {
  const borders = new Int32Array(right.length)
  const extend = (length: number, unit: number): number => {
    let matched = length
    while (matched > 0 && (matched === right.length || right.charCodeAt(matched) !== unit)) matched = borders[matched - 1] ?? 0
    return matched < right.length && right.charCodeAt(matched) === unit ? matched + 1 : matched
  }
  for (let at = 1; at < right.length; at++) borders[at] = extend(borders[at - 1] ?? 0, right.charCodeAt(at))
  let matched = 0
  for (let at = 0; at < left.length; at++) matched = extend(matched, left.charCodeAt(at))
  return matched
}

function urlForm(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    // A lone surrogate has no URL form.
    return ''
  }
}
