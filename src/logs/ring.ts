// The last bytes of a stream in bounded memory. The API's limitBytes cuts the FIRST bytes of a log, where the error seldom is; so a log is read
// through and only its end is kept.

export interface Ring {
  push(chunk: Uint8Array): void
  /** What is kept, oldest first, and how many bytes before it were dropped. */
  read(): { bytes: Buffer; droppedBytes: number }
}

const FIRST_BYTES = 16_384

/** Never holds more than `limitBytes`; grows to it by doubling, so that many short logs cost little. */
export function createRing(limitBytes: number): Ring {
  let buffer = Buffer.alloc(Math.min(limitBytes, FIRST_BYTES))
  let start = 0
  let length = 0
  let totalBytes = 0

  function grow(neededBytes: number): void {
    const next = Buffer.alloc(Math.min(limitBytes, Math.max(buffer.length * 2, neededBytes)))
    // Before it has reached its limit nothing has wrapped: what is kept begins at 0.
    buffer.copy(next, 0, 0, length)
    buffer = next
  }

  return {
    push(chunk) {
      totalBytes += chunk.length
      if (limitBytes === 0) return
      const data = chunk.length > limitBytes ? chunk.subarray(chunk.length - limitBytes) : chunk
      if (length + data.length > buffer.length && buffer.length < limitBytes) grow(length + data.length)
      const end = (start + length) % buffer.length
      const untilEdge = Math.min(data.length, buffer.length - end)
      buffer.set(data.subarray(0, untilEdge), end)
      buffer.set(data.subarray(untilEdge), 0)
      const overBytes = Math.max(0, length + data.length - buffer.length)
      start = (start + overBytes) % buffer.length
      length = Math.min(buffer.length, length + data.length)
    },
    read() {
      const bytes = Buffer.concat([
        buffer.subarray(start, Math.min(start + length, buffer.length)),
        buffer.subarray(0, Math.max(0, start + length - buffer.length)),
      ])
      return { bytes, droppedBytes: totalBytes - length }
    },
  }
}

/** Reads a stream to its end through a ring. */
export async function lastBytes(stream: AsyncIterable<Uint8Array>, limitBytes: number): Promise<{ bytes: Buffer; droppedBytes: number }> {
  const ring = createRing(limitBytes)
  for await (const chunk of stream) ring.push(chunk)
  return ring.read()
}

/** As text; half a character at the front, left by a cut, is dropped. */
export function tailText({ bytes, droppedBytes }: { bytes: Buffer; droppedBytes: number }): string {
  let from = 0
  // A character has at most three bytes after its first.
  while (droppedBytes > 0 && from < 3 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++
  return bytes.toString('utf8', from)
}
