// Requests that two servers on the way could read in two ways are refused, before anything is done with them. What node:http refuses by itself
// (both lengths, folded headers, bad chunks, bare line feeds …) never gets here.
import type { IncomingMessage } from 'node:http'
import { type Refusal, refusal } from './model/problem.ts'

/** node:http takes the first of these when they are repeated; a proxy may take the last. The webhook's own are checked with its signature. */
const ONCE = new Set(['host', 'authorization', 'content-type', 'content-encoding', 'transfer-encoding', 'idempotency-key'])

/** null: there is one way to read it. */
export function ambiguity(
  request: Pick<IncomingMessage, 'rawHeaders' | 'headers' | 'httpVersionMajor' | 'httpVersionMinor'>,
): Refusal | null {
  if (request.httpVersionMajor !== 1) return refusal('malformed_request', 'speak HTTP/1.1')
  const seen = new Set<string>()
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index]?.toLowerCase() ?? ''
    if (ONCE.has(name) && seen.has(name)) return refusal('malformed_request', `the header ${name} may be sent only once`)
    seen.add(name)
  }
  if (!seen.has('host') && request.httpVersionMinor === 1) return refusal('malformed_request', 'the header host is missing')
  const { 'transfer-encoding': transfer, 'content-encoding': content, 'content-type': type = '' } = request.headers
  if (transfer !== undefined && transfer.toLowerCase() !== 'chunked')
    return refusal('malformed_request', 'the only transfer-encoding that is understood is chunked')
  if (content !== undefined && content.toLowerCase() !== 'identity')
    return refusal('unsupported_media_type', 'send the body as it is, without content-encoding')
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1]
  if (charset !== undefined && !/^utf-?8$|^us-ascii$/i.test(charset))
    return refusal('unsupported_media_type', 'send the body as UTF-8: content-type: application/json')
  return null
}
