// The image as it is, without Docker: the tree that the Dockerfile's steps make, on a base of this machine's Node and the libraries it asks for, as an
// archive that a node imports. What stands in for the base has no shell, so that nothing in the image can rest on one.
import { execFileSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { archive, baseFolders, layer } from '../cluster/harness/node/images.ts'
import type { TarEntry } from '../cluster/harness/node/tar.ts'
import { type BuiltImage, buildWithoutDocker } from './dockerfile.ts'
import { ROOT } from './tree.ts'

export interface ImageArchive {
  bytes: Buffer
  image: BuiltImage
  /** What jobhook adds to the base. */
  addedBytes: number
}

/** One archive with the image under each of these names; each is a version of its own (label, and so another digest). */
export function buildImage(options: { folder: string; references: { reference: string; version: string }[] }): ImageArchive {
  const path = `${join(process.execPath, '..')}:${process.env.PATH}`
  const image = buildWithoutDocker({ context: ROOT, folder: options.folder, path })
  const base = layer(nodeBase())
  const added = layer(treeOf(image.root))
  const bytes = archive(
    options.references.map(({ reference, version }) => ({
      reference,
      layers: [base, added],
      config: {
        User: image.user,
        WorkingDir: image.workdir,
        Entrypoint: image.entrypoint,
        Cmd: image.command,
        Env: ['PATH=/usr/local/bin:/usr/bin:/bin', ...Object.entries(image.env).map(([key, value]) => `${key}=${value}`)],
        Labels: { ...image.labels, 'org.opencontainers.image.version': version },
      },
    })),
  )
  return { bytes, image, addedBytes: added.bytes.length }
}

/** What `docker.io/library/node` gives to us: node in the PATH, the C libraries, env, /tmp, /etc/passwd. */
function nodeBase(): TarEntry[] {
  const listed = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
  const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
  const files = new Map([
    ['usr/local/bin/node', process.execPath],
    ['usr/bin/env', '/usr/bin/env'],
    ...libraries.map((path): [string, string] => [path.slice(1), path]),
  ])
  const folders = new Set([...files.keys()].flatMap(parents))
  const known = new Set(baseFolders().map(({ path }) => path))
  return [
    ...baseFolders(),
    ...[...folders]
      .filter((path) => !known.has(path))
      .sort()
      .map((path): TarEntry => ({ path, kind: 'folder', mode: 0o755 })),
    ...[...files].map(([path, source]): TarEntry => ({ path, kind: 'file', mode: 0o755, content: readFileSync(realpathSync(source)) })),
    { path: 'etc/passwd', kind: 'file', mode: 0o644, content: Buffer.from('root:x:0:0:root:/root:/sbin/nologin\n') },
  ]
}

/** The folders above a path, topmost first. */
function parents(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'))
}

function treeOf(root: string, path = ''): TarEntry[] {
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name): TarEntry[] => {
      const inside = join(path, name)
      const source = join(root, inside)
      const status = lstatSync(source)
      if (status.isSymbolicLink()) return [{ path: inside, kind: 'link', mode: 0o777, target: readlinkSync(source) }]
      // As Docker copies: modes stay, everything is root's.
      if (status.isDirectory()) return [{ path: inside, kind: 'folder', mode: status.mode & 0o777 }, ...treeOf(root, inside)]
      return [{ path: inside, kind: 'file', mode: status.mode & 0o777, content: readFileSync(source) }]
    })
}
