// Starts the one real node: containerd, kubelet and runc in a mount and PID namespace of their own.
// In two steps, because containerd and the images can come up while the apiserver does.
import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { ToolPaths } from '../build.ts'
import type { LedgerFile } from '../ledger.ts'
import { freePorts } from '../ports.ts'
import { childrenOf, identify } from '../process-id.ts'
import type { Processes } from '../processes.ts'
import { waitFor } from '../wait.ts'
import { network, socketPath, writeNodeConfig } from './config.ts'
import { imageArchive } from './images.ts'
import type { NodeHost } from './possible.ts'

/** With the apiserver's address preference Hostname first, this takes logs and exec over 127.0.0.1; the kubelet refuses loopback as --node-ip. */
export const nodeName = 'localhost'

export interface StartingNode {
  /** containerd's socket: a test imports an image of its own by it. */
  containerd: string
  /** Lets the kubelet start, once there is an apiserver to register with. */
  register(kubeconfig: string): void
}

export async function startNode(
  host: NodeHost,
  tools: ToolPaths,
  options: { eventedPleg: boolean },
  deps: { ledger: LedgerFile; processes: Processes; signal: AbortSignal },
): Promise<StartingNode> {
  const { ledger, processes } = deps
  const folder = join(ledger.folder, 'node')
  const logFolder = join(ledger.folder, 'logs')
  mkdirSync(folder)
  const [kubeletPort = 0] = await freePorts(1)
  writeNodeConfig({
    folder,
    logFolder,
    runc: host.runc,
    kubeletPort,
    snapshotter: host.snapshotter,
    eventedPleg: options.eventedPleg,
    podNetwork: host.podNetwork,
  })
  writeFileSync(join(folder, 'images.tar'), imageArchive(host.busybox))

  const privateFolders = ['/run/containerd', '/run/netns', '/var/lib/cni', '/var/log/containers']
  const madeFolders = privateFolders.flatMap(missingParents)
  ledger.update((entry) => {
    entry.containerFolder = join(folder, 'containerd/state/io.containerd.runtime.v2.task/k8s.io')
    entry.madeFolders.push(...madeFolders)
  })
  for (const made of madeFolders) mkdirSync(made)

  const running = processes.start({
    name: 'node',
    command: host.unshare,
    args: [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--propagation',
      'private',
      '/bin/sh',
      join(import.meta.dirname, 'inside.sh'),
    ],
    env: {
      PATH: [
        dirname(tools('containerd')),
        dirname(tools('kubelet')),
        '/usr/local/sbin',
        '/usr/local/bin',
        '/usr/sbin',
        '/usr/bin',
        '/sbin',
        '/bin',
      ].join(delimiter),
      NODE_FOLDER: folder,
      LOG_FOLDER: logFolder,
      NODE_NAME: nodeName,
      SNAPSHOTTER: host.snapshotter,
      PRIVATE_FOLDERS: privateFolders.join(' '),
      POD_NETWORK: host.podNetwork ? 'yes' : '',
      NODE_ADDRESS: network.node,
      SERVICE_ADDRESSES: network.services,
    },
    extraLogs: [join(logFolder, 'kubelet.log'), join(logFolder, 'containerd.log')],
  })
  // The namespace's first process: when it is gone, so is everything in it.
  const first = await waitFor('the node entering its namespace', () => identify(childrenOf(running.pid)[0] ?? 0), {
    timeoutMs: 5_000,
    ...deps,
  })
  ledger.update((entry) => entry.processes.push({ ...first, name: 'node namespace', group: false }))

  return {
    containerd: socketPath(folder),
    register(kubeconfig) {
      copyFileSync(kubeconfig, join(folder, 'kubeconfig.new'))
      renameSync(join(folder, 'kubeconfig.new'), join(folder, 'kubeconfig'))
    },
  }
}

/** The folder itself and those above it that do not exist, topmost first. */
function missingParents(folder: string): string[] {
  return existsSync(folder) ? [] : [...missingParents(dirname(folder)), folder]
}
