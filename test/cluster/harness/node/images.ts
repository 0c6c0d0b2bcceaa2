// Makes the node's three images by hand, in one docker-archive: nothing is pulled, and no image tool is needed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type TarEntry, tar } from './tar.ts'

export const images = {
  pause: 'registry.local/pause:1',
  busybox: 'docker.io/library/busybox:1.36',
  agent: 'registry.local/agent:1',
}

const entrypoint = `#!/bin/sh
echo "agent entrypoint: $*"
exec "$@"
`

/** @param busybox path of a statically linked busybox on this machine */
export function imageArchive(busybox: string): Buffer {
  const base = layer([...baseFolders(), file('bin/busybox', readFileSync(busybox)), ...appletLinks(busybox)])
  const agent = layer([folder('agent'), file('agent/entrypoint.sh', Buffer.from(entrypoint))])
  const Env = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']
  return archive([
    { reference: images.pause, layers: [base], config: { Env, Cmd: ['/bin/busybox', 'sleep', '2147483647'] } },
    { reference: images.busybox, layers: [base], config: { Env, Cmd: ['sh'] } },
    { reference: images.agent, layers: [base, agent], config: { Env, Cmd: ['/agent/entrypoint.sh'] } },
  ])
}

export interface Layer {
  digest: string
  bytes: Buffer
}

export interface ImageSource {
  reference: string
  layers: Layer[]
  /** As Docker's own image configuration spells it: Cmd, Entrypoint, Env, User, WorkingDir, Labels. */
  config: Record<string, unknown>
}

/** A docker-archive, as `docker save` writes it and `ctr images import` reads it. */
export function archive(list: ImageSource[]): Buffer {
  const files = new Map<string, Buffer>()
  const manifest = list.map(({ reference, layers, config: settings }) => {
    const config = Buffer.from(
      JSON.stringify({
        architecture: { x64: 'amd64' }[process.arch as string] ?? process.arch,
        os: 'linux',
        config: settings,
        rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
      }),
    )
    const configName = `${sha256(config)}.json`
    files.set(configName, config)
    for (const { digest, bytes } of layers) files.set(`${digest}/layer.tar`, bytes)
    return { Config: configName, RepoTags: [reference], Layers: layers.map(({ digest }) => `${digest}/layer.tar`) }
  })
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
  return tar([...files].map(([path, content]) => ({ path, kind: 'file', mode: 0o644, content })))
}

export function layer(entries: TarEntry[]): Layer {
  const bytes = tar(entries)
  return { digest: sha256(bytes), bytes }
}

export function baseFolders(): TarEntry[] {
  return [...['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'var'].map((path) => folder(path)), { ...folder('tmp'), mode: 0o1777 }]
}

function appletLinks(busybox: string): TarEntry[] {
  const listed = spawnSync(busybox, ['--list'], { encoding: 'utf8' })
  if (listed.status !== 0) throw new Error(`${busybox} --list failed: ${listed.error?.message ?? listed.stderr}`)
  const applets = listed.stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  return applets.map((name) => ({ path: `bin/${name}`, kind: 'link', mode: 0o777, target: 'busybox' }))
}

function folder(path: string): TarEntry {
  return { path, kind: 'folder', mode: 0o755 }
}

function file(path: string, content: Buffer): TarEntry {
  return { path, kind: 'file', mode: 0o755, content }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
