// The version, as package.json says it: one place, read once.
import { readFileSync } from 'node:fs'

/** From src/ in a checkout and from dist/src/ in a package. */
function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { name?: string; version?: string }
      if (name === 'jobhook' && version) return version
    } catch {
      // Not there: try the next place.
    }
  }
  return '0.0.0'
}

export const VERSION = readVersion()
