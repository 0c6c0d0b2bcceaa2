// The last bytes of a container's log, bounded in memory. The API's limitBytes cuts the FIRST bytes, where the error seldom is; so the log is read
// through and only its end is kept.
import type { Readable } from 'node:stream'
import type { KubeResult } from '../model/kube-api.ts'

export type LogTail = { text: string; note?: string } | { text: null; note: string }

/** Reading more than this for a tail would cost more than it is worth: tailLines bounds what the API sends. */
const TAIL_LINES = 5_000
const READ_TIMEOUT_MS = 10_000

export async function readLogTail(
  readLog: (pod: string, query: { container: string; tailLines: number }, signal: AbortSignal) => Promise<KubeResult<Readable>>,
  pod: string,
  container: string,
  limitBytes: number,
): Promise<LogTail> {
  if (limitBytes === 0) return { text: null, note: 'log tails are switched off (callback.log_tail_bytes: 0)' }
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS)
  try {
    const opened = await readLog(pod, { container, tailLines: TAIL_LINES }, signal)
    if (!opened.ok) return { text: null, note: `the log could not be read: ${opened.error.message}` }
    return await lastBytes(opened.value, limitBytes)
  } catch (error) {
    return { text: null, note: `the log could not be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** Keeps the last `limitBytes` of a stream as text; says so when something was cut off. A character cut in half at the front is dropped. */
export async function lastBytes(stream: AsyncIterable<Buffer>, limitBytes: number): Promise<{ text: string; note?: string }> {
  let kept: Buffer[] = []
  let keptBytes = 0
  let totalBytes = 0
  for await (const chunk of stream) {
    kept.push(chunk)
    keptBytes += chunk.length
    totalBytes += chunk.length
    if (keptBytes > 2 * limitBytes + 65_536) {
      kept = [Buffer.concat(kept).subarray(-limitBytes)]
      keptBytes = limitBytes
    }
  }
  let end = Buffer.concat(kept).subarray(-limitBytes)
  while (end.length < totalBytes && end.length > 0 && ((end[0] ?? 0) & 0xc0) === 0x80) end = end.subarray(1)
  const cutBytes = totalBytes - end.length
  return { text: end.toString('utf8'), ...(cutBytes > 0 ? { note: `the first ${cutBytes} bytes of what was read are left out` } : {}) }
}
