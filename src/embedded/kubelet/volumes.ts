/**
 * A Pod's volumes as folders of this machine. A container's command sees the machine's own file system, not its mounts; so a workingDir under a mount is the
 * volume's folder, and `EMBEDDED_VOLUME_<NAME>` names the folder of each mount. Absolute mount paths inside a command do not lead there.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import type { Container, KeyToPath, KubeObject, Pod } from '../types.ts'
import { decoded, type Lookup } from './environment.ts'

/** A volume cannot be set up: the Pod waits in ContainerCreating, as on a node. */
export class MountError extends Error {}

export interface Volumes {
  folders: ReadonlyMap<string, string>
}

export function createVolumes(pod: Pod, root: string, lookup: Lookup): Volumes {
  const folders = new Map<string, string>()
  for (const volume of pod.spec.volumes ?? []) {
    const folder = join(root, 'volumes', volume.name)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    folders.set(volume.name, folder)
    const { secret, configMap } = volume
    if (secret !== undefined) {
      writeFiles(folder, source('secret', secret.secretName ?? '', lookup.secret(secret.secretName ?? ''), secret.optional), secret.items)
    }
    if (configMap !== undefined) {
      writeFiles(
        folder,
        source('configmap', configMap.name ?? '', lookup.configMap(configMap.name ?? ''), configMap.optional),
        configMap.items,
      )
    }
  }
  return { folders }
}

function source(kind: string, name: string, found: KubeObject | undefined, optional: boolean | undefined): Record<string, string> {
  if (found !== undefined) return decoded(found)
  if (optional === true) return {}
  throw new MountError(`MountVolume.SetUp failed: ${kind} "${name}" not found`)
}

function writeFiles(folder: string, values: Record<string, string>, items: readonly KeyToPath[] | undefined): void {
  const wanted = items ?? Object.keys(values).map((key) => ({ key, path: key }))
  for (const { key, path } of wanted) {
    const value = values[key]
    if (value === undefined) throw new MountError(`MountVolume.SetUp failed: references non-existent key: ${key}`)
    const file = join(folder, posix.normalize(`/${path}`)) // a leading slash first: `..` cannot climb out
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, value, { mode: 0o600 })
  }
}

export function volumeEnvironment(container: Container, volumes: Volumes): Record<string, string> {
  const result: Record<string, string> = {}
  for (const mount of container.volumeMounts ?? []) {
    const folder = volumes.folders.get(mount.name)
    if (folder !== undefined)
      result[`EMBEDDED_VOLUME_${mount.name.toUpperCase().replaceAll('-', '_')}`] = join(folder, posix.normalize(`/${mount.subPath ?? ''}`))
  }
  return result
}

/** The folder a container starts in: under a mount its volume's folder, else one of its own, never the service's. */
export function workingFolder(container: Container, volumes: Volumes, root: string): string {
  const wanted = posix.normalize(container.workingDir ?? '/')
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => b.mountPath.length - a.mountPath.length)
  for (const mount of mounts) {
    const folder = volumes.folders.get(mount.name)
    const relative = posix.relative(posix.normalize(mount.mountPath), wanted)
    if (folder === undefined || relative === '..' || relative.startsWith('../')) continue
    return made(join(folder, posix.normalize(`/${mount.subPath ?? ''}`), relative))
  }
  return made(join(root, 'containers', container.name, posix.normalize(`/${wanted}`)))
}

function made(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}
