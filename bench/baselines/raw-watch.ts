// A watch as plain as it can be: undici, split on \n, JSON.parse, no checks: what a hand-written client would begin with.
import type { RawClient } from '../lib/kube.ts'

/** Resolves once the watch is open; then calls `onEvent` until the signal aborts it. A watch that the server closes is opened again where it ended. */
export async function watchRaw<T extends { metadata: { resourceVersion?: string } }>(
  client: RawClient,
  path: string,
  onEvent: (type: string, object: T, atMs: number) => void,
  signal: AbortSignal,
  labelSelector = '',
): Promise<void> {
  const selected = `${path}?labelSelector=${encodeURIComponent(labelSelector)}`
  const listed = JSON.parse((await client.send('GET', `${selected}&limit=1`)).text) as { metadata: { resourceVersion: string } }
  let version = listed.metadata.resourceVersion
  const open = () => client.stream(`${selected}&watch=true&allowWatchBookmarks=true&resourceVersion=${version}&timeoutSeconds=3600`, signal)
  const first = await open()
  void (async () => {
    try {
      for (let body = first; !signal.aborted; body = await open()) {
        for await (const line of linesOf(body)) {
          const atMs = performance.timeOrigin + performance.now()
          const { type, object } = JSON.parse(line) as { type: string; object: T }
          if (type === 'ERROR') throw new Error(line)
          version = object.metadata.resourceVersion ?? version
          if (type !== 'BOOKMARK') onEvent(type, object, atMs)
        }
      }
    } catch (error) {
      if (!signal.aborted) console.error(`bench: the raw watch of ${path} broke: ${error}`)
    }
  })()
}

/** The plain way: text, split at every newline. */
export async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
}
