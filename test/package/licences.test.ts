// Whether what is shipped may be shipped: the licences of all production dependencies, as package-lock.json has them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './tree.ts'

test('everything that is shipped has a permissive licence', () => {
  const permissive = /^\(?(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|Unlicense|CC0-1\.0|PSF-2\.0|Python-2\.0)\b/
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; license?: string }>
  }
  const shipped = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.dev)
  assert.ok(shipped.length > 20)
  const odd = shipped.filter(([, { license }]) => !permissive.test(license ?? '')).map(([path, { license }]) => `${path}: ${license}`)
  assert.deepEqual(odd, [])
})
