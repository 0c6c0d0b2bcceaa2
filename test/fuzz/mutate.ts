// Bytes that are nearly right: something valid, changed in a few places. What breaks parsers is seldom random noise.
import fc from 'fast-check'

/** Text in which each character is one byte: prints and shrinks well, and loses nothing. */
export type Bytes = string
export const bytesOf = (text: Bytes): Buffer => Buffer.from(text, 'latin1')
export const latin1 = (text: string): Bytes => Buffer.from(text).toString('latin1')

/** Pieces that mean something to one parser or another. */
const PIECES = [
  '\u0000', '\r\n', '\n', '\r', '\t', ' ', '"', '\\', '{', '}', '[', ']', ',', ':', '.', '=', '%00', '%2e%2e%2f', '../', '$(A)', '${A}', '{{', '}}',
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'true', '-0', '1e400', '1E-400', '9007199254740993', '18446744073709551616',
  '-1', '0x10', '1_000', 'NaN', 'Infinity', '\\ud800', '\\udc00', '\\u0000', '\\u2028', '\u00ff\u00fe', '\u00ef\u00bb\u00bf', '\u00c0\u00af', '\u00ed\u00a0\u0080', '\u00f0\u009f\u009a\u0080',
  '!!js/function', '&a', '*a', '<<', '---\n', 'v1,', 'v1a,', 'whsec_', 'whpk_', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 0\r\n', 'Host: b\r\n',
  ' HTTP/1.1\r\n', '\r\n\r\n', '0\r\n\r\n', 'x'.repeat(300), '['.repeat(100), '{"a":'.repeat(70),
] // biome-ignore format: a list to look at, not to read line by line

type Change =
  | { kind: 'insert'; at: number; text: Bytes }
  | { kind: 'remove'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number }
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'cut'; at: number }

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const length = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.integer({ min: 1, max: 200 }))
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('insert' as const), at, text: fc.constantFrom(...PIECES) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      at,
      text: fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), at, length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const), at, length }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), at, bit: fc.integer({ min: 0, max: 7 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at }) },
)

function apply(text: Bytes, step: Change): Bytes {
  const from = Math.floor(step.at * (text.length + 1))
  switch (step.kind) {
    case 'insert':
      return text.slice(0, from) + step.text + text.slice(from)
    case 'remove':
      return text.slice(0, from) + text.slice(from + step.length)
    case 'repeat':
      return text.slice(0, from + step.length) + text.slice(from)
    case 'flip':
      return (
        text.slice(0, from) +
        text.slice(from, from + 1).replace(/./s, (byte) => String.fromCharCode(byte.charCodeAt(0) ^ (1 << step.bit))) +
        text.slice(from + 1)
      )
    case 'cut':
      return text.slice(0, from)
  }
}

/** One of `valid`, changed in up to `most` places; now and then not at all, or nothing but noise. */
export function mutated(valid: readonly Bytes[], most = 5): fc.Arbitrary<Bytes> {
  const noise = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 60 })
  return fc.oneof(
    {
      weight: 20,
      arbitrary: fc
        .tuple(fc.constantFrom(...valid), fc.array(change, { maxLength: most }))
        .map(([text, steps]) => steps.reduce(apply, text)),
    },
    { weight: 1, arbitrary: noise },
  )
}
