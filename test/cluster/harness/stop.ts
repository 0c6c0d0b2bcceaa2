// Ends a cluster by its ledger: kills what is listed, removes its cgroups, mount points, locks and files. Safe to run twice.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ledger, LedgerFile } from './ledger.ts'
import { releaseLock } from './lock.ts'
import { identify, isRunning } from './process-id.ts'

const cgroupRoot = '/sys/fs/cgroup'

/**
 * SIGKILL for all at once: the data is thrown away, and an apiserver that outlives its etcd would not end by SIGTERM.
 * @returns what is still there after 10 s; empty when all is gone
 */
export async function stopCluster(file: LedgerFile, keepLogs: boolean): Promise<string[]> {
  const ledger = file.read()
  if (ledger.namespace !== null) await removeNamespace(ledger.namespace)
  killAll(ledger)
  const deadline = performance.now() + 10_000
  let left: string[] = []
  do {
    await delay(20)
    removeCgroups(ledger)
    left = leftovers(ledger)
  } while (left.length > 0 && performance.now() < deadline)
  for (const folder of ledger.madeFolders.toReversed()) removeIfEmpty(folder)
  const logs = join(file.folder, 'logs')
  const remove = keepLogs ? readdirSync(file.folder).map((name) => join(file.folder, name)) : [file.folder]
  for (const path of remove.filter((candidate) => candidate !== logs)) rmSync(path, { recursive: true, force: true })
  for (const lock of ledger.locks) releaseLock(lock, [ledger.owner, ...ledger.processes])
  return left
}

/** In a cluster of the user's own. Our finalizer on Jobs would hold the namespace up for ever when jobhook itself is gone. */
async function removeNamespace({ kubeconfig, name }: { kubeconfig: string; name: string }): Promise<void> {
  const { createApi } = await import('./api.ts') // loading a Kubernetes client takes longer than all the rest of a stop
  const api = createApi(kubeconfig)
  const jobs = `/apis/batch/v1/namespaces/${name}/jobs`
  await api.remove(`/api/v1/namespaces/${name}`)
  const { items } = await api.get<{ items: { metadata: { name: string; finalizers?: string[] } }[] }>(jobs)
  const held = items.filter(({ metadata }) => metadata.finalizers !== undefined)
  for (const { metadata } of held) await api.patch(`${jobs}/${metadata.name}`, { metadata: { finalizers: null } })
  const deadline = performance.now() + 60_000
  while ((await api.request('GET', `/api/v1/namespaces/${name}`)).status !== 404) {
    if (performance.now() > deadline) return console.error(`cluster: the namespace ${name} is still being deleted`)
    await delay(500)
  }
}

function killAll(ledger: Ledger): void {
  for (const entry of ledger.processes.toReversed()) {
    // A group can outlive its leader, and its number is not given away as long as it does.
    const ours = entry.group ? isRunning(entry) || identify(entry.pid) === null : isRunning(entry)
    if (!ours) continue
    try {
      process.kill(entry.group ? -entry.pid : entry.pid, 'SIGKILL')
    } catch {
      // it has ended
    }
  }
}

function leftovers(ledger: Ledger): string[] {
  const running = ledger.processes.filter(isRunning).map((entry) => `process ${entry.pid} (${entry.name})`)
  return [...running, ...cgroupFolders(ledger)]
}

/** containerd puts its containers into the cgroup k8s.io: one folder each on cgroup v2, one in each hierarchy on v1. */
function cgroupParents(): string[] {
  if (!existsSync(cgroupRoot)) return []
  const hierarchies = readdirSync(cgroupRoot, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return ['', ...hierarchies.map(({ name }) => name)].map((name) => join(cgroupRoot, name, 'k8s.io')).filter((folder) => existsSync(folder))
}

function cgroupFolders({ containerFolder }: Ledger): string[] {
  if (containerFolder === null || !existsSync(containerFolder)) return []
  const containers = readdirSync(containerFolder)
  return cgroupParents()
    .flatMap((parent) => containers.map((container) => join(parent, container)))
    .filter((folder) => existsSync(folder))
}

/** One whose last process is just ending is busy for a moment. The common parent goes too, if nobody else has a container in it. */
function removeCgroups(ledger: Ledger): void {
  for (const folder of cgroupFolders(ledger)) removeIfEmpty(folder)
  if (ledger.containerFolder !== null) for (const parent of cgroupParents()) removeIfEmpty(parent)
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // gone already, busy for a moment, or in use by somebody else
  }
}
