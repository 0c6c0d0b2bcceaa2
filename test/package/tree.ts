// Builds the package and lays it out as npm would install it, without a registry: for the tests of what is published.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

export interface PackedPackage {
  /** The .tgz file. */
  tarball: string
  /** Paths inside it, without "package/". */
  files: string[]
}

/** Compiles the checkout and packs it into `folder`. */
export function packCheckout(folder: string): PackedPackage {
  execFileSync(process.execPath, ['scripts/build.ts'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  // Without scripts: prepack would compile once more.
  const output = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--loglevel=silent', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const [packed] = JSON.parse(output) as { filename: string; files: { path: string }[] }[]
  if (!packed) throw new Error(`npm pack said nothing: ${output}`)
  return { tarball: join(folder, packed.filename), files: packed.files.map((file) => file.path).sort() }
}

/** A folder where the package is installed: its own files under node_modules, its dependencies those of the checkout. */
export function installOffline(packed: PackedPackage, folder: string): string {
  const modules = join(folder, 'node_modules')
  mkdirSync(modules, { recursive: true })
  execFileSync('tar', ['-xzf', packed.tarball, '-C', modules])
  renameSync(join(modules, 'package'), join(modules, 'jobhook'))
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name.startsWith('.') || name === 'jobhook') continue
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  }
  return folder
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'jobhook-package-'))
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version
}
