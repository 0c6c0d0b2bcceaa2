// A list into memory by hand: pages of 500 over undici, JSON.parse, and of each object what a cache keeps when somebody has thought of its size:
// metadata without managedFields, and the status. No yields, no joins, no indexes.
import type { RawClient } from '../lib/kube.ts'

interface Item {
  metadata: Record<string, unknown> & { name: string }
  status?: unknown
}

export async function listRaw(client: RawClient, path: string, labelSelector: string): Promise<Map<string, Item>> {
  const kept = new Map<string, Item>()
  let token = ''
  do {
    const query = `limit=500&labelSelector=${encodeURIComponent(labelSelector)}${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`
    const { status, text } = await client.send('GET', `${path}?${query}`)
    if (status !== 200) throw new Error(`list: ${status} ${text.slice(0, 300)}`)
    const page = JSON.parse(text) as { items: Item[]; metadata: { continue?: string } }
    for (const { metadata, status: state } of page.items) {
      const { managedFields: _, ...rest } = metadata
      kept.set(metadata.name, { metadata: { ...rest, name: metadata.name }, status: state })
    }
    token = page.metadata.continue ?? ''
  } while (token !== '')
  return kept
}
