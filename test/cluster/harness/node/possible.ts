// Finds out whether this machine can hold the real node, and if not, why: the rest of the run then goes on without containers.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Report } from '../report.ts'

export interface NodeHost {
  busybox: string
  runc: string
  unshare: string
  /** native copies whole images and is for places such as a container, where an overlay cannot be mounted. */
  snapshotter: 'overlayfs' | 'native'
  /** Whether Pods can be linked to the machine. Without it they have a loopback interface only. */
  podNetwork: boolean
}

/** Programs the node needs from the system, and the Debian package that has each. */
const programs = {
  busybox: 'busybox-static',
  runc: 'runc',
  ip: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
}

/** @returns the reason in words where there can be no real node. As root on Debian, installs what is missing. */
export function findNodeHost(report: Report): NodeHost | string {
  if (process.platform !== 'linux') return `it needs Linux, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'it needs root'
  if (!hasMemoryCgroup()) return 'there is no writable memory cgroup under /sys/fs/cgroup'
  if (missingPackages().length > 0) installPackages(missingPackages(), report)
  const missing = missingPackages()
  if (missing.length > 0) return `Debian packages are missing: apt-get update && apt-get install -y ${missing.join(' ')}`
  const [busybox, runc, unshare] = [findProgram('busybox'), findProgram('runc'), findProgram('unshare')]
  if (busybox === null || runc === null || unshare === null) return 'its programs are not in the PATH'

  const probe = spawnSync(
    unshare,
    ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private', '/bin/true'],
    { encoding: 'utf8' },
  )
  if (probe.status !== 0) return `a mount and PID namespace cannot be made: ${probe.error?.message ?? probe.stderr.trim()}`
  return { busybox, runc, unshare, snapshotter: canOverlay(unshare) ? 'overlayfs' : 'native', podNetwork: canLink(unshare) }
}

function hasMemoryCgroup(): boolean {
  const v2 = '/sys/fs/cgroup/cgroup.controllers'
  const folder = existsSync(v2) ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory'
  if (existsSync(v2) && !readFileSync(v2, 'utf8').includes('memory')) return false
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function missingPackages(): string[] {
  const missing = Object.entries(programs).filter(([program]) => {
    const path = findProgram(program)
    return path === null || (program === 'busybox' && !isStatic(path))
  })
  return [...new Set(missing.map(([, name]) => name))]
}

function installPackages(names: string[], report: Report): void {
  if (findProgram('apt-get') === null) return
  report.say(`installing Debian packages: ${names.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', ...names],
  ]) {
    const result = spawnSync('apt-get', args, { env, encoding: 'utf8' })
    if (result.status !== 0) {
      report.say(`apt-get ${args.join(' ')} failed: ${result.error?.message ?? result.stderr.trim()}`)
      return
    }
  }
}

function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  return folders.map((folder) => join(folder, name)).find((path) => isExecutable(path)) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** It goes into an image that has no libraries. A dynamic ELF program has a program header of type 3 (PT_INTERP), which names its loader. */
function isStatic(path: string): boolean {
  const elf = readFileSync(path)
  const [tableOffset, entrySize, entries] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)]
  return Array.from({ length: entries }, (_, index) => elf.readUInt32LE(tableOffset + index * entrySize)).every((type) => type !== 3)
}

function canOverlay(unshare: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-overlay-'))
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name))
  const mount = 'mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged'
  const result = spawnSync(unshare, ['--mount', '--propagation', 'private', '/bin/sh', '-c', mount], { cwd: folder })
  rmSync(folder, { recursive: true, force: true })
  return result.status === 0
}

function canLink(unshare: string): boolean {
  return spawnSync(unshare, ['--net', 'ip', 'link', 'add', 'jhnode', 'type', 'veth', 'peer', 'name', 'other']).status === 0
}
