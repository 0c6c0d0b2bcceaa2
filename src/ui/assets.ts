// The page's files: read once when the first is asked for, served from memory. Their common hash is in their address, so that a browser may keep
// them for good.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface Asset {
  type: string
  bytes: Buffer
}

export interface Assets {
  /** Of all files together. */
  hash(): string
  get(name: string): Asset | null
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export function createAssets(folder = join(import.meta.dirname, 'assets')): Assets {
  let loaded: { hash: string; files: Map<string, Asset> } | null = null

  function load(): { hash: string; files: Map<string, Asset> } {
    if (loaded) return loaded
    const files = new Map<string, Asset>()
    const hash = createHash('sha256')
    for (const name of readdirSync(folder).sort()) {
      const type = TYPES[extname(name)]
      if (type === undefined) continue
      const bytes = readFileSync(join(folder, name))
      files.set(name, { type, bytes })
      hash.update(name).update(bytes)
    }
    loaded = { hash: hash.digest('hex').slice(0, 16), files }
    return loaded
  }

  return { hash: () => load().hash, get: (name) => load().files.get(name) ?? null }
}
