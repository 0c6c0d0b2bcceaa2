// Splits a byte stream into lines at \n only, without copying what arrives whole. For watch bodies: one JSON event a line.

/** A line longer than this is not a watch event; reading on would only eat memory. */
const LONGEST_LINE_BYTES = 32 * 1024 * 1024

/**
 * Yields the lines that each chunk completes, together: a step of the loop for each line costs more than a line. What follows the last \n when
 * the stream ends is yielded alone, with `complete` false.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<{ lines: string[]; complete: boolean }> {
  let rest: Buffer[] = []
  let restBytes = 0
  for await (const chunk of chunks) {
    const lines: string[] = []
    let from = 0
    for (let newline = chunk.indexOf(10); newline !== -1; newline = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, newline)
      from = newline + 1
      if (restBytes === 0) {
        lines.push(piece.toString('utf8'))
        continue
      }
      rest.push(piece)
      lines.push(Buffer.concat(rest).toString('utf8'))
      rest = []
      restBytes = 0
    }
    if (lines.length > 0) yield { lines, complete: true }
    if (from < chunk.length) {
      rest.push(chunk.subarray(from))
      restBytes += chunk.length - from
      if (restBytes > LONGEST_LINE_BYTES) throw new Error(`a watch event is longer than ${LONGEST_LINE_BYTES} bytes`)
    }
  }
  if (restBytes > 0) yield { lines: [Buffer.concat(rest).toString('utf8')], complete: false }
}
