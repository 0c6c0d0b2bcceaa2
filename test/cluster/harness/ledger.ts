// The cluster's folder and its ledger.json: everything that must be stopped or removed, written before anything can be forgotten.
// Three readers end a cluster by it: the run itself, the janitor (when the run was killed) and `--stop` (a kept cluster).
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identify, type ProcessId, self } from './process-id.ts'

export interface Ledger {
  /** The run that made this cluster. */
  owner: ProcessId
  /** True once the run has left the cluster up on purpose. */
  kept: boolean
  /** Components whose end is no failure: a test kills them and starts them again. Absent: none may be. */
  restartable?: string[]
  processes: (ProcessId & { name: string; group: boolean })[]
  /** Where the real node's containerd has one folder for each container, named like the container's cgroup. */
  containerFolder: string | null
  /** Empty folders outside the cluster's own that had to be made as mount points. */
  madeFolders: string[]
  /** Lock files held by this cluster. */
  locks: string[]
  /** A namespace made in a cluster that is not ours. */
  namespace: { kubeconfig: string; name: string } | null
}

export interface LedgerFile {
  folder: string
  read(): Ledger
  update(change: (ledger: Ledger) => void): void
  /** Enters a process that has just been started. */
  add(pid: number, name: string, group: boolean): void
}

const prefix = 'jobhook-cluster-'

export function createFolder(): LedgerFile {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  mkdirSync(join(folder, 'logs'))
  const file = openLedger(folder)
  write(folder, { owner: self(), kept: false, processes: [], containerFolder: null, madeFolders: [], locks: [], namespace: null })
  return file
}

export function openLedger(folder: string): LedgerFile {
  const read = () => JSON.parse(readFileSync(join(folder, 'ledger.json'), 'utf8')) as Ledger
  const update = (change: (ledger: Ledger) => void) => {
    const ledger = read()
    change(ledger)
    write(folder, ledger)
  }
  return {
    folder,
    read,
    update,
    add(pid, name, group) {
      const id = identify(pid)
      if (id !== null) update(({ processes }) => processes.push({ ...id, name, group }))
    },
  }
}

/** Folders of clusters in the temp folder that have a ledger this user can read. */
export function findLedgers(): LedgerFile[] {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))
  const files = folders.map((name) => openLedger(join(tmpdir(), name)))
  return files.filter((file) => {
    try {
      file.read()
      return true
    } catch {
      return false // another user's, or the logs that a failed run left behind
    }
  })
}

function write(folder: string, ledger: Ledger): void {
  const path = join(folder, 'ledger.json')
  writeFileSync(`${path}.new`, JSON.stringify(ledger, null, 2))
  renameSync(`${path}.new`, path)
}
