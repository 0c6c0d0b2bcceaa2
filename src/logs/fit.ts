// Cuts a log's end to what a report may carry. Pure. The bound counts bytes as they will be in JSON: a log of control characters is six times as
// long there, and the verdict with its tail must fit into an annotation.

const SHORT_ESCAPES = new Set(['"', '\\', '\b', '\f', '\n', '\r', '\t'].map((character) => character.charCodeAt(0)))

/** The end of `text`: at most `limitBytes` of UTF-8 and `jsonLimitBytes` as a JSON string without its quotes. */
export function fitTail(text: string, limitBytes: number, jsonLimitBytes: number): { text: string; cut: boolean } {
  let bytes = 0
  let jsonBytes = 0
  let from = text.length
  while (from > 0) {
    const unit = text.charCodeAt(from - 1)
    const isPair = isLow(unit) && from > 1 && isHigh(text.charCodeAt(from - 2))
    const size = isPair ? 4 : unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3
    bytes += size
    jsonBytes += jsonSize(unit, isPair, size)
    if (bytes > limitBytes || jsonBytes > jsonLimitBytes) break
    from -= isPair ? 2 : 1
  }
  return { text: text.slice(from), cut: from > 0 }
}

function jsonSize(unit: number, isPair: boolean, size: number): number {
  if (SHORT_ESCAPES.has(unit)) return 2
  // Lone surrogates are escaped too.
  if (unit < 0x20 || (!isPair && unit >= 0xd800 && unit <= 0xdfff)) return 6
  return size
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff
